"""One verdict over HTTP with a million known devices, compared with a thousand.

Two servers, each with a filled database; both know the devices that ask. Filling takes most of the time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.databases import MISSING, available, empty, fill
from benchmarks.phones import evidence_for, imeis_of
from benchmarks.report import BudgetRow
from benchmarks.servers import serve_verdicts, serving, verdict_service
from benchmarks.timing import interleaved
from server_stub.policy.policy import Activation
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore

ROUNDS, FEW, MANY = 300, 1_000, 1_000_000


def measure(kind: str) -> BudgetRow:
    """Post evidence to both servers in turns, on persistent connections, if there is a database of `kind`."""
    row = BudgetRow(
        f"one verdict, {MANY:,} devices, {kind}", f"the same with {FEW:,} devices", 1.2, note=MISSING
    )
    if not available(kind):
        return row
    with (
        _filled(kind, FEW) as few,
        _filled(kind, MANY) as many,
        serving(serve_verdicts, few) as small,
        serving(serve_verdicts, many) as large,
    ):
        for_small, for_large = evidence_for(ROUNDS + 1), evidence_for(ROUNDS + 1)
        timings = interleaved(
            {"few": lambda: small.post(for_small.pop()), "many": lambda: large.post(for_large.pop())},
            rounds=ROUNDS,
            calls=1,
        )
    return row.measured(timings, "many", "few")


@contextmanager
def _filled(kind: str, devices: int) -> Iterator[str]:
    """A database with `devices` devices and those that ask here."""
    with empty(kind) as place:
        fill(place, devices)
        store = SqlStore(place, alembic_migrations)
        service = verdict_service(store)
        for imei in imeis_of(ROUNDS + 1):
            service.enroll(imei, Activation(int(time.time()) - 3600, "FR"))
        store.close()
        yield place
