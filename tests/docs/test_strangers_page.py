"""The page on strangers names only code, tests and attacks that exist."""

import re
from pathlib import Path

import pytest

from lab.attacks.catalogue import BY_ID

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security/strangers.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| kind")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_code_tests_and_attacks_of_each_row_exist(row: list[str]) -> None:
    _, _, code, tests, attacks = row
    for cell, folder in ((code, ""), (tests, "tests/")):
        named = re.findall(r"`([^`]+)`", cell)
        assert named
        assert all(name.startswith(folder) and (ROOT / name).is_file() for name in named), named
    named = re.findall(r"`([^`]+)`", attacks)
    assert named or attacks == "–"
    assert BY_ID.keys() >= set(named)


def test_each_attack_with_an_unlock_code_that_answers_another_challenge_is_listed() -> None:
    ours = {name for name in BY_ID if name.startswith("unlock-code-")}
    assert ours - set(re.findall(r"`([^`]+)`", PAGE)) == {"unlock-code-changed", "unlock-code-expired"}
