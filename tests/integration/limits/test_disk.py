"""What evidence that attests no device adds to the database."""

from pathlib import Path

import pytest

from firmware_profiles.model import KeyStorage
from server_stub.store.sql import SqlStore
from tests.support.server_phone import NOW, Clock, Phone, service
from tests.support.stores import open_store
from wire.limits import NONCE_LIFETIME, SKEW

REQUESTS = 250


@pytest.mark.slow
def test_unattested_evidence_adds_less_than_200_bytes_a_request_and_nothing_in_the_long_run(
    tmp_path: Path,
) -> None:
    """Its spent nonces are stored until they expire. A recorded verdict took 6 KB: 6 MB for a thousand requests."""
    clock, store = Clock(NOW), open_store(tmp_path / "a.sqlite")
    server = service(store, clock)
    sizes = [size(store)]
    for _ in range(4):
        for _ in range(REQUESTS):
            verdict, _ = server.judge(Phone(level=KeyStorage.SOFTWARE).evidence(server.challenge().nonce))
            assert verdict.sub.startswith("u-")
        sizes.append(size(store))
        clock.now += NONCE_LIFETIME + SKEW + 60
    assert sizes[1] - sizes[0] < 200 * REQUESTS
    assert sizes[4] - sizes[1] < 20_000, "nonces that have expired make room for the next"
    assert store.count() == 0
    store.close()


def size(store: SqlStore) -> int:
    """The pages of the database that are in use, in bytes."""
    with store._engine.connect() as connection:
        pages, free, page = (
            connection.exec_driver_sql(f"PRAGMA {each}").scalar_one()
            for each in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * page)
