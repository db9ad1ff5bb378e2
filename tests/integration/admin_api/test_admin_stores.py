"""The admin API on every store, also with many concurrent operators."""

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server_stub.admin.tokens import AdminTokens
from tests.support.admin import Operated, operated
from tests.support.stores import KINDS, opened

CLIENTS = 8


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operated]:
    with opened(request.param, tmp_path) as store, operated(store) as running:
        yield running


def at_once(server: Operated, path: str, body: dict[str, object], key: str | None) -> list[tuple[int, bytes]]:
    """The responses to equal concurrent requests of many clients."""
    barrier = threading.Barrier(CLIENTS)

    def write(_: int) -> tuple[int, bytes]:
        barrier.wait()
        answer = server.ask("POST", path, body, **({"Idempotency-Key": key} if key else {}))
        return answer.status_code, answer.content

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(write, range(CLIENTS)))


def test_of_equal_concurrent_writes_one_is_executed_with_a_key_and_all_without(server: Operated) -> None:
    [sub] = server.know(1)
    before = len(server.audit())
    answers = at_once(server, f"/devices/{sub}/lock", {"reason": "ticket 7"}, "k-1")
    assert (len(set(answers)), answers[0][0]) == (1, 200)
    assert len(server.audit()) == before + 1
    assert {status for status, _ in at_once(server, f"/devices/{sub}/lock", {"reason": "r"}, None)} == {200}
    assert len(server.audit()) == before + 1 + CLIENTS


def test_concurrent_bulk_writes_are_serialised(server: Operated) -> None:
    """Every device has as many entries as there were writes, and all end in the same state."""
    known = server.know(20)
    before = len(server.audit())
    body = {"act": "lock", "filter": {}, "everybody": True, "reason": "ticket 8"}
    answers = at_once(server, "/devices/bulk", body, None)
    assert {status for status, _ in answers} == {200}
    entries = Counter(entry.subject for entry in server.audit()[before:])
    assert entries == Counter(dict.fromkeys(known, CLIENTS) | {"bulk": CLIENTS})
    assert (
        server.done(
            "/devices/bulk",
            body | {"act": "withdraw", "dry_run": True, "everybody": False, "filter": {"overridden": True}},
        )["count"]
        == 20
    )


@pytest.mark.parametrize("kind", KINDS)
def test_of_concurrent_first_starts_one_makes_the_token(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path) as store:
        barrier = threading.Barrier(CLIENTS)

        def start(_: int) -> str | None:
            barrier.wait()
            return AdminTokens(store, lambda: 0, secrets.token_bytes).first()

        with ThreadPoolExecutor(CLIENTS) as processes:
            made = [token for token in processes.map(start, range(CLIENTS)) if token is not None]
        assert [AdminTokens(store, lambda: 0, secrets.token_bytes).actor(token) for token in made] == [
            "operator"
        ]


def test_a_policy_put_in_force_decides_the_next_verdict(server: Operated) -> None:
    sub = server.activate()
    text = server.get("/policies/export-2021-09/2")["text"].replace("version = 2", "version = 3", 1)
    put = server.ask("PUT", "/policies/export-2021-09/3", {"text": text, "reason": "r"})
    assert put.status_code == 201, put.text
    server.done("/policies/export-2021-09/3/put-in-force", {"reason": "r"}, If_Match=put.headers["ETag"])
    server.activate(intent="check-in")
    history = server.get(f"/devices/{sub}/history?limit=1")
    assert (history["items"][0]["policy_version"], history["next"] is None) == (3, False)
    older = server.get(f"/devices/{sub}/history?limit=1&cursor={history['next']}")
    assert [each["policy_version"] for each in older["items"]] == [2]
