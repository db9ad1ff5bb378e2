"""Runs of scenarios: the same bytes for the same seed, in process and over HTTP, by pytest and by the command."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from typer.testing import CliRunner

from agent.screens.cells import cells
from lab.backend.http_host import HttpHost
from lab.cli.main import app
from lab.scenario.engine import actions
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.runner import Plan, Run
from lab.scenario.files.reader import read
from lab.scenario.model import device_steps
from lab.scenario.output.explain import explain
from tests.support.scenarios import SEED, cases, junit_document, played, text, wrong

ROOT = Path(__file__).parents[2]
INCIDENT = ROOT / "scenarios" / "incident" / "incident-2021.scenario.yaml"

STORY = text(
    "- fault: unavailable\n  probability: 0.5\n  of: here\n- power-on\n- set-up\n- wait: 3 days\n"
    "- expect: here\n  never: {screen: notice}",
    handsets="here: {profile: official-global}\nthere: {profile: custom-resigned, place: havana}",
)
FAILING = text("- power-on\n- set-up\n- expect: phone\n  screen: locked\n  verdict: deny\n")


def json_bytes(result: ScenarioResult) -> str:
    return json.dumps(result.as_json())


def test_same_seed_gives_the_same_bytes() -> None:
    """Keys, random faults, jitter and request ids follow from the seed and the id of the scenario."""
    case = cases(STORY)[0]
    assert json_bytes(run(case, "1")) == json_bytes(run(case, "1"))
    assert json_bytes(run(case, "1")) != json_bytes(run(case, "2"))


def test_each_scenario_has_its_own_devices() -> None:
    """Identities follow from the id and `world.seed`, so that one server can serve all scenarios."""
    body = text("- power-on\n- set-up", world="{seed: 1}")
    steps = "parameters: {place: [havana, paris]}\n"
    first, second = cases(steps + body)
    other = cases(body.replace("seed: 1", "seed: 2"))[0]
    phones = {sent_by(run(case, SEED)) for case in (first, second, other, cases(body)[0])}
    assert len(phones) == 4


def sent_by(result: ScenarioResult) -> str:
    """The identity in the first evidence."""
    sent = [
        entry["detail"]["sent"] for entry in result.handsets[0].timeline if "sent" in entry.get("detail", {})
    ]
    return str(sent[0]["claims"]["ueid"])


@pytest.mark.slow
def test_number_of_workers_does_not_change_the_results() -> None:
    found = [*cases(FAILING), *cases(STORY)]
    alone = [json_bytes(result) for result in Run(found, Plan(SEED)).results()]
    assert [json_bytes(result) for result in Run(found, Plan(SEED, workers=2)).results()] == alone


def test_results_over_http_equal_those_in_process() -> None:
    case = cases(STORY)[0]
    within, over = run(case, "1"), run(case, "1", ServerTarget(HttpHost))
    assert over.status is Status.PASSED, wrong(over)

    def what(result: ScenarioResult) -> list[object]:
        return [[(e["at"], e["who"], e["what"]) for e in handset.timeline] for handset in result.handsets]

    assert what(within) == what(over)


TARGETS = {
    "in process": (ServerTarget(), ""),
    "over HTTP": (ServerTarget(HttpHost), ""),
    "through the fault proxy": (ServerTarget(HttpHost), "- fault: reset\n  to: verdicts\n  times: 1\n"),
}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("country", ["CU", "FR"])
def test_server_uses_the_source_address_of_requests(name: str, country: str) -> None:
    """Also through a VPN, for every kind of transport."""
    target, fault = TARGETS[name]
    steps = (
        f"{fault}- location: phone\n  turn: off\n- join-wifi: phone\n- join-vpn: phone\n  exit: {country}\n"
        "- power-on\n- set-up\n- wait: 10 min\n"
        f"- expect: phone\n  verdict: {{territory: {country}}}\n"
    )
    result = run(cases(text(steps, world="{place: tehran-wifi}"))[0], SEED, target)
    assert result.status is Status.PASSED, wrong(result)


def test_explanation_of_a_failure_has_values_timeline_messages_screen_and_command() -> None:
    result = run(cases(FAILING)[0], SEED)
    explanation = explain(result)
    assert result.status is Status.FAILED
    for words in (
        "folder/test.scenario.yaml:9: expect: phone; screen: {id: locked}; verdict: {decision: deny}",
        "screen.id\n    expected  locked\n    actual    home",
        "verdict.decision\n    expected  deny\n    actual    allow",
        "timeline of phone (official-global, paris)",
        "POST /v1/verdicts",
        "newest evidence",
        "newest verdict",
        "screen home (en, ltr)",
        "reproduce: activation run folder/test.scenario.yaml --seed tests",
    ):
        assert words in explanation, explanation


@pytest.mark.parametrize("width", [60, 80, 200])
def test_explanation_fits_its_width_and_keeps_the_isolates_of_the_screen(width: int) -> None:
    steps = "- power-on\n- set-up\n- {expect: phone, screen: {text: nothing}}"
    phone = "phone: {profile: official-global, locale: ar, place: havana}"
    lines = explain(played(steps, handsets=phone), width).splitlines()
    context = [
        line for line in lines if line[:4].isspace() and line[4:6] not in ("ex", "ac", "  ", "| ", "+-")
    ]
    assert max(map(cells, context)) == width
    assert all(line.endswith("…") for line in context if cells(line) == width)
    screen = [line for line in lines if line.startswith("    | ")]
    assert sum(line.count("\u2068") for line in screen) == sum(line.count("\u2069") for line in screen) > 2
    actual = next(at for at, line in enumerate(lines) if line.startswith("    actual"))
    assert [line[:14].isspace() for line in lines[actual + 1 : actual + 3]] == [True, True]


def test_impossible_world_is_an_error_of_the_scenario() -> None:
    result = played("- power-on", world="{policy: no-such}")
    assert result.status is Status.ERROR
    assert "no policy is called 'no-such'" in str(result.error)
    assert "no policy is called" in explain(result)


@pytest.fixture
def step_with_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def retry(*_: object) -> None:
        raise TypeError("a defect in a step")

    monkeypatch.setitem(actions.ALL_DEVICE_ACTIONS, device_steps.Retry, retry)


@pytest.mark.usefixtures("step_with_a_defect")
def test_type_error_in_a_step_is_not_a_failure_of_the_scenario() -> None:
    with pytest.raises(TypeError, match="a defect in a step"):
        played("- power-on\n- retry\n")


@pytest.mark.usefixtures("step_with_a_defect")
def test_type_error_in_a_step_keeps_the_results_of_the_other_scenarios() -> None:
    steps = "- power-on\n- retry:\n  when: {broken: true}\n"
    found = cases("parameters: {broken: [true, false]}\n" + text(steps))
    crashed, passed = Run(found, Plan(SEED)).results()
    assert (crashed.status, passed.status) == (Status.INTERNAL_ERROR, Status.PASSED)
    assert crashed.id == "test[broken=true]"
    assert "TypeError: a defect in a step" in str(crashed.error)


@pytest.mark.usefixtures("step_with_a_defect")
def test_command_exits_with_3_after_an_internal_error(tmp_path: Path) -> None:
    file = tmp_path / "crashes.scenario.yaml"
    file.write_text(text("- power-on\n- retry\n- expect: phone\n  usable: false\n"))
    result = CliRunner().invoke(app, ["run", str(file)])
    assert result.exit_code == 3, result.output
    assert "TypeError: a defect in a step" in result.stdout


def test_handset_that_was_activated_before_the_first_step_keeps_its_state() -> None:
    result = played(
        "- expect: phone\n  outcome: activated\n  requests: {verdicts: {at-least: 1}}\n"
        "  record: {activation-territory: CU}\n- expect:\n  elapsed: {at-most: 1 s}",
        handsets="phone: {profile: official-global, activated: {at: 2021-09-01, place: havana}}",
        world="{policy-before: open-2021-08}",
    )
    assert result.status is Status.PASSED, wrong(result)


@pytest.mark.slow
def test_incident_fails_with_a_policy_without_restrictions() -> None:
    case = read(INCIDENT)[0]
    assert run(case, SEED).status is Status.PASSED
    body = INCIDENT.read_text().replace("policy: export-2021-09", "policy: open-2021-08")
    assert run(cases(body)[0], SEED).status in (Status.FAILED, Status.ERROR)


def test_junit_has_one_case_for_each_scenario_with_its_explanation() -> None:
    results = [run(case, SEED) for case in (*cases(FAILING), *cases(STORY))]
    suite = Xml.fromstring(junit_document(results))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert "expected  locked" in str(suite[0][0].text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fails.scenario.yaml").write_text(FAILING)
    (tmp_path / "holds.scenario.yaml").write_text(FAILING.replace("locked", "home").replace("deny", "allow"))
    return tmp_path


def test_exit_code_of_the_command(folder: Path) -> None:
    """0 if all passed, 1 after a failure, 2 for a file that cannot be used."""
    holds, fails = folder / "holds.scenario.yaml", folder / "fails.scenario.yaml"
    assert CliRunner().invoke(app, ["run", str(holds)]).exit_code == 0
    failed = CliRunner().invoke(app, ["run", str(folder), "--junit", str(folder / "junit.xml")])
    assert failed.exit_code == 1
    assert f"{fails}:9: expect: phone" in failed.stdout
    assert "1 passed, 1 failed" in failed.stdout
    assert "<failure" in (folder / "junit.xml").read_text()
    told = json.loads(CliRunner().invoke(app, ["run", str(holds), "--json"]).stdout)
    assert [each["status"] for each in told] == ["passed"]
    holds.write_text("name: x\n")
    wrong_file = CliRunner().invoke(app, ["run", str(holds)])
    assert wrong_file.exit_code == 2
    assert "steps" in wrong_file.stdout
    assert CliRunner().invoke(app, ["run", str(folder / "nothing")]).exit_code == 2
    assert CliRunner().invoke(app, ["run", str(fails), "--only", "another"]).exit_code == 2


@pytest.mark.slow
def test_pytest_collects_files_as_tests_with_stable_ids(folder: Path) -> None:
    """Its failure text is that of the scenario."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "lab.scenario.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "-c",
        "/dev/null",
    ]
    done = subprocess.run(
        [*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "fails.scenario.yaml::fails" in done.stdout
    assert "expected  locked" in done.stdout
    assert "runtest" not in done.stdout
