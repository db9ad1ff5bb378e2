"""Schemathesis runs all its checks on every operation of the OpenAPI document."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.backend.http_host import HttpHost
from lab.simulation.simulation import Simulation

ROOT = Path(__file__).parents[3]
ST = str(Path(sys.executable).with_name("st"))
CONFIG = ROOT / "tests" / "support" / "schemathesis.toml"
SEED = "schemathesis"
ADMIN = "/admin/"
QUICK = 3
"""Test cases for an operation in each run of the tests; the slow test has more, and more operations."""


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """A separate simulation, because the test calls its write routes a few hundred times."""
    with Simulation(SEED, host=HttpHost) as opened:
        phone = opened.phone("official-global", "havana")
        phone.power_on()
        phone.walk_setup()
        yield opened


def run(simulation: Simulation, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    server = simulation.server
    command = [
        ST,
        "--config-file",
        str(CONFIG),
        "run",
        f"{server.origin}/openapi.json",
        "--checks",
        "all",
        "--continue-on-failure",
        "--no-color",
    ]
    command += ["--generation-deterministic", "-H", f"Authorization: Bearer {server.admin.token}"]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
        "ACTIVATION_ORIGIN": server.origin,
        "ACTIVATION_SEED": SEED,
    }
    return subprocess.run(
        [*command, *options, "--report", "ndjson", "--report-ndjson-path", str(folder / "events.ndjson")],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )


def operations(simulation: Simulation) -> list[str]:
    """The path of each operation in the document."""
    document: dict[str, Any] = requests.get(simulation.server.origin + "/openapi.json", timeout=60).json()
    methods = {"get", "put", "post", "delete", "patch", "head", "options"}
    return [path for path, named in document["paths"].items() for name in named if name in methods]


def check_all_tested(simulation: Simulation, done: "subprocess.CompletedProcess[str]", tested: int) -> None:
    """No failure, no error, and no operation left out."""
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr
    assert re.search(rf"Operations: +{tested} selected / {len(operations(simulation))} total", done.stdout)
    assert f"Tested: {tested}" in done.stdout
    page = requests.get(simulation.server.origin + "/metrics", timeout=60).text
    assert not re.search(r'activation_requests_total\{[^}]*status="500"', page)
    verdicts = re.findall(r'activation_requests_total\{[^}]*route="/v1/verdicts",status="200"\} (\S+)', page)
    assert float(verdicts[0]) >= QUICK


@pytest.mark.slow
def test_device_routes_match_the_document(simulation: Simulation, tmp_path: Path) -> None:
    """No 5xx, no undocumented status, no schema violation."""
    tested = sum(not path.startswith(ADMIN) for path in operations(simulation))
    options = ["--exclude-path-regex", f"^{ADMIN}", "--phases", "examples,coverage,fuzzing"]
    check_all_tested(simulation, run(simulation, tmp_path, *options, "--max-examples", str(QUICK)), tested)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_routes_match_the_document_in_all_phases(simulation: Simulation, tmp_path: Path) -> None:
    """The stateful phase uses responses of one operation in the next."""
    check_all_tested(
        simulation, run(simulation, tmp_path, "--max-examples", "40"), len(operations(simulation))
    )


@pytest.mark.slow
def test_a_deviation_from_the_document_is_detected(simulation: Simulation, tmp_path: Path) -> None:
    """Proves that the test above can fail."""
    document = requests.get(simulation.server.origin + "/openapi.json", timeout=60).json()
    document["paths"] = {"/v1/challenges": document["paths"]["/v1/challenges"]}
    answer = document["paths"]["/v1/challenges"]["post"]["responses"]["200"]
    answer["content"]["application/json"]["schema"] = {"type": "object", "required": ["secret"]}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    command = [
        ST,
        "run",
        str(file),
        "--url",
        simulation.server.origin,
        "--checks",
        "all",
        "--max-examples",
        "2",
    ]
    done = subprocess.run(
        [*command, "--generation-deterministic", "--no-color"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1
    assert '"secret" is a required property' in done.stdout
