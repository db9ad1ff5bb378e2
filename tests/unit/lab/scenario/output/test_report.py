"""The HTML report of scenario results."""

import base64
import io
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import LockPeriod, ScenarioResult, Status
from lab.scenario.engine.runner import Plan, Run
from lab.scenario.files.discovery import library_file
from lab.scenario.files.reader import read
from lab.scenario.output.cohorts import cohorts
from lab.scenario.output.failures import GROUPS_MAX, Failures
from lab.scenario.output.page import Report, render
from lab.scenario.output.page_data import PIECE_SIZE_MAX, compact, scenario
from lab.scenario.output.report_file import ReportFooter, ReportHeader
from lab.scenario.output.run_root import program_version
from tests.support.scenarios import cases, text

INCIDENT = Path("scenarios/incident/incident-2021.scenario.yaml")
EVIL = "</script><b>planted"


@pytest.fixture(scope="module")
def incident() -> ScenarioResult:
    return next(iter(Run(list(read(INCIDENT)), Plan()).results()))


def unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def index(page: str) -> dict[str, Any]:
    """The search index of the page: its lists and columns."""
    found = re.search(r'<script type="application/json" id="index">(.*?)</script>', page, re.DOTALL)
    assert found
    columns = re.findall(r'class="column" data-name="(\w+)">([^<]*)</script>', page)
    return json.loads(found[1]) | {name: unpacked(text) for name, text in columns}


def details(page: str) -> list[dict[str, Any]]:
    """The details of every scenario, in the order of the index."""
    pieces = [unpacked(piece) for piece in re.findall(r'class="piece">([^<]*)</script>', page)]
    return [pieces[piece][place] for piece, place in index(page)["piece"]]


def test_markup_in_names_and_titles_is_escaped(incident: ScenarioResult) -> None:
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
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import", render([incident]))


def test_page_contains_every_timeline_with_decoded_messages(incident: ScenarioResult) -> None:
    (inside,) = details(render([incident]))
    kept = {each["name"]: tuple(each["timeline"]) for each in inside["handsets"]}
    assert kept == {each.name: tuple(json.loads(compact(each.timeline))) for each in incident.handsets}


def test_equal_screens_are_stored_once(incident: ScenarioResult) -> None:
    (inside,) = details(render([incident]))
    numbers = [number for each in inside["handsets"] for _, number, _ in each["screens"]]
    assert len(inside["screens"]) == len(set(numbers)) < len(numbers)


@pytest.mark.slow
def test_size_of_a_piece_is_bounded(incident: ScenarioResult) -> None:
    page = render([incident] * 20)
    packed = re.findall(r'class="piece">([^<]*)</script>', page)
    sizes = [len(zlib.decompress(base64.b64decode(piece))) for piece in packed]
    one = len(compact(scenario(incident)))
    assert len(details(page)) == 20
    assert max(sizes) <= PIECE_SIZE_MAX + one
    assert len(packed) > 1


def test_index_lists_every_place_of_a_device(incident: ScenarioResult) -> None:
    found = index(render([incident]))
    shape = found["shapes"][found["shape"][0]]
    places = {found["places"][place] for _, where in shape for place in where}
    assert places == {"havana", "paris"}


def test_cohort_row_contains_the_place_of_setup(incident: ScenarioResult) -> None:
    said = {row["name"]: row["what"] for row in cohorts(incident)["rows"]}
    assert said["before"] == "official-global, set up in havana on 1 Sep"
    assert said["carried-in"] == "official-global, set up in paris on 1 Sep, now in havana"
    assert said["late"] == "official-global, in havana"


def test_bar_of_a_lock_in_the_last_instant_is_in_the_track(incident: ScenarioResult) -> None:
    locked = (LockPeriod(incident.elapsed, None),)
    group = [replace(each, group="fleet", locked=locked) for each in incident.handsets]
    (row,) = cohorts(replace(incident, handsets=tuple(group)))["rows"]
    (bar,) = row["bars"]
    assert (bar["left"] + bar["width"], bar["width"]) == (pytest.approx(100), 0.6)


def test_page_has_plurals_the_version_in_place_of_a_commit_and_names_for_persons(
    incident: ScenarioResult,
) -> None:
    report = Report(io.BytesIO())
    for status in (Status.ERROR, Status.ERROR, Status.EXPECTED_FAILURE):
        report.add(replace(incident, status=status))
    header = ReportHeader(program_version(), "7")
    page = "".join(report.html(header, ReportFooter({})))
    assert "<title>Scenarios: 3, 2 errors, 1 expected-failure</title>" in page
    assert f"Seed 7, version {program_version()}." in page
    assert index(page)["names"]["octets"] == "bytes"


def test_failed_wait_has_the_moment_of_its_end() -> None:
    wait = "- power-on\n- wait-for: phone\n  see: {screen: locked}\n  at-most: 1 min"
    (failed,) = (run(case, "tests") for case in cases(text(wait)))
    assert [step.get("ended") for step in scenario(failed)["steps"]] == [None, 60.0]


def test_failures_at_the_same_place_are_grouped(incident: ScenarioResult) -> None:
    (failed,) = (run(case, "tests") for case in cases(text("- {expect: phone, outcome: locked}")))
    failures = Failures()
    for number in range(100):
        failures.add(replace(failed, id=f"test {number}"))
    failures.add(incident)
    (group,) = failures.groups.values()
    assert group.where == "line 7: phone: outcome"
    assert (len(group.listed), group.unlisted, failures.ungrouped) == (8, 92, 0)
    assert group.listed[0][1] == "expected locked, actual off"


def test_failures_beyond_the_group_limit_are_counted(incident: ScenarioResult) -> None:
    (failed,) = (run(case, "tests") for case in cases(text("- {expect: phone, outcome: locked}")))
    failures = Failures()
    for number in range(GROUPS_MAX + 3):
        failures.add(replace(failed, file=f"{number}.scenario.yaml"))
    assert (len(failures.groups), failures.ungrouped) == (GROUPS_MAX, 3)


def test_equal_results_give_an_identical_page(incident: ScenarioResult) -> None:
    again = next(iter(Run(list(read(INCIDENT)), Plan()).results()))
    assert render([incident]) == render([again])


def test_result_has_the_lock_periods_of_each_device(incident: ScenarioResult) -> None:
    periods = {each.name: each.locked for each in incident.handsets}
    assert {name for name, found in periods.items() if found} == {"before", "with-code", "late"}
    assert [period.until for period in periods["late"]] == [None]
    assert all(period.until for period in periods["before"] + periods["with-code"])


def test_library_file_in_a_checkout_is_below_scenarios() -> None:
    assert library_file("incident/incident-2021.scenario.yaml") == INCIDENT.resolve()
