"""Migrations of databases of every age."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from server_stub.evidence.challenges import SpendableNonce
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Activation
from server_stub.store.database import Database
from server_stub.store.migrate import _FIRST_COLUMNS, NEWEST, REVISIONS, empty_file
from server_stub.store.records import (
    Device,
    RecordKind,
    RetentionStep,
    SchemaError,
    StoreUnavailableError,
)
from server_stub.store.schema import METADATA
from server_stub.store.sql import SqlStore, make_engine
from tests.support.records import record
from tests.support.stores import KINDS, open_store, place_of
from wire.codes import Decision, Reason

SUPPORT = Path(__file__).parents[3] / "support"
OLD = Device(
    "d-old",
    Activation(1000, "FR"),
    "global",
    "Lark 1",
    7,
    9000,
    Override(Decision.DENY, "asked for", "SLV-1", 2000),
)


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", "server_stub.store:migrations")
    return made


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with place_of(request.param, tmp_path) as made:
        yield made


def before_the_migrations(file: Path) -> None:
    connection = sqlite3.connect(file)
    for name in ("first_schema.sql", "first_rows.sql"):
        connection.executescript((SUPPORT / name).read_text())
    connection.close()


def at_revision(place: str, revision: str) -> None:
    """A database at that revision, with the rows of the first schema."""
    engine = make_engine(Database(place))
    with engine.begin() as connection:
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, revision)
        rows = (SUPPORT / "first_rows.sql").read_text()
        if engine.dialect.name == "postgresql":
            rows = rows.replace("X'6E6F6E6365'", "'nonce'")
        for statement in filter(str.strip, rows.split(";\n")):
            connection.exec_driver_sql(statement)
    engine.dispose()


def check_old_rows(store: SqlStore) -> None:
    with store.reading() as reading:
        assert reading.device("d-old") == OLD
        [old] = reading.history("d-old").items
        assert reading.key_of("d-old", 0) == "t" * 43
        assert reading.revision() == 0
    assert (old.verdict.serial, old.verdict.reason) == (7, Reason.TERRITORY_PROHIBITED)
    assert (old.verdict.iss, old.verdict.message, old.inputs) == ("", None, {"intent": "activate"})
    with store.transaction() as transaction:
        assert not transaction.spend_nonces([SpendableNonce(b"nonce", 9_999_999_999)], 1)


def test_database_from_before_the_migrations_is_migrated_without_loss(tmp_path: Path) -> None:
    """It has no version table."""
    before_the_migrations(tmp_path / "old.db")
    store = open_store(tmp_path / "old.db")
    check_old_rows(store)
    with store.transaction() as transaction:
        transaction.append_verdict(record("d-old", 8))
    store.close()


def test_database_of_the_first_revision_is_migrated_without_loss(place: str) -> None:
    at_revision(place, "0001")
    store = open_store(place)
    check_old_rows(store)
    store.close()


def test_records_of_unattested_evidence_of_the_previous_release_are_counted_kept_and_pruned_by_age(
    place: str,
) -> None:
    at_revision(place, "0002")
    engine = make_engine(Database(place))
    with engine.begin() as connection:
        for number in (1, 2, 3):
            columns = inspect(connection).get_columns("verdicts")
            names = [each["name"] for each in columns if each["name"] not in ("id", "jti", "sub", "iat")]
            connection.exec_driver_sql(
                f"INSERT INTO verdicts (jti, sub, iat, {', '.join(names)}) "
                f"SELECT 'u-{number}', 'u-{number}', {number}, {', '.join(names)} FROM verdicts WHERE sub = 'd-old'"
            )
    engine.dispose()
    store = open_store(place)
    check_old_rows(store)
    with store.transaction() as transaction:
        assert transaction.next_unattested_serial() == 4
        [kept] = transaction.history("u-3").items
        assert (kept.inputs, kept.inputs_pruned_at) == ({"intent": "activate"}, None)
        assert transaction.prune(RetentionStep(RecordKind.VERDICTS, 3, 4)).pruned == 2
        assert [bool(transaction.history(f"u-{number}").items) for number in (1, 2, 3)] == [
            False,
            False,
            True,
        ]
    store.close()


def test_migrations_create_the_schema_of_the_models(place: str, tmp_path: Path) -> None:
    store = open_store(place)
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == NEWEST
    store.close()
    known = [each.revision for each in ScriptDirectory.from_config(config()).walk_revisions()]
    assert tuple(reversed(known)) == REVISIONS


def test_migrated_file_has_the_same_schema_as_a_new_one(tmp_path: Path) -> None:
    """Including triggers."""
    before_the_migrations(tmp_path / "old.db")
    made = []
    for name in ("old.db", "new.db"):
        open_store(tmp_path / name).close()
        connection = sqlite3.connect(tmp_path / name)
        made.append(
            connection.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2").fetchall()
        )
        connection.close()
    assert made[0] == made[1]


def test_shipped_empty_database_is_what_the_migrations_create(tmp_path: Path) -> None:
    open_store(tmp_path / "migrated.db").close()
    (tmp_path / "shipped.db").write_bytes(empty_file())
    dumps = []
    for name in ("migrated.db", "shipped.db"):
        connection = sqlite3.connect(tmp_path / name)
        dumps.append(list(connection.iterdump()))
        connection.close()
    assert dumps[0] == dumps[1]


def test_database_that_is_not_of_the_newest_schema_needs_migrations(place: str) -> None:
    with pytest.raises(SchemaError, match="is empty; open it with the migrations"):
        SqlStore(place)
    at_revision(place, "0001")
    with pytest.raises(SchemaError, match="has the older schema 0001; open it with the migrations"):
        SqlStore(place)
    open_store(place).close()
    SqlStore(place).close()


def test_database_of_a_newer_server_is_rejected_and_not_changed(place: str) -> None:
    store = open_store(place)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(SchemaError, match=f"9999.*{NEWEST}"):
        open_store(place)
    engine = make_engine(Database(place))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    engine.dispose()


def test_database_of_another_program_is_rejected_and_not_changed(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE devices (name TEXT)")
    connection.close()
    with pytest.raises(SchemaError, match=r"another program.* no devices\.last_serial"):
        open_store(tmp_path / "other.db")
    connection = sqlite3.connect(tmp_path / "other.db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("devices",)]
    connection.close()


def test_failed_migration_leaves_the_database_unchanged(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_revision(place, "0001")

    def fail(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("alembic.op.bulk_insert", fail)
    with pytest.raises(InterruptedError):
        open_store(place)
    monkeypatch.undo()
    engine = make_engine(Database(place))
    assert set(inspect(engine).get_table_names()) == {*_FIRST_COLUMNS, "alembic_version"}
    engine.dispose()
    store = open_store(place)
    check_old_rows(store)
    store.close()


def test_servers_that_start_together_on_an_empty_database_all_open_it(place: str) -> None:
    opened: list[SqlStore] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait()
        opened.append(open_store(place))

    servers = [threading.Thread(target=start) for _ in range(4)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert len(opened) == 4
    for store in opened:
        store.check()
        store.close()


def test_unreachable_database_is_an_error_without_its_password() -> None:
    with pytest.raises(StoreUnavailableError, match=r"^connection refused; is it running there\?$") as caught:
        SqlStore("postgresql://judge:secret@127.0.0.1:1/verdicts")
    chain: BaseException | None = caught.value
    while chain:
        assert "secret" not in str(chain)
        chain = chain.__cause__
