"""The stores: one transaction, append-only, nothing raw."""

import sqlite3
from pathlib import Path

import pytest

from server_stub.service import ServiceError
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from tests.support.server_phone import ICCID, IMEI, SECOND_IMEI, Phone, service, ueid
from wire.codes import ProblemCode


def filled(path: Path) -> None:
    store = SqlStore(path)
    server = service(store)
    server.answer(
        Phone().evidence(server.challenge().nonce, location={"latitude": 23.12345, "longitude": -82.4})
    )
    store.close()


def test_no_identifier_is_in_the_database_file(tmp_path: Path) -> None:
    """Whoever steals the file learns of no phone, no SIM and nobody's whereabouts."""
    filled(tmp_path / "server.db")
    octets = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"territory-prohibited" in octets
    for planted in (IMEI, IMEI[:14], SECOND_IMEI, ICCID, ICCID[:-1], ueid(IMEI), "23.12345"):
        assert planted.encode() not in octets
    assert bytes(int(digit) for digit in IMEI[:14]) not in octets


@pytest.mark.parametrize("change", ["DELETE FROM verdicts", "UPDATE verdicts SET decision = 'allow'"])
def test_the_database_itself_refuses_to_change_a_record(tmp_path: Path, change: str) -> None:
    """Append-only must not rest on the good will of one program."""
    filled(tmp_path / "server.db")
    connection = sqlite3.connect(tmp_path / "server.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change)
    connection.close()


def test_each_commit_is_synced(tmp_path: Path) -> None:
    """WAL with synchronous=FULL: a verdict that was answered survives a power cut."""
    store = SqlStore(tmp_path / "server.db")
    with store._engine.connect() as connection:
        told = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    store.close()
    assert told == ["wal", 2]


def test_what_fails_after_the_nonce_was_spent_leaves_no_trace(tmp_path: Path) -> None:
    """Verdict, serial and nonce are one transaction."""
    store = SqlStore(tmp_path / "server.db")
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


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    """The error says which file, not what is in it."""
    (tmp_path / "x.db").write_bytes(b"not a database, by any means" * 100)
    with pytest.raises(StoreUnavailableError, match=r"x\.db"):
        SqlStore(tmp_path / "x.db")


def test_memory_survives_reopening(tmp_path: Path) -> None:
    """Serial and spent nonces are on the disk and not in the process."""
    store = SqlStore(tmp_path / "server.db")
    server = service(store)
    token = Phone().evidence(server.challenge().nonce)
    server.answer(token)
    store.close()
    again = SqlStore(tmp_path / "server.db")
    with pytest.raises(ServiceError) as caught:
        service(again).answer(token)
    assert caught.value.code is ProblemCode.CHALLENGE_SPENT
    assert again.count() == 1
    again.close()
