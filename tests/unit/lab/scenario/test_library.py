"""What the shipped scenarios touch, counted from what they declare; `pytest scenarios` says whether they pass."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from agent.core.screens import ScreenId
from agent.screens import LANGUAGES
from firmware_profiles.loader import names as profile_names
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
_TEST: Final = re.compile(r"`(test_\w+)` \|$", re.MULTILINE)
_NOT_KINDS: Final = {"when", "note", "expect", "since"}


@cache
def library() -> tuple[Case, ...]:
    """Every combination of every shipped file."""
    found, errors = cases([FOLDER])
    assert errors == []
    return tuple(found)


def steps() -> Iterator[tuple[Case, Any]]:
    """Every step that is done, with those that are nested; one that `when` leaves out is not there."""
    for case in library():
        for step in flat(tuple(step for _, step in case.steps)):
            yield case, step


def expectations() -> Iterator[tuple[Case, Expect]]:
    """Every expectation that is held against something."""
    return ((case, step) for case, step in steps() if isinstance(step, Expect))


def verdicts(member: str) -> set[str]:
    """What newest verdicts are expected to hold; `never` does not count."""
    return {
        str(value)
        for _, step in expectations()
        if step.verdict
        for value in _several(getattr(step.verdict, member))
    }


def screens() -> set[str]:
    """`locked in fr` for each screen that is expected to stand in a language, or to have stood on such a phone."""
    found: set[str] = set()
    for case, step in expectations():
        seen = [*_several(step.screen and step.screen.id)]
        seen += [entry.what for entry in step.timeline or () if entry.who == "screen"]
        handsets = case.scenario.handsets
        locales = {handsets[name].locale for name in step.subject or handsets} - {None}
        found |= {f"{screen} in {locale}" for screen in seen for locale in locales}
    return found


def profiles() -> set[str]:
    """Images that phones begin with or are flashed with."""
    begun = {handset.profile for case in library() for handset in case.scenario.handsets.values()}
    return begun | {step.profile for _, step in steps() if step.verb() == "flash"}


def places() -> set[str]:
    """Where phones begin, were activated, or are carried."""
    begun = {h.place or c.scenario.world.place for c in library() for h in c.scenario.handsets.values()}
    before = {h.activated.place for c in library() for h in c.scenario.handsets.values() if h.activated}
    return begun | before | {step.to for _, step in steps() if step.verb() == "move"}


def faults() -> set[str]:
    """Kinds of fault that a step or a world has."""
    at_first = {fault.fault for case in library() for fault in case.scenario.world.faults}
    return {str(kind) for kind in at_first | {step.fault for _, step in steps() if step.verb() == "fault"}}


def kinds() -> set[str]:
    """Members of expectations that are given."""
    return {member for _, step in expectations() for member in step.model_fields_set} - _NOT_KINDS


def rows() -> set[str]:
    """Rows of the losses table that a file says it shows, by their tests."""
    files = {case.file for case in library()}
    return {row for file in files for row in _ROW.findall(Path(file).read_text("utf-8"))}


def rows_of_table() -> set[str]:
    """All rows of that table."""
    return set(_TEST.findall((ROOT / "docs" / "failure-modes.md").read_text("utf-8")))


def _several(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)


def missing(wanted: Iterable[str], touched: set[str]) -> list[str]:
    """What no scenario touches, in order."""
    return sorted({str(each) for each in wanted} - touched)


def test_the_library_has_at_least_sixty_files() -> None:
    """Files, not combinations: a matrix counts once."""
    files = {case.file for case in library()}
    assert len(files) >= LEAST, f"{len(files)} files"


def test_every_row_of_the_losses_table_has_a_scenario() -> None:
    """And no scenario speaks of a row that is gone."""
    assert rows_of_table()
    assert missing(rows_of_table(), rows()) == []
    assert missing(rows(), rows_of_table()) == []


def test_every_decision_is_expected_somewhere() -> None:
    """Named as the decision of a verdict that a phone took."""
    assert missing(Decision, verdicts("decision")) == []


def test_every_reason_code_is_expected_somewhere() -> None:
    """Named as the reason of a verdict that a phone took."""
    assert missing(Reason, verdicts("reason")) == []


def test_every_screen_is_expected_in_every_language() -> None:
    """A screen that nobody has looked at in Farsi is one that may run the wrong way."""
    wanted = [f"{screen} in {language}" for screen in ScreenId for language in LANGUAGES]
    assert missing(wanted, screens()) == []


def test_every_firmware_profile_is_on_some_phone() -> None:
    """A profile that nobody runs may as well be broken."""
    assert missing(profile_names(), profiles()) == []


def test_every_place_has_a_phone() -> None:
    """From the list of places itself, so that a new one is asked for."""
    assert missing(load_places(), places()) == []


def test_every_kind_of_fault_is_on_the_wire_somewhere() -> None:
    """From the model itself, so that a new one is asked for."""
    assert missing(SCENARIO_FAULTS, faults()) == []


def test_every_step_is_done_somewhere() -> None:
    """A verb that no shipped file has is one that nobody can copy from."""
    assert missing(VERBS, {step.verb() for _, step in steps()}) == []


def test_every_kind_of_expectation_is_held_somewhere() -> None:
    """Every member of `expect` that judges."""
    assert missing(set(Expect.model_fields) - _NOT_KINDS, kinds()) == []


@pytest.mark.parametrize("count", [screens, profiles, places, faults, kinds, rows])
def test_what_nothing_touches_is_named(count: Any) -> None:
    """The count itself can fail: something that no file has is told by its name."""
    assert missing(["nothing-of-the-kind"], count()) == ["nothing-of-the-kind"]
