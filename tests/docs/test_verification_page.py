"""The page on verification lists what the code does."""

import re
from pathlib import Path

import pytest

from agent.verification.errors import RULES, Code
from agent.verification.keys import KeyRejection
from lab.attacks.catalogue import CATALOGUE

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


LINKS = re.findall(r"\[`(\w+)`\]\(\.\./\.\./(agent/verification/\w+\.py)#L(\d+)\)", PAGE)


@pytest.mark.parametrize(("function", "module", "line"), LINKS, ids=[link[0] for link in LINKS])
def test_each_step_links_to_the_line_of_its_function(function: str, module: str, line: str) -> None:
    """A reviewer goes from the page to the code."""
    lines = (ROOT / module).read_text(encoding="utf-8").splitlines()
    places = [number for number, text in enumerate(lines, 1) if text.startswith(f"def {function}(")]
    assert places == [int(line)]


def test_every_step_has_such_a_link() -> None:
    """Fourteen steps, each with its own row."""
    rows = [row for row in PAGE.splitlines() if "](../../agent/verification/" in row and row.startswith("| ")]
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, 15))


def test_each_test_that_the_page_names_exists() -> None:
    """A reference to evidence that is not there is worse than none."""
    named = re.findall(r"`((?:tests|lab)/[^`]+)`", PAGE)
    assert named
    assert all((ROOT / name).is_file() for name in named)


VECTORS = [
    (int(step), name, target)
    for step, row in re.findall(r"^\| (\d+) \| (\[`\w+`\]\(.*)$", PAGE, re.MULTILINE)
    for name, target in re.findall(r"`([\w-]+)/([\w-]+)`", row)
]


def test_each_row_names_a_vector_for_each_code_of_its_step() -> None:
    """Except the code for an unknown time, which an agent never has."""
    endings = {
        (attack.id, trial.target.replace(" ", "-")): trial.expected.last_code
        for attack in CATALOGUE
        for trial in attack.trials
    }
    codes = [Code(endings[name, target]) for _, name, target in VECTORS]
    assert sorted(codes) == sorted(set(Code) - {Code.KEY_TIME_UNKNOWN})
    assert [RULES[code][0] for code in codes] == [step for step, _, _ in VECTORS]
