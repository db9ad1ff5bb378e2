"""The page on verification lists what the code does."""

from pathlib import Path

import pytest

from agent.verification.errors import RULES, Code
from agent.verification.keys import Unfit

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/security/verification.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", Code)
def test_each_code_is_listed_in_the_row_of_its_step(code: Code) -> None:
    """A reviewer reads the page first: it must not lag behind."""
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| ") and f"`{code}`" in line)
    assert row.startswith(f"| {RULES[code][0]} ")


@pytest.mark.parametrize("reason", Unfit)
def test_each_reason_to_leave_a_key_out_is_listed(reason: Unfit) -> None:
    """Who publishes keys must be able to look up why one is not used."""
    assert f"`{reason}`" in PAGE


def test_each_test_that_the_page_names_exists() -> None:
    """A reference to evidence that is not there is worse than none."""
    named = [word.strip("`") for word in PAGE.split() if word.startswith("`tests/")]
    assert named
    assert all((ROOT / name).is_file() for name in named)
