"""docs/failure-modes.md has a row for each test, and each row is complete."""

import re
from pathlib import Path

TABLE = Path(__file__).parents[3] / "docs" / "failure-modes.md"
HERE = Path(__file__).parent
ELSEWHERE = {"test_power_cut_at_any_effect_does_not_change_the_outcome": HERE / "test_power_cuts.py"}


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(path: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))


def test_each_row_names_a_test_and_each_test_has_its_row() -> None:
    named = [row[3].strip("`") for row in rows()]
    assert len(named) == len(set(named)) >= 20
    assert set(named) == names_in(HERE / "test_losses.py") | set(ELSEWHERE)
    for name, path in ELSEWHERE.items():
        assert name in names_in(path)


def test_each_row_has_event_reaction_and_screen() -> None:
    for row in rows():
        assert len(row) == 4
        assert all(row)
