"""Pruning in the background of a server."""

import time
from collections.abc import Iterator
from threading import Event

import pytest

from server_stub.admin.retention import Retention
from server_stub.api import retention
from server_stub.api.metrics import Metrics
from server_stub.api.retention import BackgroundPruning
from server_stub.store.records import AuditQuery, PruneResult, RecordKind, StoreUnavailableError
from server_stub.store.sql import SqlStore
from tests.support.records import device, entry, record
from wire.codes import Decision

SILENT = device(1, override=None, last_serial=900)
OLD = 300
"""So many records of each kind, which is more than one step takes."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    monkeypatch.setattr(retention, "_PAUSE_SECONDS", 0)
    store = SqlStore()
    with store.transaction() as transaction:
        transaction.put_device(SILENT)
        for number in range(1, OLD + 1):
            transaction.append_verdict(record(SILENT.sub, number))
            transaction.append_audit(entry(number))
        transaction.append_verdict(
            record(SILENT.sub, 900, decision=Decision.ALLOW, offline_limit=60, iat=int(time.time()))
        )
    yield store
    store.close()


def test_pass_prunes_everything_that_is_old_by_the_time_of_the_machine_and_counts_it(store: SqlStore) -> None:
    metrics = Metrics()
    BackgroundPruning(Retention(store, 184), metrics).prune()
    page = metrics.page().decode()
    for kind in ("verdicts", "audit"):
        assert f'activation_pruned_records_total{{records="{kind}"}} {OLD}.0' in page
    assert 0 <= age(page, "verdicts") < 60, "the newest verdict is the oldest that can be pruned"
    assert 0 <= age(page, "audit") < 60, "the pass itself is in the audit log"
    with store.reading() as reading:
        assert [bool(each.inputs) for each in reading.history(SILENT.sub, limit=3).items] == [
            True,
            False,
            False,
        ]
        [done] = reading.audit(AuditQuery()).items
    assert (done.action, done.details["verdicts"], done.details["audit"]) == ("records.prune", OLD, OLD)


def age(page: str, kind: str) -> float:
    [line] = [
        each
        for each in page.splitlines()
        if each.startswith("activation_oldest_record_age_seconds{") and kind in each
    ]
    return float(line.split()[-1])


def test_pass_that_is_interrupted_counts_and_records_what_it_did(store: SqlStore) -> None:
    pruning = BackgroundPruning(Retention(store, 184), Metrics())
    pruning._stopping.set()
    pruning.prune()
    with store.reading() as reading:
        [done] = reading.audit(AuditQuery(action="records.prune")).items
        assert reading.old(RecordKind.VERDICTS, 10_000, 0) == PruneResult(OLD - done.details["verdicts"], 0)
    assert 0 < done.details["verdicts"] < OLD


def test_thread_goes_on_after_a_failure_of_the_store_and_stops_with_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "_PASS_SECONDS", 0.001)
    passes, second = [], Event()

    class Failing(Retention):
        def steps(self, now: int) -> Iterator[tuple[RecordKind, PruneResult]]:
            passes.append(now)
            if len(passes) > 1:
                second.set()
            raise StoreUnavailableError
            yield

    with BackgroundPruning(Failing(SqlStore(), 1), Metrics()) as pruning:
        assert second.wait(10)
    assert not pruning._thread.is_alive()
    assert abs(passes[0] - time.time()) < 60


def test_nothing_is_pruned_while_the_clock_is_wrong(store: SqlStore) -> None:
    BackgroundPruning(Retention(store, 184), Metrics(), lambda: True).prune()
    with store.reading() as reading:
        assert len(reading.audit(AuditQuery(), limit=1000).items) == OLD
