"""One verdict over HTTP, one worker, durable, compared with the sum of its necessary parts.

The limit: a bare Starlette route under the same uvicorn, the two ES256 verifications and the Ed25519 signature of the
server, and one row inserted with a sync into the same kind of database. Evidence is prepared before the measurement.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from statistics import median
from typing import Any, Final

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.databases import MISSING, available, empty
from benchmarks.evidence import evidence_for
from benchmarks.report import BudgetRow
from benchmarks.servers import EvidenceClient, serve_bare, serve_verdicts, serving
from benchmarks.timing import interleaved, ratio

BUDGET = 1.5
ROUNDS = 300
RECORD = b"x" * 2000


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
        empty(kind) as place,
        empty(kind) as other,
        serving(serve_verdicts, place) as real,
        serving(serve_bare, place) as bare,
        _durable_insert(other) as insert,
    ):
        evidence = evidence_for(ROUNDS + 1)
        limit = _limit(bare, evidence[0], insert)
        work = {"limit": limit, "here": lambda: real.post(evidence.pop())}
        timings = interleaved(work, rounds=ROUNDS, calls=1)
    return BudgetRow(_name(kind), _LIMIT, BUDGET, ratio(timings, "here", "limit"), median(timings["limit"]))


def _name(kind: str) -> str:
    return f"one verdict over HTTP, durable, {kind}"


_LIMIT: Final = "Starlette route, 2 ES256 verifications, 1 Ed25519 signature, 1 durable insert"


def _limit(bare: EvidenceClient, evidence: bytes, insert: Callable[[], None]) -> Callable[[], None]:
    message, algorithm = b"x" * 1024, ec.ECDSA(SHA256())
    issuer, verdict_key = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
    public, signature = issuer.public_key(), issuer.sign(message, algorithm)

    def limit() -> None:
        bare.post(evidence)
        public.verify(signature, message, algorithm)
        public.verify(signature, message, algorithm)
        verdict_key.sign(message)
        insert()

    return limit


@contextmanager
def _durable_insert(place: str) -> Iterator[Callable[[], None]]:
    if place.startswith("postgresql"):
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute("CREATE TABLE records (id BIGSERIAL PRIMARY KEY, record BYTEA NOT NULL)")
            insert = "INSERT INTO records (record) VALUES (%s)"
            yield lambda: _execute(connection, insert)
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as file:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            file.execute(f"PRAGMA {pragma}").close()
        file.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, record BLOB NOT NULL)")
        yield lambda: _execute(file, "INSERT INTO records (record) VALUES (?)")


def _execute(connection: "sqlite3.Connection | psycopg.Connection[Any]", insert: str) -> None:
    connection.execute(insert, (RECORD,))
