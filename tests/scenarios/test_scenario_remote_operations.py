"""Scenarios against a remote server: operators by its admin API; impossible steps are skipped."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.backend.http_host import HttpHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import ScenarioResult, Status
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from tests.support.lab_server import TOKEN, lab_server
from tests.support.scenarios import SEED, cases, text, wrong

UP = "- power-on\n- set-up\n"


@pytest.fixture(scope="module")
def target() -> Iterator[ServerTarget]:
    """A server of the same seed, on its own clock, and its admin token."""
    with Simulation.open(SEED, world=World(int(time.time())), host=HttpHost) as simulation:
        server = simulation.server
        yield ServerTarget(HttpHost, server.origin, AdminOperations(server.origin, server.admin.token))


def played(target: ServerTarget, steps: str, name: str, world: str = "{}") -> ScenarioResult:
    """Each under a different name, so that the server takes its phone for a new one."""
    body = text(steps, world=world).replace("name: a test", f"name: {name}")
    case = cases(body)[0]
    return run(replace(case, stem=name), SEED, target)


ROWS = {
    "activation": (UP + "- expect: phone\n  outcome: activated", "{}"),
    "denial": (UP + "- expect: phone\n  outcome: locked", "{place: havana}"),
    "operators": (
        UP + "- lock: phone\n  case: C-1\n- retry\n- expect: phone\n  screen: {id: locked, text: C-1}\n"
        "  record: {known: true, override: deny, locked: true, activation-territory: FR}\n"
        "- unlock\n- retry\n- withdraw\n- release\n- retry\n- expect: phone\n  state: {lock: released}\n"
        "  audit: [{action: device.lock, of: phone, count: 1}, {action: device.release, of: phone, count: 1}]",
        "{}",
    ),
    "code": (
        UP + "- issue-code: phone\n- network-down\n- enter-code\n- expect: phone\n  outcome: activated",
        "{place: havana}",
    ),
    "keys": (UP + "- rotate-key\n- retry\n- expect: phone\n  outcome: locked", "{place: havana}"),
    "clock": (
        UP
        + "- accept-clock\n- retry\n- expect: phone\n  outcome: locked\n  audit: {action: clock.accept, count: 1}",
        "{place: havana}",
    ),
    "faults": (
        "- fault: garbage\n  times: 1\n- power-on\n- set-up\n- expect: phone\n  no-verdict: true\n- wait: 1 min\n"
        "- expect: phone\n  outcome: activated",
        "{}",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_scenario_passes_against_a_remote_server(target: ServerTarget, name: str) -> None:
    steps, world = ROWS[name]
    result = played(target, steps, name, world)
    assert result.status is Status.PASSED, wrong(result)


SKIPPED = {
    "long": "- wait: 1 day",
    "restart": "- restart-server",
    "records": "- lose-records",
    "backup": "- back-up",
    "tunnel": "- join-vpn: phone\n  exit: DE",
    "root": "- replace-online-keys",
    "theft": "- steal-key: verdict\n  for: 1 hour",
    "clock": "- set-server-clock: 3600",
}


@pytest.mark.parametrize("name", SKIPPED)
def test_impossible_step_is_skipped_with_its_reason(target: ServerTarget, name: str) -> None:
    result = played(target, SKIPPED[name], name)
    assert result.status is Status.SKIPPED
    assert "remote server" in wrong(result)[0]


def test_without_a_token_only_operator_steps_are_skipped(target: ServerTarget) -> None:
    bare = ServerTarget(HttpHost, target.url)
    assert played(bare, UP + "- expect: phone\n  outcome: activated", "bare").status is Status.PASSED
    assert played(bare, UP + "- lock: phone", "no-token").status is Status.SKIPPED


def test_error_of_the_admin_api_is_reported_with_its_code(target: ServerTarget) -> None:
    refused = played(target, "- start-campaign: no-such-campaign", "refused")
    assert refused.status is Status.ERROR
    assert "campaign-unknown" in wrong(refused)[0]
    gone = ServerTarget(HttpHost, "http://127.0.0.1:9", AdminOperations("http://127.0.0.1:9", "x"))
    assert "unreachable" in wrong(played(gone, "- rotate-key", "gone"))[0]


CAMPAIGN = (
    UP + "- expect: phone\n  outcome: activated\n  verdict: {policy: open-2021-08, policy-version: 0}\n"
    "- put-in-force: export-2021-09\n- wait-until: 2021-09-10\n- expect: phone\n  outcome: locked\n"
    "  verdict: {policy-version: 2}\n  audit: [{action: policy.*, by: scenario, count: 2}]\n"
    "- wait-until: 2021-09-17\n- expect: phone\n  outcome: activated\n"
    "  was-locked: [{after: 2021-09-06, before: 2021-09-08, lifted-after: 2021-09-15, lifted-before: 2021-09-17}]"
)


def test_lab_has_the_time_of_each_scenario_and_gets_its_policy_and_faults_back(tmp_path: Path) -> None:
    """Twice, with a fault and a policy that were there before."""
    fault = {"kind": "garbage", "count": 3, "probability": 0.5, "reason": "left"}
    with lab_server(tmp_path) as server:
        server.done("/faults", fault)
        before = server.get("/policies/in-force")
        target = ServerTarget(HttpHost, server.origin, AdminOperations(server.origin, TOKEN))
        for _ in range(2):
            world = "{policy: open-2021-08, starts: 2021-09-03, place: havana}"
            result = played(target, CAMPAIGN, "campaign", world)
            assert result.status is Status.PASSED, wrong(result)
        assert server.get("/policies/in-force")["id"] == before["id"]
        [left] = server.get("/faults")["items"]
        assert (left["kind"], left["remaining"], left["probability"]) == ("garbage", 3, 0.5)
