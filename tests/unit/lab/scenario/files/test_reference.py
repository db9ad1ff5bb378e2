"""The generated page of the members of scenario files."""

import re
from pathlib import Path

import pytest

from lab.scenario.files import reference
from lab.scenario.model.expect import Expect
from lab.scenario.model.expectations import ObservationPattern, ScreenExpected, VerdictExpected
from lab.scenario.model.faults import WireFault
from lab.scenario.model.field_types import Table
from lab.scenario.model.includes import IncludedFile, IncludeStep
from lab.scenario.model.scenario import Exemption, HandsetTable, KeystoreTable, Scenario, SlotTable
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import VERBS

PAGE = Path(__file__).parents[5] / "docs" / "qa" / "reference.md"
SECTIONS = dict(section.split("\n", 1) for section in reference.text().split("\n## ")[1:])
WIRE = {field.alias for field in WireFault.model_fields.values()}
STEPS: dict[str, type[Table]] = {"include": IncludeStep, **VERBS}


def first_cells(section: str) -> list[str]:
    rows = re.findall(r"^\| (.*?) \|", SECTIONS[section], re.MULTILINE)
    return [name for row in rows for name in re.findall("`([^`]+)`", row)]


def test_reference_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.text()


@pytest.mark.parametrize(
    ("section", "path", "table"),
    [
        ("The file", "", Scenario),
        ("The file", "skip.", Exemption),
        ("The file", "handsets.", HandsetTable),
        ("The file", "handsets.sims.", SlotTable),
        ("The file", "handsets.keystore.", KeystoreTable),
        ("Included files", "", IncludedFile),
        ("Faults", "", WireFault),
        ("Expectations", "", Expect),
        ("Expectations", "screen.", ScreenExpected),
        ("Expectations", "verdict.", VerdictExpected),
        ("Expectations", "never.", ObservationPattern),
    ],
)
def test_reference_has_each_member_of_a_table_once(section: str, path: str, table: type[Table]) -> None:
    names = first_cells(section)
    members = (field.alias or name for name, field in table.model_fields.items())
    expected = [path + member for member in members if member not in ("when", "note", "expect") or path]
    assert [names.count(name) for name in expected] == [1] * len(expected)


def test_reference_has_each_verb_with_its_members() -> None:
    rows = re.findall(r"^\| \*{0,2}`(.*?)`\*{0,2} \| (.*)$", SECTIONS["Steps"], re.MULTILINE)
    cells = dict(rows)
    for verb, step in STEPS.items():
        if step is Expect:
            continue
        members = {
            field.alias or name for name, field in step.model_fields.items() if name not in Step.model_fields
        }
        for member in members - {verb} - (WIRE if verb == "fault" else set()):
            assert f"`{member}`" in cells[verb], (verb, member)
    assert len([name for name, _ in rows if name in VERBS]) == len(VERBS) - 1


def test_reference_says_nothing_twice_and_has_short_lines() -> None:
    lines = [line for line in reference.text().splitlines() if line and not line.startswith("|---")]
    repeated = {line for line in lines if lines.count(line) > 1}
    assert repeated == {"| member | meaning |"}
    assert [line for line in lines if len(line) > 140 and not line.startswith("| ")] == []
