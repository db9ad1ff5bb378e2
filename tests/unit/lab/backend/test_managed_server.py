"""The operator of a simulation's server restores or loses its records. The key repository stays."""

from pathlib import Path
from random import Random

import pytest

from lab.backend.hosts import InProcessHost
from lab.backend.managed_server import LabServer, ServerIdentity
from lab.backend.records import RecordsFile, RecordsSchema
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.clock import ClockReading
from server_stub.policies.loading import shipped
from server_stub.store import alembic_migrations
from server_stub.store.database import Database
from tests.support.server_phone import NOW
from tests.support.stores import KINDS, postgresql_url


class StandingClock:
    def read(self) -> ClockReading:
        return ClockReading(NOW, NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_restored_or_lost_records_keep_the_key_repository(tmp_path: Path, kind: str) -> None:
    records: RecordsFile | RecordsSchema = RecordsFile(tmp_path / "records.sqlite")
    if kind == "postgresql":
        records = RecordsSchema(Database(postgresql_url()), alembic_migrations)
    maker = Manufacturer("records of the lab")
    identity = ServerIdentity(maker, maker.issuer, maker.audience, shipped())
    random, host = Random(1).randbytes, InProcessHost()
    server = LabServer(identity, tmp_path, StandingClock(), random, host, records=records)
    first, older = server.repository.metadata("timestamp.json"), server.backup()
    server.replace_online_keys("a test")
    newest, root = server.repository.metadata("timestamp.json"), server.repository.root()
    assert newest != first
    for act in (server.restart, lambda: server.restore(older), lambda: server.restore(None)):
        act()
        assert (server.repository.metadata("timestamp.json"), server.repository.root()) == (newest, root)
    server.stop()
