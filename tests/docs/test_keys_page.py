"""The page on keys lists each code of the key source."""

from pathlib import Path

import pytest

from agent.adapters.tuf_errors import TufFault

PAGE = (Path(__file__).parents[2] / "docs/security/keys.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", TufFault)
def test_each_code_is_in_the_list_of_attacks(code: TufFault) -> None:
    assert f"`{code}`" in PAGE.partition("## The effect of each attack")[2]
