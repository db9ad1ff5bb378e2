"""The first verdict of a process costs no more than that of another device later."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.first_verdicts import VERDICTS
from tests.support.server_phone import IMEI, Phone, facts, telephony, ueid

PARIS = {
    "ueid": ueid("001010654321009"),
    "telephony": telephony("208", "01", home=("208", "01")),
    "location": {"latitude": 48.86, "longitude": 2.35, "accuracy": 20.0},
}
HAVANA = {"ueid": ueid(IMEI), "location": {"latitude": 23.13, "longitude": -82.38, "accuracy": 20.0}}


@pytest.mark.slow
def test_first_verdict_imports_nothing_and_makes_as_many_calls_as_one_on_another_device(
    tmp_path: Path,
) -> None:
    """Without the preparation it imports 158 modules and makes a hundred times as many calls."""
    phones = (Phone(), Phone(boot=facts(imeis=("001010654321009", "001010654321017"))))
    found: list[Any] = []
    command = [sys.executable, "-m", "tests.support.first_verdicts", str(tmp_path / "records.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for phone, claims in zip(phones, (HAVANA, PARIS), strict=True):
            evidence = phone.evidence(server.stdout.readline().strip(), **claims)
            server.stdin.write(f"{evidence.decode()}\n")
            server.stdin.flush()
            found.append(json.loads(server.stdout.readline()))
    first, later = found
    assert len(found) == VERDICTS
    assert first["imported"] == []
    assert 0 < first["calls"] <= 1.5 * later["calls"]
