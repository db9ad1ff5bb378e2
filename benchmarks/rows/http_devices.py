"""One verdict over HTTP with a million known devices, compared with a thousand.

Two servers, each with a filled database; both know the devices that ask. Filling takes most of the time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks.databases import MISSING, available, empty, fill
from benchmarks.evidence import evidence_for, imeis_of
from benchmarks.phones import MANUFACTURER
from benchmarks.report import BudgetRow
from benchmarks.servers import serve_verdicts, serving
from benchmarks.timing import interleaved, ratio
from server_stub.configuration import Configuration
from server_stub.policy.policy import Activation
from server_stub.server import build_service
from server_stub.settings_sources import LoadedSettings
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore

BUDGET = 1.2
ROUNDS, FEW, MANY = 300, 1_000, 1_000_000


def measure() -> BudgetRow:
    """On SQLite."""
    return _measure("SQLite")


def measure_postgresql() -> BudgetRow:
    """On PostgreSQL, if available."""
    if not available("PostgreSQL"):
        return BudgetRow(_name("PostgreSQL"), _LIMIT, BUDGET, None, note=MISSING)
    return _measure("PostgreSQL")


def _measure(kind: str) -> BudgetRow:
    """Post evidence to both servers in turns, on persistent connections."""
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
    return BudgetRow(_name(kind), _LIMIT, BUDGET, ratio(timings, "many", "few"), median(timings["few"]))


def _name(kind: str) -> str:
    return f"one verdict, {MANY:,} devices, {kind}"


_LIMIT = f"the same with {FEW:,} devices"


@contextmanager
def _filled(kind: str, devices: int) -> Iterator[str]:
    """A database with `devices` devices and those that ask here."""
    with empty(kind) as place:
        fill(place, devices)
        store = SqlStore(place, alembic_migrations)
        service = build_service(
            Configuration.load(LoadedSettings()),
            MANUFACTURER.secrets,
            store,
            issuer=MANUFACTURER.issuer,
            audience=MANUFACTURER.audience,
        )
        for imei in imeis_of(ROUNDS + 1):
            service.enroll(imei, Activation(int(time.time()) - 3600, "FR"))
        store.close()
        yield place
