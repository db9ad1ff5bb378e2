"""The page on verification lists what the code does."""

import json
import re
from pathlib import Path

import pytest

from agent.verification.errors import RULES, Code
from agent.verification.keys import KeyRejection

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security/verification.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", Code)
def test_each_code_is_listed_in_the_row_of_its_step(code: Code) -> None:
    """A reviewer reads the page first: it must not lag behind."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| ") and f"`{code}`" in line)
    assert row.startswith(f"| {RULES[code][0]} ")


@pytest.mark.parametrize("reason", KeyRejection)
def test_each_reason_to_leave_a_key_out_is_listed(reason: KeyRejection) -> None:
    """Who publishes keys must be able to look up why one is not used."""
    assert f"`{reason}`" in PAGE


LINKS = re.findall(r"\[`(\w+)`\]\(\.\./\.\./(agent/verification/\w+\.py)\)", PAGE)


@pytest.mark.parametrize(("function", "module"), LINKS, ids=[link[0] for link in LINKS])
def test_each_step_links_to_the_module_of_its_function(function: str, module: str) -> None:
    assert f"\ndef {function}(" in (ROOT / module).read_text(encoding="utf-8")


def test_every_step_has_such_a_link() -> None:
    """Fourteen steps, each with its own row."""
    rows = [row for row in PAGE.splitlines() if "](../../agent/verification/" in row and row.startswith("| ")]
    assert [int(row.split()[1]) for row in rows] == list(range(1, 15))


FOLDERS = re.findall(r"`(tests/[\w/]+)`", PAGE)


def test_each_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)`", PAGE)
    assert named
    for name in named:
        assert any((ROOT / folder / name).is_file() for folder in FOLDERS), name


def test_vectors_have_each_code_except_the_one_for_an_unknown_time() -> None:
    vectors = json.loads((ROOT / "docs/security/verdict-vectors.json").read_text(encoding="utf-8"))["vectors"]
    codes = {vector["expect"].get("code") for vector in vectors} - {None}
    assert codes == set(Code) - {Code.KEY_TIME_UNKNOWN}
