"""What a verdict costs `activation serve`, and how many a second it returns. Servers of a row are loaded in turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from time import process_time
from typing import Final

from benchmarks.databases import MISSING, available, empty, fill
from benchmarks.report import BudgetRow
from benchmarks.servers import loaded, serving, verdict_service
from lab.load.evidence import EvidenceSource
from lab.load.load import LoadOptions
from lab.load.measurement import signature_timer
from server_stub.store.sql import SqlStore
from server_stub.verdicts.observer import JudgingStep
from server_stub.verdicts.service import VerdictRequest

SEED: Final = "2021"
LOAD: Final = LoadOptions(devices=1000, connections=16, seconds=4, seed=SEED)
ROUNDS: Final = 5
SIGNATURES: Final = "2 ES256 verifications, 1 Ed25519 signature"
ALONE: Final = "from server_stub.api import verdict_executor as v; v.GROUP_MAX = 1\n"
"""Statements with which each verdict of a server has a commit of its own."""

FEW, MANY = 1_000, 1_000_000
_STORE: Final = (JudgingStep.WAIT, JudgingStep.STORE, JudgingStep.COMMIT)


def measure_verdict(kind: str) -> BudgetRow:
    """The processor time of `serve` for a verdict, without that of a database server."""
    row = BudgetRow(f"one verdict in serve, {kind}", SIGNATURES, 10 if kind == "SQLite" else 13, note=MISSING)
    if not available(kind):
        return row
    with empty(kind) as database, serving(database) as origin:
        reports = [each["serve"] for each in loaded({"serve": origin}, LOAD, ROUNDS)]
    rate = median(each.verdicts_per_second for each in reports)
    return replace(
        row,
        ratio=median(each.multiple_of_signatures for each in reports if each.multiple_of_signatures),
        unit_seconds=median(each.signature_seconds for each in reports),
        note=f"{rate:.0f} verdicts a second on {LOAD.connections} connections",
    )


def measure_judging(rounds: int = 60, together: int = 8) -> BudgetRow:
    """The steps of judgements except for those of the store, with the signatures of a verdict in turns.

    On 16 connections a server judges about eight requests together.
    """
    service, source, signatures = (
        verdict_service(SqlStore()),
        EvidenceSource("benchmark", 100),
        signature_timer(4),
    )
    judged, whole, units = [], [], []
    for _ in range(rounds):
        timer = _StepTimer()
        tokens = [source.next(service.challenge().nonce) for _ in range(together)]
        units.append(signatures())
        begin = timer.last = process_time()
        service.judge_group([VerdictRequest(token, timer) for token in tokens])
        whole.append((process_time() - begin) / together / units[-1])
        judged.append(timer.seconds / together / units[-1])
    row = BudgetRow("judging in memory", SIGNATURES, 5)
    note = f"{together} together; with the statements of SQLite in memory {median(whole):.1f} ×"
    return replace(row, ratio=median(judged), unit_seconds=median(units), note=note)


class _StepTimer:
    """Adds up the processor time of the steps without the store. Implements `RequestObserver`."""

    def __init__(self) -> None:
        self.seconds = self.last = 0.0

    def record_step(self, step: JudgingStep) -> None:
        now = process_time()
        if step not in _STORE:
            self.seconds += now - self.last
        self.last = now

    def check_rate(self, sub: str) -> None:
        pass

    def check_unattested(self) -> None:
        pass


def measure_grouping() -> BudgetRow:
    """Verdicts a second on SQLite in groups, compared with a commit for each verdict."""
    row = BudgetRow("verdicts a second with group commit", "a commit for each verdict", 1.8, at_least=True)
    with (
        empty("SQLite") as database,
        empty("SQLite") as other,
        serving(database) as grouped,
        serving(other, before=ALONE) as alone,
    ):
        return _compared_rates(row, grouped, alone)


def measure_workers() -> BudgetRow:
    """Verdicts a second of two processes on PostgreSQL, compared with one."""
    row = BudgetRow("two processes on one PostgreSQL", "one process", 1.5, at_least=True, note=MISSING)
    if not available("PostgreSQL"):
        return row
    with (
        empty("PostgreSQL") as database,
        empty("PostgreSQL") as other,
        serving(database, "--workers", "2") as two,
        serving(other) as one,
    ):
        return _compared_rates(row, two, one)


def _compared_rates(row: BudgetRow, here: str, limit: str) -> BudgetRow:
    reports = list(loaded({"here": here, "limit": limit}, LOAD, ROUNDS))
    ratios = [each["here"].verdicts_per_second / each["limit"].verdicts_per_second for each in reports]
    rates = [median(each[name].verdicts_per_second for each in reports) for name in ("here", "limit")]
    return replace(row, ratio=median(ratios), note="{:.0f} against {:.0f} verdicts a second".format(*rates))


def measure_devices(kind: str) -> BudgetRow:
    """The latency of a verdict with a million known devices, compared with a thousand, on one connection."""
    row = BudgetRow(
        f"one verdict, {MANY:,} devices, {kind}", f"the same with {FEW:,} devices", 1.2, note=MISSING
    )
    if not available(kind):
        return row
    load = replace(LOAD, connections=1, devices=100, seconds=0.5)
    with _serving_devices(kind, FEW) as few, _serving_devices(kind, MANY) as many:
        reports = list(loaded({"few": few, "many": many}, load, 4 * ROUNDS))
    few_seconds, many_seconds = ([each[name].p50 or 0.0 for each in reports] for name in ("few", "many"))
    return row.measured({"few": few_seconds, "many": many_seconds}, "many", "few")


@contextmanager
def _serving_devices(kind: str, devices: int) -> Iterator[str]:
    """The origin of a server whose database has so many devices; those that ask come in addition."""
    with empty(kind) as database:
        fill(database, devices)
        with serving(database) as origin:
            yield origin
