"""The page on keys lists each code of the key source, and calls functions that exist."""

import re
from pathlib import Path

import pytest

from agent.adapters.tuf_errors import TufFault

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security/keys.md").read_text(encoding="utf-8")
CALLS = re.findall(r"`(?:repository\.|KeyRepository\.)?(\w+)\(", PAGE)


@pytest.mark.parametrize("code", TufFault)
def test_each_code_is_in_the_list_of_attacks(code: TufFault) -> None:
    assert f"`{code}`" in PAGE.partition("## The effect of each attack")[2]


def test_each_call_of_the_page_is_defined() -> None:
    modules = (ROOT / "server_stub/key_repository").glob("*.py")
    defined = {
        name
        for path in modules
        for name in re.findall(r"(?:def|class) (\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(CALLS) >= 9
    assert [name for name in CALLS if name not in defined] == []
