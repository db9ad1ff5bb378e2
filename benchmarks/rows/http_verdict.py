"""One verdict over HTTP, one worker, durable, against what none of that can do without, added up.

The limit: a bare Starlette route under the same uvicorn, the two ES256 verifications and the Ed25519 signature that the
server makes, and one row inserted into SQLite with a sync. Evidence is prepared outside of the measurement.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.evidence import evidence_for
from benchmarks.report import Row
from benchmarks.servers import Client, serve_bare, serve_verdicts, serving
from benchmarks.timing import interleaved, ratio

BUDGET = 1.5
ROUNDS = 300
RECORD = b"x" * 2000


def measure() -> Row:
    """Post evidence to both servers in turns, on kept connections."""
    with (
        TemporaryDirectory(prefix="activation-") as name,
        serving(serve_verdicts, Path(name)) as real,
        serving(serve_bare, Path(name)) as bare,
    ):
        evidence = evidence_for(ROUNDS + 1)
        limit = _limit(bare, evidence[0], Path(name))
        work = {"limit": limit, "here": lambda: real.post(evidence.pop())}
        timings = interleaved(work, rounds=ROUNDS, calls=1)
    return Row(
        "one verdict over HTTP, one worker, durable",
        "bare Starlette route + 2 ES256 verifications, 1 Ed25519 signature + one durable insert",
        BUDGET,
        ratio(timings, "here", "limit"),
        median(timings["limit"]),
    )


def _limit(bare: Client, evidence: bytes, folder: Path) -> Callable[[], None]:
    sign, insert = _signatures(), _durable_insert(folder / "limit.sqlite")

    def limit() -> None:
        bare.post(evidence)
        sign()
        insert()

    return limit


def _signatures() -> Callable[[], None]:
    message, algorithm = b"x" * 1024, ec.ECDSA(SHA256())
    issuer, verdict_key = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
    public, signature = issuer.public_key(), issuer.sign(message, algorithm)

    def signatures() -> None:
        public.verify(signature, message, algorithm)
        public.verify(signature, message, algorithm)
        verdict_key.sign(message)

    return signatures


def _durable_insert(database: Path) -> Callable[[], None]:
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()
    connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, record BLOB NOT NULL)")

    def insert() -> None:
        connection.execute("INSERT INTO records (record) VALUES (?)", (RECORD,))

    return insert
