"""What the shipped scenarios cover, counted from their text; `pytest scenarios` runs them."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from agent.core.screens import ScreenId
from agent.screens import LANGUAGES
from firmware_profiles.loader import names as profile_names
from lab.handset.modem.dialects import dialect_names
from lab.scenario.files.discovery import cases
from lab.scenario.files.reader import Case
from lab.scenario.model.expect import Expect
from lab.scenario.model.faults import SCENARIO_FAULTS
from lab.scenario.model.scenario import flat
from lab.scenario.model.step_union import VERBS
from lab.world.places import load_places
from wire.codes import Decision, Reason

ROOT: Final = Path(__file__).parents[4]
FOLDER: Final = ROOT / "scenarios"
LEAST: Final = 60
_ROW: Final = re.compile(r"^# failure-modes\.md: (test_\w+)$", re.MULTILINE)
_TEST: Final = re.compile(r"`(test_\w+)`")
_NOT_KINDS: Final = {"when", "note", "expect", "since"}


@cache
def library() -> tuple[Case, ...]:
    """Every combination of every shipped file."""
    found, errors = cases([FOLDER])
    assert errors == []
    return tuple(found)


def steps() -> Iterator[tuple[Case, Any]]:
    """Every step that is done, with nested ones, without those that `when` leaves out."""
    for case in library():
        for step in flat(tuple(step for _, step in case.steps)):
            yield case, step


def expectations() -> Iterator[tuple[Case, Expect]]:
    """Every expectation."""
    return ((case, step) for case, step in steps() if isinstance(step, Expect))


def verdicts(member: str) -> set[str]:
    """The expected values of a member of the newest verdict; `never` does not count."""
    return {
        str(value)
        for _, step in expectations()
        if step.verdict
        for value in _several(getattr(step.verdict, member))
    }


def screens() -> set[str]:
    """`locked in fr` for each screen that is expected on a device with a language, now or in the timeline."""
    found: set[str] = set()
    for case, step in expectations():
        seen = [*_several(step.screen and step.screen.id)]
        seen += [entry.what for entry in step.timeline or () if entry.who == "screen"]
        handsets = case.scenario.handsets
        named = case.scenario.devices.selected(step.subject).keys() & handsets.keys()
        locales = {handsets[name].locale for name in named} - {None}
        found |= {f"{screen} in {locale}" for screen in seen for locale in locales}
    return found


def profiles() -> set[str]:
    """Images that devices start with or are flashed with."""
    begun = {handset.profile for case in library() for handset in case.scenario.handsets.values()}
    return begun | {step.profile for _, step in steps() if step.verb() == "flash"}


def places() -> set[str]:
    """Places where devices start, were activated, or are moved to."""
    begun = {h.place or c.scenario.world.place for c in library() for h in c.scenario.handsets.values()}
    before = {h.activated.place for c in library() for h in c.scenario.handsets.values() if h.activated}
    return begun | before | {step.to for _, step in steps() if step.verb() == "move"}


def faults() -> set[str]:
    """Kinds of fault of steps and worlds."""
    at_first = {fault.fault for case in library() for fault in case.scenario.world.faults}
    return {str(kind) for kind in at_first | {step.fault for _, step in steps() if step.verb() == "fault"}}


def kinds() -> set[str]:
    """Members of expectations."""
    return {member for _, step in expectations() for member in step.model_fields_set} - _NOT_KINDS


def rows() -> set[str]:
    """Rows of the table of failures that a file names, by their tests."""
    files = {case.file for case in library()}
    return {row for file in files for row in _ROW.findall(Path(file).read_text("utf-8"))}


def rows_of_table() -> set[str]:
    """The tests of all rows of that table."""
    page = (ROOT / "docs/qa/failure-modes.md").read_text("utf-8")
    return set(_TEST.findall(page.partition("\n## Deviations\n")[0]))


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def missing(wanted: Iterable[str], covered: set[str]) -> list[str]:
    """What no scenario covers, in order."""
    return sorted({str(each) for each in wanted} - covered)


def test_library_has_at_least_sixty_files() -> None:
    """A file with parameters counts once."""
    files = {case.file for case in library()}
    assert len(files) >= LEAST, f"{len(files)} files"


def test_every_row_of_the_table_of_failures_has_a_scenario() -> None:
    """And no scenario names a row that does not exist."""
    assert rows_of_table()
    assert missing(rows_of_table(), rows()) == []
    assert missing(rows(), rows_of_table()) == []


def test_every_decision_is_expected_somewhere() -> None:
    assert missing(Decision, verdicts("decision")) == []


def test_every_modem_dialect_ends_activated_somewhere() -> None:
    activated = {
        str(handset.modem_dialect)
        for case, step in expectations()
        for handset in case.scenario.handsets.values()
        if "activated" in map(str, _several(step.outcome))
    }
    assert missing(dialect_names(), activated) == []


def test_every_reason_code_is_expected_somewhere() -> None:
    assert missing(Reason, verdicts("reason")) == []


def test_every_screen_is_expected_in_every_language() -> None:
    wanted = [f"{screen} in {language}" for screen in ScreenId for language in LANGUAGES]
    assert missing(wanted, screens()) == []


def test_every_firmware_profile_is_used() -> None:
    assert missing(profile_names(), profiles()) == []


def test_every_place_is_used() -> None:
    assert missing(load_places(), places()) == []


def test_every_kind_of_fault_is_used() -> None:
    assert missing(SCENARIO_FAULTS, faults()) == []


def test_every_step_is_used() -> None:
    assert missing(VERBS, {step.verb() for _, step in steps()}) == []


def test_every_kind_of_expectation_is_used() -> None:
    assert missing(set(Expect.model_fields) - _NOT_KINDS, kinds()) == []


@pytest.mark.parametrize("count", [screens, profiles, places, faults, kinds, rows])
def test_missing_item_is_reported_by_name(count: Any) -> None:
    """The check itself can fail."""
    assert missing(["nothing-of-the-kind"], count()) == ["nothing-of-the-kind"]
