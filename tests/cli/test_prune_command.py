"""`activation admin prune`: counts, exit codes, and what a server does by itself."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.store.records import AuditQuery
from tests.support.records import device, entry, record
from tests.support.stores import open_store
from wire.codes import Decision

ACTIVATION = str(Path(sys.executable).with_name("activation"))
NOW = int(time.time())
DAY = 86_400


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A allowed device with verdicts of 300, 200 and 0 days ago, and a denied one with a verdict of 300 days ago."""
    allowed, denied = device(1, override=None, last_serial=3), device(2, override=None)
    store = open_store(tmp_path / "a.sqlite")
    with store.transaction() as transaction:
        transaction.put_device(allowed)
        transaction.put_device(denied)
        for serial, days in enumerate((300, 200, 0), 1):
            at = NOW - days * DAY
            transaction.append_verdict(
                record(allowed.sub, serial, iat=at, decision=Decision.ALLOW, offline_limit=60)
            )
            transaction.append_audit(entry(at, subject=denied.sub if days == 200 else allowed.sub))
        transaction.append_verdict(record(denied.sub, 1, iat=NOW - 300 * DAY))
    store.close()
    return tmp_path / "a.sqlite"


def prune(database: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["admin", "prune", "--db", str(database), *words])
    assert result.exit_code == code, result.output
    return result


def counts(database: Path, *words: str) -> Any:
    return json.loads(prune(database, "--json", *words).stdout)


@pytest.mark.parametrize(("days", "verdicts", "audit"), [(None, 2, 1), (250, 1, 1), (36_500, 0, 0)])
def test_prune_counts_what_a_dry_run_foretold(
    database: Path, days: int | None, verdicts: int, audit: int
) -> None:
    words = () if days is None else ("--keep-days", str(days))
    foretold = counts(database, "--dry-run", *words)
    done = counts(database, *words, "--reason", "quarter")
    assert done == foretold | {"dry_run": False}
    kept = {None: (1, 1), 250: (1, 0), 36_500: (0, 0)}[days]
    assert done["records"] == {
        "verdicts": {"pruned": verdicts, "kept": kept[0]},
        "audit": {"pruned": audit, "kept": kept[1]},
    }
    assert done["keep_days"] == days or 184
    again = counts(database, *words)["records"]
    assert [each["pruned"] for each in again.values()] == [0, 0]
    store = open_store(database)
    with store.reading() as reading:
        entries = reading.audit(AuditQuery(action="records.prune")).items
    store.close()
    assert [each.reason for each in entries] == (["quarter"] if verdicts else [])


def test_prune_prints_counts(database: Path) -> None:
    assert prune(database, "--dry-run").stdout.splitlines() == [
        "Inputs of verdicts: 2 would be pruned, 1 kept for open cases.",
        "Audit entries: 1 would be pruned, 1 kept for open cases.",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--keep-days", "0"), "--keep-days"),
        (("--reason", ""), "--reason has 0 characters"),
        (("--reason", "a\x00b"), "without control characters"),
        (("--reason", "a\x1b[2Jb"), "without control characters"),
        (("--reason", "a\udce9b"), "without control characters"),
    ],
)
def test_wrong_arguments_of_prune_are_usage_errors(
    database: Path, words: tuple[str, ...], expected: str
) -> None:
    assert expected in prune(database, *words, code=2).output


@pytest.mark.slow
def test_server_prunes_at_its_start_by_its_setting(database: Path, tmp_path: Path) -> None:
    # The database has records and no keys.
    with subprocess.Popen(
        [ACTIVATION, "serve", "--port", "0", "--db", str(database), "--restored"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": "", "ACTIVATION_SERVER_KEEP_DAYS": "250"},
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            pruned, until = None, time.monotonic() + 20
            while pruned != ("1", "1") and time.monotonic() < until:
                page = requests.get(f"{found[0]}/metrics", timeout=5).text
                pruned = tuple(
                    re.findall(r'^activation_pruned_records_total\{records="\w+"\} (\d+)', page, re.MULTILINE)
                )
                time.sleep(0.05)
        finally:
            server.terminate()
    assert pruned == ("1", "1")
