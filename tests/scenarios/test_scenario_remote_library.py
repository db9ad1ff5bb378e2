"""The library of scenarios against `activation serve --lab`, as a process of its own, on both databases."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import requests

from lab.manufacturer.manufacturer import Manufacturer
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.runner import Plan, Run
from lab.scenario.files.discovery import each_case
from tests.scenarios.test_scenario_remote_operations import PAGE
from tests.support.scenarios import wrong
from tests.support.stores import KINDS, place_of

if TYPE_CHECKING:
    from lab.scenario.files.reader import Case

ROOT = Path(__file__).parents[2]
ACTIVATION = str(Path(sys.executable).with_name("activation"))
SEED = "2021"
TOKEN = Manufacturer(SEED).admin_token


@contextmanager
def serving(folder: Path, database: str, *options: str) -> Iterator[str]:
    """The origin of a server of the seed, with its token."""
    token = folder / "token"
    token.write_text(TOKEN, "utf-8")
    token.chmod(0o600)
    command = [
        ACTIVATION,
        "serve",
        "--port",
        "0",
        "--db",
        database,
        "--admin-token-file",
        str(token),
        *options,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            server.terminate()
            server.wait(60)


def call(origin: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.request(method, origin + path, json=body, headers=headers, timeout=60)
    assert answer.ok, answer.text
    return answer.json()


def state_of(origin: str, *names: str) -> list[Any]:
    """What a run must not change."""
    return [call(origin, "GET", f"/admin/v1/{name}") for name in names]


EVERYTHING = ("policies", "campaigns", "faults", "keys", "keys/root", "audit", "devices")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_file_is_skipped_in_any_order_and_the_server_is_as_before(tmp_path: Path, kind: str) -> None:
    """A combination of each file, by seed. `make scenarios` runs all of them in process."""
    random = Random(kind)
    files: dict[str, list[Case]] = {}
    for case in each_case([ROOT / "scenarios"], pytest.fail):
        files.setdefault(case.file, []).append(case)
    chosen = [random.choice(cases) for cases in files.values()]
    random.shuffle(chosen)
    with place_of(kind, tmp_path) as database, serving(tmp_path, database, "--lab") as origin:
        call(origin, "POST", "/admin/v1/faults", {"kind": "garbage", "count": 9, "reason": "r"})
        clock = call(origin, "GET", "/lab/v1/clock")
        call(origin, "PUT", "/lab/v1/clock", {"now": clock["now"] + 90_000})
        claims = [{"claim": "intent", "presence": "absent"}]
        call(origin, "PUT", "/lab/v1/expectations", {"claims": claims})
        before = state_of(origin, *EVERYTHING)
        results = list(Run(chosen, Plan(SEED, server=origin, token=TOKEN)).results())
        assert state_of(origin, *EVERYTHING) == before
        assert 90_000 <= call(origin, "GET", "/lab/v1/clock")["ahead"] <= 90_002
        assert call(origin, "GET", "/lab/v1/expectations") == {"claims": claims}
    assert {each.id: said(each) for each in results if each.status is not Status.PASSED} == {}
    assert len(results) == len(files) > 100
    assert "no file of the library is skipped" in PAGE.read_text("utf-8")


def said(result: ScenarioResult) -> list[str]:
    return [result.status, *wrong(result)]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_run_leaves_a_lab_as_before_and_the_next_run_passes(
    tmp_path: Path, how: signal.Signals
) -> None:
    with serving(tmp_path, str(tmp_path / "x.sqlite"), "--lab") as origin:
        before = state_of(origin, *EVERYTHING)
        with running(origin, "scenarios/territory") as run:
            assert run.stdout is not None
            assert run.stdout.readline()
            run.send_signal(how)
        assert state_of(origin, *EVERYTHING) == before
        chosen = each_case([ROOT / "scenarios/decisions/allow.scenario.yaml"], pytest.fail)
        [result] = Run(chosen, Plan(SEED, server=origin, token=TOKEN)).results()
        assert result.status is Status.PASSED, said(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]],
    ids=["finishing", "terminated", "abandoned"],
)
def test_interrupted_run_gives_another_server_its_policy_and_faults_back(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    """The first signal lets the scenario end, the second one abandons it."""
    with serving(tmp_path, str(tmp_path / "x.sqlite")) as origin:
        call(origin, "POST", "/admin/v1/faults", {"kind": "garbage", "count": 9, "reason": "r"})

        def faults() -> list[tuple[str, int]]:
            items = call(origin, "GET", "/admin/v1/faults")["items"]
            return [(fault["kind"], fault["remaining"]) for fault in items]

        with running(origin, "scenarios/territory", "scenarios/territory") as run:
            while run.poll() is None and faults():
                time.sleep(0.01)
            assert run.poll() is None
            for each in signals:
                run.send_signal(each)
        assert faults() == [("garbage", 9)]
        assert call(origin, "GET", "/admin/v1/policies/in-force")["id"] == "export-2021-09"


def running(origin: str, *paths: str) -> "subprocess.Popen[str]":
    command = [ACTIVATION, "run", *paths, "--server", origin, "--token", TOKEN]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment
    )
