"""Databases for measurements: an empty one of each kind, and one with many devices.

The PostgreSQL server is that of `ACTIVATION_POSTGRES`, with its own durability settings; `.ci/postgres make bench` runs
one that syncs every commit.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psycopg

from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore

KINDS: Final = ("SQLite", "PostgreSQL")
VARIABLE: Final = "ACTIVATION_POSTGRES"
MISSING: Final = "no PostgreSQL here; .ci/postgres make bench runs one"


def available(kind: str) -> bool:
    """Whether a database of `kind` is available."""
    return kind == "SQLite" or VARIABLE in os.environ


@contextmanager
def empty(kind: str) -> Iterator[str]:
    """The path or URL of an empty database of `kind`."""
    if kind == "SQLite":
        with TemporaryDirectory(prefix="activation-") as folder:
            yield str(Path(folder) / "records.sqlite")
        return
    url, name = os.environ[VARIABLE], f"bench_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    try:
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{name}" CASCADE')


def fill(place: str, devices: int) -> None:
    """Add `devices` devices to a database, each with one verdict.

    The recorded inputs are empty: they are never read, and only make the database larger. Pseudonyms are spread evenly
    over their space and inserted in the order of the index, which is fast.
    """
    SqlStore(place, alembic_migrations).close()
    if place.startswith("postgresql"):
        with psycopg.connect(place, autocommit=True) as connection:
            hexadecimal = f"lpad(to_hex(number * {2**63 // devices}), 16, '0')"
            connection.execute(
                _NUMBERS_POSTGRESQL.format(devices=devices) + _DEVICES.format(hexadecimal=hexadecimal)
            )
            for statement in (_VERDICTS, "VACUUM ANALYZE devices, verdicts", "CHECKPOINT"):
                connection.execute(statement)
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as file:
        for setup in ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-262144", "BEGIN"):
            file.execute(setup)
        numbers = {"devices": devices, "stride": 2**63 // devices}
        hexadecimal = "printf('%016x', number * :stride)"
        file.execute(_NUMBERS_SQLITE + _DEVICES.format(hexadecimal=hexadecimal), numbers)
        for statement in (_VERDICTS, "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)"):
            file.execute(statement)


_NUMBERS_SQLITE: Final = """
WITH RECURSIVE phone(number) AS (
    SELECT 0 UNION ALL SELECT number + 1 FROM phone WHERE number + 1 < :devices
)
"""
_NUMBERS_POSTGRESQL: Final = "WITH phone(number) AS (SELECT generate_series(0::bigint, {devices} - 1))"
_DEVICES: Final = """
INSERT INTO devices (sub, activated_at, activation_territory, sale_region, model, last_serial)
SELECT 'd-' || {hexadecimal} || '0000000000000000', 1630000000 + number, 'FR', 'global', 'Lark 1', 1 FROM phone
"""
_VERDICTS: Final = """
INSERT INTO verdicts (jti, sub, serial, iat, exp, decision, reason, territory, policy_id, policy_version, rule, trust,
                      identity, jkt, token_digest, inputs, appraisal, judgement)
SELECT substr(sub, 3), sub, 1, activated_at, activated_at + 3600, 'allow', 'territory-eligible', 'FR', 'export-2021-09',
       1, 'eligible', 'affirming', 'attested', '', '', '{}', '{}', '{}' FROM devices ORDER BY sub
"""
