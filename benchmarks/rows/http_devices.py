"""One verdict over HTTP with a million known devices, against the same with a thousand.

Two servers, each over a SQLite file that was filled before. The phones that ask are known to both. Filling takes most
of this row's time.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.evidence import evidence_for, imeis_of
from benchmarks.phones import VENDOR
from benchmarks.report import Row
from benchmarks.servers import DATABASE, fill, serve_verdicts, serving
from benchmarks.timing import interleaved, ratio
from server_stub.domain.policy import Activation
from server_stub.server import build_service
from server_stub.settings import Settings
from server_stub.store.sql import SqlStore

BUDGET = 1.2
ROUNDS = 300
FEW, MANY = 1_000, 1_000_000


def measure() -> Row:
    """Post evidence to both servers in turns, on kept connections."""
    with TemporaryDirectory(prefix="activation-") as name:
        few, many = (_filled(Path(name) / str(devices), devices) for devices in (FEW, MANY))
        with serving(serve_verdicts, few) as small, serving(serve_verdicts, many) as large:
            for_small, for_large = evidence_for(ROUNDS + 1), evidence_for(ROUNDS + 1)
            timings = interleaved(
                {"few": lambda: small.post(for_small.pop()), "many": lambda: large.post(for_large.pop())},
                rounds=ROUNDS,
                calls=1,
            )
    return Row(
        f"the same with {MANY:,} known devices",
        f"the same with {FEW:,} known devices",
        BUDGET,
        ratio(timings, "many", "few"),
        median(timings["few"]),
    )


def _filled(folder: Path, devices: int) -> Path:
    """A database of `devices` phones, and of those that ask here."""
    folder.mkdir()
    fill(folder / DATABASE, devices)
    store = SqlStore(folder / DATABASE)
    service = build_service(Settings(issuer=VENDOR.issuer, audience=VENDOR.audience), VENDOR.secrets, store)
    for imei in imeis_of(ROUNDS + 1):
        service.enroll(imei, Activation(int(time.time()) - 3600, "FR"))
    store.close()
    return folder
