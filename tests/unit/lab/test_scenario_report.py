"""The report of scenarios: nothing leaves its place, and the same results give the same page."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab.scenario.reader import read
from lab.scenario.report import render
from lab.scenario.report.locks import Locked, locks
from lab.scenario.result import ScenarioResult
from lab.scenario.runner import Plan, run_all

INCIDENT = Path("scenarios/incident/incident-2021.scenario.yaml")
EVIL = "</script><b>planted"


@pytest.fixture(scope="module")
def incident() -> ScenarioResult:
    """The incident, run once."""
    return next(iter(run_all(list(read(INCIDENT)), Plan())))


def data(page: str) -> dict[str, list[dict[str, object]]]:
    """The JSON that the page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    parsed: dict[str, list[dict[str, object]]] = json.loads(found[1])
    return parsed


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
    assert data(page)["scenarios"][0]["name"] == EVIL


def test_the_page_asks_nobody(incident: ScenarioResult) -> None:
    """A report is read where there is no network."""
    assert not re.search(r"<(link|img|iframe)\b|\bsrc=|@import", render([incident]))


def test_equal_screens_and_timelines_are_carried_once(incident: ScenarioResult) -> None:
    """Thousands of scenarios repeat their screens, and the page has to open."""
    one, two = data(render([incident])), data(render([incident, incident]))
    assert (one["screens"], one["timelines"]) == (two["screens"], two["timelines"])


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
    assert (Path("lab/scenario/report") / INCIDENT.name).read_bytes() == INCIDENT.read_bytes()
