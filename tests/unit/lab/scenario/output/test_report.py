"""The report of scenarios: nothing leaves its place, and the same results give the same page."""

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult
from lab.scenario.engine.runner import Plan, run_all
from lab.scenario.files.reader import read
from lab.scenario.output.cohorts import cohorts
from lab.scenario.output.failures import GROUPS, Failures
from lab.scenario.output.lock_periods import Locked, locks
from lab.scenario.output.packing import PIECE, compact
from lab.scenario.output.page import render
from lab.scenario.output.page_data import scenario
from tests.support.scenarios import cases, text

INCIDENT = Path("scenarios/incident/incident-2021.scenario.yaml")
EVIL = "</script><b>planted"


@pytest.fixture(scope="module")
def incident() -> ScenarioResult:
    """The incident, run once."""
    return next(iter(run_all(list(read(INCIDENT)), Plan())))


def index(page: str) -> dict[str, Any]:
    """What the page lets its reader search in."""
    found = re.search(r'<script type="application/json" id="index">(.*?)</script>', page, re.DOTALL)
    assert found
    parsed: dict[str, Any] = json.loads(found[1])
    return parsed


def details(page: str) -> list[dict[str, Any]]:
    """Every scenario's details, unpacked in the order of the index."""
    packed = re.findall(r'class="piece">([^<]*)</script>', page)
    pieces = [json.loads(zlib.decompress(base64.b64decode(piece))) for piece in packed]
    return [pieces[row[-2]][row[-1]] for row in index(page)["rows"]]


def test_what_is_planted_stays_text(incident: ScenarioResult) -> None:
    """Names and messages come from files and phones, so that none of them may become markup."""
    phone = incident.handsets[0]
    shot = replace(phone.screens[0], title=EVIL)
    evil = replace(
        incident,
        name=EVIL,
        about=EVIL,
        handsets=(replace(phone, name=EVIL, screens=(shot,)), *incident.handsets[1:]),
    )
    page = render([evil])
    assert EVIL not in page
    assert index(page)["stories"][0][1] == EVIL
    assert details(page)[0]["handsets"][0]["name"] == EVIL


def test_the_page_sends_no_requests(incident: ScenarioResult) -> None:
    """A report is read where there is no network."""
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import", render([incident]))


def test_all_messages_are_there_decoded(incident: ScenarioResult) -> None:
    """Of every scenario, passed or not: what was sent and what was received."""
    (inside,) = details(render([incident]))
    kept = {each["name"]: tuple(each["timeline"]) for each in inside["handsets"]}
    assert kept == {each.name: tuple(json.loads(compact(each.timeline))) for each in incident.handsets}


def test_a_screen_that_comes_again_is_carried_once(incident: ScenarioResult) -> None:
    """A phone shows the same few screens for months."""
    (inside,) = details(render([incident]))
    numbers = [number for each in inside["handsets"] for _, number in each["screens"]]
    assert len(inside["screens"]) == len(set(numbers)) < len(numbers)


def test_pieces_are_bounded_so_that_a_reader_unpacks_little(incident: ScenarioResult) -> None:
    """Who opens one scenario of thousands unpacks a piece, and no piece grows with the number of scenarios."""
    page = render([incident] * 20)
    packed = re.findall(r'class="piece">([^<]*)</script>', page)
    sizes = [len(zlib.decompress(base64.b64decode(piece))) for piece in packed]
    one = len(compact(scenario(incident)))
    assert len(details(page)) == 20
    assert max(sizes) <= PIECE + one
    assert len(packed) > 1


def test_a_phone_counts_in_each_place_where_it_was(incident: ScenarioResult) -> None:
    """The matrix leads from a place to the scenarios in which phones were there, not only to those that ended there."""
    row = index(render([incident]))
    places = {row["places"][place] for _, where in row["rows"][0][4] for place in where}
    assert places == {"havana", "paris"}


def test_cohorts_say_where_each_phone_was_set_up(incident: ScenarioResult) -> None:
    """Where a phone was activated decides who is locked, so that a row without it explains nothing."""
    said = {row["name"]: row["what"] for row in cohorts(incident)["rows"]}
    assert said["before"] == "official-global, set up in havana on 1 Sep"
    assert said["carried-in"] == "official-global, set up in paris on 1 Sep, now in havana"
    assert said["late"] == "official-global, in havana"


def test_failures_at_one_place_are_told_together(incident: ScenarioResult) -> None:
    """A hundred failures of a night are mostly one; what makes them different comes after it."""
    (failed,) = (run(case, "tests") for case in cases(text("- {expect: phone, outcome: locked}")))
    failures = Failures()
    for number in range(100):
        failures.add(replace(failed, id=f"test {number}"))
    failures.add(incident)
    (group,) = failures.groups
    assert group.where == "line 7: phone: outcome"
    assert (len(group.listed), group.unlisted, failures.elsewhere) == (8, 92, 0)
    assert group.listed[0].what == "expected locked, actual off"


def test_more_places_than_are_named_are_counted(incident: ScenarioResult) -> None:
    """Nothing that failed goes without mention."""
    (failed,) = (run(case, "tests") for case in cases(text("- {expect: phone, outcome: locked}")))
    failures = Failures()
    for number in range(GROUPS + 3):
        failures.add(replace(failed, file=f"{number}.scenario.yaml"))
    assert (len(failures.groups), failures.elsewhere) == (GROUPS, 3)


def test_the_same_results_give_the_same_octets(incident: ScenarioResult) -> None:
    """A difference between two reports is then a difference in what happened."""
    again = next(iter(run_all(list(read(INCIDENT)), Plan())))
    assert render([incident]) == render([again])


def test_who_was_locked_when(incident: ScenarioResult) -> None:
    """The cohorts of the incident: two were locked and unlocked, one stayed locked, the others never were."""
    spans = {each.name: locks(each) for each in incident.handsets}
    assert {name for name, found in spans.items() if found} == {"before", "with-code", "late"}
    assert [span.until for span in spans["late"]] == [None]
    assert all(isinstance(span, Locked) and span.until for span in spans["before"] + spans["with-code"])


def test_the_demo_carries_the_incident_of_the_library() -> None:
    """An installed package has no folder of scenarios; its copy must not fall behind."""
    assert (Path("lab/scenario/output") / INCIDENT.name).read_bytes() == INCIDENT.read_bytes()
