"""One verdict over HTTP, one worker, durable, compared with the sum of its necessary parts.

The limit: a bare Starlette route under the same uvicorn, the two ES256 verifications and the Ed25519 signature of the
server, and one row inserted with a sync into the same kind of database. Evidence is prepared before the measurement.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.databases import MISSING, available, empty
from benchmarks.phones import evidence_for
from benchmarks.report import BudgetRow
from benchmarks.servers import EvidenceClient, serve_bare, serve_verdicts, serving
from benchmarks.timing import interleaved

LIMIT: Final = "Starlette route, 2 ES256 verifications, 1 Ed25519 signature, 1 durable insert"
ROUNDS = 300
RECORD = b"x" * 2000


def measure(kind: str) -> BudgetRow:
    """Post evidence to both servers in turns, on persistent connections, if there is a database of `kind`."""
    row = BudgetRow(f"one verdict over HTTP, durable, {kind}", LIMIT, 1.5, note=MISSING)
    if not available(kind):
        return row
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
    return row.measured(timings, "here", "limit")


def _limit(bare: EvidenceClient, evidence: bytes, insert: Callable[[], object]) -> Callable[[], None]:
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
def _durable_insert(place: str) -> Iterator[Callable[[], object]]:
    if place.startswith("postgresql"):
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute("CREATE TABLE records (id BIGSERIAL PRIMARY KEY, record BYTEA NOT NULL)")
            yield lambda: connection.execute("INSERT INTO records (record) VALUES (%s)", (RECORD,))
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as file:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            file.execute(f"PRAGMA {pragma}").close()
        file.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, record BLOB NOT NULL)")
        yield lambda: file.execute("INSERT INTO records (record) VALUES (?)", (RECORD,))
