"""docs/qa/failure-modes.md names each test of a failure, and the tests and scenarios that it names exist."""

import re
from pathlib import Path

TABLE = Path(__file__).parents[3] / "docs/qa/failure-modes.md"
HERE = Path(__file__).parent
ELSEWHERE = {
    "test_power_cut_at_any_effect_does_not_change_the_outcome": HERE / "test_power_cuts.py",
    "test_step_stops_signing_and_publishing_until_the_clock_is_right_again_or_accepted": HERE
    / "test_server_clock.py",
    "test_device_that_learned_a_wrong_time_follows_the_server_after_the_acceptance": HERE
    / "test_server_clock.py",
}


FAILURES, DEVIATIONS = TABLE.read_text("utf-8").split("\n## Deviations\n")
TESTS = Path(__file__).parents[2]
SCENARIOS = Path(__file__).parents[3] / "scenarios"


def rows(text: str = FAILURES) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(path: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))


def test_each_row_names_its_tests_and_each_test_has_one_row() -> None:
    named = [name for row in rows() for name in re.findall(r"`(test_\w+)`", row[2])]
    assert len(named) == len(set(named)) >= 20
    assert set(named) == names_in(HERE / "test_losses.py") | set(ELSEWHERE)
    for name, path in ELSEWHERE.items():
        assert name in names_in(path)


def test_each_row_has_event_reaction_and_tests() -> None:
    for row in rows() + rows(DEVIATIONS):
        assert len(row) == 3
        assert all(row)


def test_each_deviation_names_tests_and_scenarios_that_exist() -> None:
    tests = {name for path in TESTS.rglob("test_*.py") for name in names_in(path)}
    scenarios = {path.name.removesuffix(".scenario.yaml") for path in SCENARIOS.rglob("*.scenario.yaml")}
    assert len(rows(DEVIATIONS)) >= 10
    for row in rows(DEVIATIONS):
        named = set(re.findall(r"`([^`]+)`", row[2]))
        assert named
        assert named <= tests | scenarios, row
