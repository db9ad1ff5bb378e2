"""Idempotency keys: a write happens once, in sequence and concurrently, and not at all if it fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.admin.idempotency import (
    REMEMBERED,
    IdempotentWrites,
    KeyReusedError,
    NestedTransactionStore,
    WriteResult,
)
from server_stub.store.records import AuditEntry, AuditQuery
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from tests.support.admin import Operated, operated

KEYS = ("k1", "k2", None)
REQUESTS = ("a", "b")


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated) -> Operated:
    running.forget()
    return running


def test_a_repeated_write_gets_the_first_response_and_happens_once(server: Operated) -> None:
    [sub] = server.know(1)
    path, body = f"/devices/{sub}/lock", {"reason": "ticket 7"}
    first = server.ask("POST", path, body, Idempotency_Key="k-1")
    server.done(f"/devices/{sub}/unlock", {"reason": "ticket 8"})
    again = server.ask("POST", path, body, Idempotency_Key='"k-1"')
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert server.get(f"/devices/{sub}")["override"]["decision"] == "allow"
    assert [entry.action for entry in server.audit()] == ["device.lock", "device.unlock"]


@pytest.mark.parametrize("change", ["body", "path", "if-match"])
def test_a_key_with_another_request_is_rejected(server: Operated, change: str) -> None:
    one, other = server.know(2)
    server.done(f"/devices/{one}/lock", {"reason": "ticket 7"}, Idempotency_Key="k-1")
    refused = server.refused(
        "POST",
        f"/devices/{other if change == 'path' else one}/lock",
        {"reason": "ticket 8" if change == "body" else "ticket 7"},
        Idempotency_Key="k-1",
        **({"If-Match": '"x"'} if change == "if-match" else {}),
    )
    assert refused == (422, "idempotency-key-reused")
    assert len(server.audit()) == 1


def test_a_rejected_write_is_executed_when_it_is_repeated(server: Operated) -> None:
    path, body = f"/devices/d-{0:032x}/lock", {"reason": "ticket 7"}
    assert server.refused("POST", path, body, Idempotency_Key="k-1") == (404, "device-unknown")
    server.know(1)
    assert server.done(path, body, Idempotency_Key="k-1")["override"]["decision"] == "deny"


def test_a_response_is_kept_for_one_day(server: Operated) -> None:
    [sub] = server.know(1)
    path, body = f"/devices/{sub}/lock", {"reason": "ticket 7"}
    server.done(path, body, Idempotency_Key="k-1")
    server.clock.now += REMEMBERED - 1
    assert server.ask("POST", path, body, Idempotency_Key="k-1").headers["Idempotency-Replayed"] == "true"
    server.clock.now += 1
    assert "Idempotency-Replayed" not in server.ask("POST", path, body, Idempotency_Key="k-1").headers
    assert len(server.audit()) == 2


@pytest.mark.parametrize("key", ["", "a b", "k" * 65, '"half', "é"])
def test_an_invalid_key_is_rejected(server: Operated, key: str) -> None:
    """A truncated key would be another key."""
    [sub] = server.know(1)
    refused = server.refused(
        "POST", f"/devices/{sub}/lock", {"reason": "r"}, Idempotency_Key=key.encode("latin-1")
    )  # type: ignore[arg-type]
    assert refused == (422, "request-invalid")
    assert server.audit() == []


def test_of_equal_concurrent_writes_one_is_executed(server: Operated) -> None:
    """Sixteen clients, one key: one audit entry, and sixteen equal responses."""
    [sub] = server.know(1)
    barrier = threading.Barrier(16)

    def write(_: int) -> bytes:
        barrier.wait()
        answer = server.ask("POST", f"/devices/{sub}/lock", {"reason": "ticket 7"}, Idempotency_Key="k-1")
        assert answer.status_code == 200, answer.text
        return answer.content

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(write, range(16)))
    assert len(set(answers)) == 1
    assert len(server.audit()) == 1


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(REQUESTS), st.booleans()), max_size=12))
def test_random_sequences_of_writes_match_a_model(
    writes: list[tuple[str | None, str, bool]],
) -> None:
    """The model: once for each key, always without a key, rejected for another request."""
    store = SqlStore()
    once = IdempotentWrites(store, lambda: 0)
    known: dict[str, str] = {}
    done = 0
    for key, request, fails in writes:
        expected = (
            "replay"
            if known.get(key or "") == request
            else "reused"
            if key in known
            else "fail"
            if fails
            else "do"
        )
        assert _write(once, key, request, fails=fails) == expected
        done += expected == "do"
        if expected == "do" and key:
            known[key] = request
    with store.reading() as reading:
        assert len(reading.audit(AuditQuery()).items) == done


def _write(once: IdempotentWrites, key: str | None, request: str, *, fails: bool) -> str:
    def deed(store: Store) -> WriteResult:
        with store.transaction() as transaction:
            transaction.append_audit(AuditEntry(0, "a", "x.y", "s", "r", {}))
        if fails:
            raise OSError
        return WriteResult(200, request.encode())

    try:
        done = once.execute(deed, key=key, request=request)
    except KeyReusedError:
        return "reused"
    except OSError:
        return "fail"
    assert done.body == request.encode()
    return "replay" if done.replayed else "do"


def test_effects_outside_of_the_store_happen_after_the_commit() -> None:
    """A fault must not be armed without its audit entry."""
    store, seen = SqlStore(), []

    def audited(joined: Store) -> WriteResult:
        with joined.transaction() as transaction:
            transaction.after_commit(lambda: seen.append(len(_entries(store))))
            transaction.append_audit(AuditEntry(0, "a", "x.y", "s", "r", {}))
        return WriteResult(200, b"")

    IdempotentWrites(store, lambda: 0).execute(audited, key="k", request="r")
    IdempotentWrites(store, lambda: 0).execute(audited, key="k", request="r")
    assert seen == [1]


def _entries(store: Store) -> tuple[AuditEntry, ...]:
    with store.reading() as reading:
        return reading.audit(AuditQuery()).items


def test_a_nested_transaction_does_not_commit() -> None:
    """It must neither commit half of the outer one nor wait for it."""
    store = SqlStore()
    with pytest.raises(OSError, match="late"):
        _fail_after_writing(store)
    assert _entries(store) == ()


def _fail_after_writing(store: Store) -> None:
    with store.transaction() as outer:
        joined = NestedTransactionStore(outer)
        with joined.transaction() as inner:
            inner.append_audit(AuditEntry(0, "a", "x.y", "s", "r", {}))
        with joined.reading() as reading:
            assert len(reading.audit(AuditQuery()).items) == 1
        joined.check()
        joined.close()
        raise OSError("late")
