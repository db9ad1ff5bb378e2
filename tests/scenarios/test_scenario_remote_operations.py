"""Scenarios against a remote server: operators by its admin API; impossible steps are skipped."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.backend.http_host import HttpHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.opening import open_context
from lab.scenario.engine.operations import StepError
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.result import ScenarioResult, Status
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from tests.support.lab_server import TOKEN, lab_server
from tests.support.scenarios import SEED, cases, text, wrong

PAGE = Path(__file__).parents[2] / "docs" / "qa" / "running.md"
UP = "- power-on\n- set-up\n"


@pytest.fixture(scope="module")
def target() -> Iterator[ServerTarget]:
    """A server of the same seed, on its own clock, and its admin token."""
    with Simulation(SEED, world=World(int(time.time())), host=HttpHost) as simulation:
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


def test_admin_operations_with_a_netrc_keep_the_token_and_trust_the_named_authorities(
    target: ServerTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert target.operations is not None
    assert target.operations.signing_kid()
    monkeypatch.setenv("ACTIVATION_AUTHORITIES", str(tmp_path / "missing.pem"))
    with pytest.raises(StepError, match=r"unreachable: OSError"):
        replace(target.operations, url=target.operations.url.replace("http:", "https:")).signing_kid()


SKIPPED = {
    "wait": "- wait: 1 day",
    "restart-server": "- restart-server",
    "lose-records": "- lose-records",
    "back-up": "- back-up",
    "join-vpn": "- join-vpn: phone\n  exit: DE",
    "replace-online-keys": "- replace-online-keys",
    "set-server-clock": "- set-server-clock: 3600",
    "fault: clock-skew": "- fault: clock-skew\n  seconds: 60",
    "activated": "- power-on",
    "algorithm": "- power-on",
}
"""By the words in the table of `docs/qa/running.md`."""
DECLARED = {
    "activated": ("{}", "phone: {profile: official-global, activated: {place: paris, at: 2021-09-01}}"),
    "algorithm": ("{server: {algorithm: ES256}}", "phone: {profile: official-global}"),
}


def test_page_lists_what_is_skipped_on_a_server_that_is_not_of_a_lab() -> None:
    section = PAGE.read_text("utf-8").partition("is skipped, with the reason")[2].partition("\n## ")[0]
    assert set(re.findall("`([^`]+)`", section)) == {*SKIPPED, "restore-backup"}  # which needs a `back-up`


@pytest.mark.parametrize("name", SKIPPED)
def test_impossible_step_is_skipped_with_its_reason(target: ServerTarget, name: str) -> None:
    world, handsets = DECLARED.get(name, ("{}", "phone: {profile: official-global}"))
    body = text(f"{SKIPPED[name]}\n- expect: phone\n  no-verdict: true", world=world, handsets=handsets)
    result = run(replace(cases(body)[0], stem=name), SEED, target)
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
    "  verdict: {policy-version: 2}\n  audit: [{action: policy.*, by: scenario, count: 1}]\n"
    "- wait-until: 2021-09-17\n- expect: phone\n  outcome: activated\n"
    "  was-locked: [{after: 2021-09-06, before: 2021-09-08, lifted-after: 2021-09-15, lifted-before: 2021-09-17}]"
)


def test_lab_has_a_world_for_each_scenario_which_changes_nothing_else(tmp_path: Path) -> None:
    """Twice, also after a run that never ended, with a fault, a policy and a test clock of another user."""
    fault = {"kind": "garbage", "count": 3, "probability": 0.5, "reason": "left"}
    with lab_server(tmp_path) as server:
        server.done("/faults", fault)
        target = ServerTarget(HttpHost, server.origin, AdminOperations(server.origin, TOKEN))
        paths = ("/policies", "/campaigns", "/faults", "/keys", "/audit", "/devices")
        before = [server.get(path) for path in paths]
        world = "{policy: open-2021-08, starts: 2021-09-03, place: havana}"
        case = replace(cases(text(CAMPAIGN, world=world))[0], stem="campaign")
        abandoned = open_context(case, SEED, target)
        abandoned.__enter__()
        results = [run(case, SEED, where) for where in (target, target, ServerTarget())]
        assert [wrong(each) for each in results] == [[], [], []]
        assert results[0].as_json()["audit"] == results[1].as_json()["audit"]
        assert [server.get(path) for path in paths] == before
        abandoned.__exit__(None, None, None)
        other = run(case, "another seed", target)
        assert (other.status, "another seed than this run" in str(other.error)) == (Status.ERROR, True)


EVERY_STEP = """
- wait: 1 day
- set-server-clock: -100000
- retry
- expect: phone
  state: {trouble: busy}
- restart-server
- retry
- expect: phone
  state: {trouble: busy}
- accept-clock
- retry
- set-server-clock: 0
- accept-clock
- back-up
- replace-online-keys
- steal-key: verdict
  for: 1 hour
- retry
- lose-records
- expect: phone
  record: {known: false}
- restore-backup
- join-vpn: phone
  exit: CU
- retry
- expect: phone
  outcome: activated
  state: {trusted-time: {at-most: 1 hour}}
  audit: [{action: clock.accept, count: 2}, {action: key.root, count: 0}]
"""


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "ML-DSA-65"])
def test_every_step_of_an_operator_works_in_a_world(tmp_path: Path, algorithm: str) -> None:
    world = f"{{server: {{algorithm: {algorithm}}}}}"
    with lab_server(tmp_path) as server:
        target = ServerTarget(HttpHost, server.origin, AdminOperations(server.origin, TOKEN))
        for where in (target, ServerTarget()):
            result = run(cases(text(UP + EVERY_STEP.strip(), world=world))[0], SEED, where)
            assert result.status is Status.PASSED, wrong(result)
