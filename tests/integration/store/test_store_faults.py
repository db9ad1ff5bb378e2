"""The faults of PostgreSQL by name. Those of SQLite are in tests/integration/device_server/test_outages.py."""

import psycopg
import pytest

from server_stub.store.records import ConstraintError, StoreFault, StoreUnavailableError
from server_stub.store.sql import SqlStore
from tests.support.records import device
from tests.support.stores import open_store, schema_url


def fault_with(url: str, setting: str) -> StoreFault:
    """Of the durable write of a store whose connections have `setting`."""
    store = SqlStore(f"{url}%20-c{setting.replace('=', '%3D')}")
    with pytest.raises(StoreUnavailableError) as failed:
        store.check()
    store.close()
    return failed.value.fault


def test_read_only_and_locked_databases_are_named() -> None:
    with schema_url() as url:
        open_store(url).close()
        assert fault_with(url, "default_transaction_read_only=on") is StoreFault.READ_ONLY
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE server_state IN SHARE MODE")
            assert fault_with(url, "lock_timeout=100") is StoreFault.LOCKED
            assert fault_with(url, "statement_timeout=100") is StoreFault.LOCKED
        store = SqlStore(url)
        store.check()
        store.close()


@pytest.mark.parametrize("model", ["x" * 129, "a\0b"])
def test_value_that_does_not_fit_is_a_broken_constraint(model: str) -> None:
    """It must not fail the other verdicts of its group."""
    with schema_url() as url:
        store = open_store(url)
        with pytest.raises(ConstraintError), store.transaction() as transaction:
            transaction.put_devices([device(1), device(2, model=model)])
        store.close()
