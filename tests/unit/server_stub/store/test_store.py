"""The SQL store: durability, atomicity, no identifiers, databases in memory."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from server_stub.store.records import AuditQuery, StoreUnavailableError
from server_stub.store.schema import METADATA
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import ServiceError
from tests.support.records import entry
from tests.support.server_phone import ICCID, IMEI, SECOND_IMEI, Phone, service, ueid
from tests.support.stores import KINDS, open_store, place_of
from wire.codes import ProblemCode


def filled(place: str | Path) -> None:
    store = open_store(place)
    server = service(store)
    server.answer(
        Phone().evidence(server.challenge().nonce, location={"latitude": 23.12345, "longitude": -82.4})
    )
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_database_contains_no_identifier_or_position(kind: str, tmp_path: Path) -> None:
    """Neither in the file nor in a dump of all tables."""
    with place_of(kind, tmp_path) as place:
        filled(place)
        content = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + dump(place)
    assert b"territory-prohibited" in content
    for planted in (IMEI, IMEI[:14], SECOND_IMEI, ICCID, ICCID[:-1], ueid(IMEI), "23.12345"):
        assert planted.encode() not in content
    assert bytes(int(digit) for digit in IMEI[:14]) not in content


def dump(place: str) -> bytes:
    """Every row of every table, as text."""
    store = open_store(place)
    with store._engine.connect() as connection:
        rows = [tuple(row) for table in METADATA.sorted_tables for row in connection.execute(table.select())]
    store.close()
    return repr(rows).encode()


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    """WAL with synchronous=FULL: a verdict that was sent survives a power cut."""
    store = open_store(tmp_path / "server.db")
    with store._engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    store.close()
    assert settings == ["wal", 2]


def test_failure_after_spending_the_nonce_rolls_everything_back(tmp_path: Path) -> None:
    store = open_store(tmp_path / "server.db")
    server = service(store)
    token = Phone().evidence(server.challenge().nonce)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE verdicts RENAME TO away")
    with pytest.raises(ServiceError) as caught:
        server.answer(token)
    assert (caught.value.code, caught.value.status) == (ProblemCode.UNAVAILABLE, 503)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO verdicts")
    assert server.judge(token)[0].serial == 1
    store.close()


def test_file_that_is_not_a_database_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(StoreUnavailableError, match="it is no database of this server"):
        open_store(tmp_path / "x.db")


def test_serials_and_spent_nonces_survive_reopening(tmp_path: Path) -> None:
    store = open_store(tmp_path / "server.db")
    server = service(store)
    token = Phone().evidence(server.challenge().nonce)
    server.answer(token)
    store.close()
    again = open_store(tmp_path / "server.db")
    with pytest.raises(ServiceError) as caught:
        service(again).answer(token)
    assert caught.value.code is ProblemCode.CHALLENGE_SPENT
    assert again.count() == 1
    again.close()


def test_memory_store_used_by_many_threads_keeps_every_write() -> None:
    store = SqlStore()

    def write(number: int) -> None:
        for at in range(20):
            with store.transaction() as transaction:
                transaction.append_audit(entry(at, actor=str(number)))
            with store.reading() as reading:
                assert reading.audit(AuditQuery(actor=str(number)), limit=100).items[0].at == at

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with store.reading() as reading:
        assert len(reading.audit(AuditQuery(), limit=1000).items) == 160
    store.close()


def test_memory_stores_are_independent_and_have_the_triggers_of_the_migrations() -> None:
    one, other = SqlStore(), SqlStore()
    with one.transaction() as transaction:
        transaction.append_audit(entry(1))
    with other.reading() as reading:
        assert reading.audit(AuditQuery()).items == ()
    with pytest.raises(IntegrityError, match="append-only"), one._engine.begin() as connection:
        connection.execute(text("DELETE FROM audit"))


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_only_its_owner_can_read_a_new_database(tmp_path: Path, umask: int) -> None:
    """With its write-ahead log and its shared memory, whatever the umask."""
    before = os.umask(umask)
    try:
        store = open_store(tmp_path / "records.sqlite")
        service(store).challenge()
        with store.transaction() as transaction:
            transaction.device("d-1")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["records.sqlite", "records.sqlite-wal", "records.sqlite-shm"], 0o600)


def test_the_mode_of_an_existing_database_is_tightened_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "records.sqlite"
    open_store(file).close()
    assert caplog.messages == []
    file.chmod(0o644)
    open_store(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert caplog.messages == [f"{file}: its mode was 0644 and is now 0600"]
