"""The faults of `activation admin faults` on the wire: each kind of docs/developers/faults.md, by a plain client."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from server_stub.evidence.errors import EvidenceError
from server_stub.faults.catalogue import SERVER_ROUTES, SLOW, FaultKind, Route
from tests.support.admin import Operated, operated
from tests.support.plain_client import PAGE, Seen, send, table
from tests.support.server_phone import IMEI, SECOND_IMEI, Phone, facts, ueid
from tests.support.stores import open_store
from wire import media

WHY = {"reason": "a test"}
ROWS = table(2)
TIMESTAMP = "/tuf/metadata/timestamp.json"


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated) -> Operated:
    running.forget()
    return running


def add(server: Operated, kind: str, **members: Any) -> dict[str, Any]:
    extra = {"delay": 1} if kind.startswith("slow") else {}
    [added] = server.done("/faults", {"kind": kind, **extra, **members, **WHY})["items"]
    return dict(added)


def left(server: Operated) -> list[int]:
    return [fault["remaining"] for fault in server.get("/faults")["items"]]


def ask(server: Operated, route: Route, imei: str = IMEI, **claims: Any) -> Seen:
    """A request, whose body is compared with what the server decided, issued or published."""
    if route is Route.CHALLENGES:
        seen = send(server.origin, "POST", media.CHALLENGES_PATH)
        return _compared(seen, honest=seen.what == "200" and fresh(server, seen.body))
    if route is Route.KEYS:
        honest = server.parts.keys.repository.metadata("timestamp.json") if server.parts.keys else b""
        seen = send(server.origin, "GET", TIMESTAMP)
        return _compared(seen, honest=seen.body == honest)
    nonce = server.service.challenge().nonce
    evidence = Phone(boot=facts(imeis=(imei,))).evidence(nonce, ueid=ueid(imei), **claims)
    seen = send(server.origin, "POST", media.VERDICTS_PATH, evidence, content_type=media.EVIDENCE)
    with server.parts.store.reading() as reading:
        sub = server.service.signing_context.pseudonyms.device(imei)
        digest = reading.history(sub, limit=1).items[0].token_digest
    return _compared(seen, honest=hashlib.sha256(seen.body).hexdigest() == digest)


def _compared(seen: Seen, *, honest: bool) -> Seen:
    if seen.what != "200" or honest:
        return Seen("200 late", seen.body) if honest and seen.seconds > 0.9 else seen
    return Seen("200 other", seen.body)


def fresh(server: Operated, body: bytes) -> bool:
    """Whether the body is a nonce that this server issued now and that was not seen before."""
    try:
        nonce = json.loads(body)["nonce"]
        server.service._challenger.recognize(nonce, server.clock.now)
    except (ValueError, EvidenceError):
        return False
    new = nonce not in SEEN
    SEEN.add(nonce)
    return new


SEEN: set[str] = set()
DAYS = count(1)
"""The repository keeps its newest publication from test to test."""


def prepared(server: Operated, kind: str, route: Route) -> dict[str, Any]:
    """What must be there before some kinds can be injected; returns more claims of the evidence."""
    if kind == "replayed" and route is Route.KEYS:
        ask(server, route)  # with the fault pending, the first is remembered
        server.clock.now += 86_400 * next(DAYS)
    if kind == "old-serial" and route is Route.VERDICTS:
        return {"last_verdict": {"jti": "j", "serial": 1}}
    return {}


def test_page_names_every_kind_of_the_server_with_its_routes() -> None:
    assert ROWS.keys() == {kind.value for kind in SERVER_ROUTES}
    page = PAGE.read_text("utf-8")
    assert "`verdicts` (default), `challenges` and `tuf`; `old-serial` has no `challenges`" in page
    everywhere = {Route.VERDICTS, Route.CHALLENGES, Route.KEYS}
    assert {
        kind: everywhere - set(routes) for kind, routes in SERVER_ROUTES.items() if set(routes) != everywhere
    } == {FaultKind.OLD_SERIAL: {Route.CHALLENGES}}


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        pytest.param(kind.value, route, marks=[pytest.mark.slow] if kind in SLOW else [])
        for kind, routes in SERVER_ROUTES.items()
        for route in routes
    ],
    ids=str,
)
def test_plain_client_sees_each_fault_as_the_page_says_and_then_the_server_again(
    server: Operated, kind: str, route: Route
) -> None:
    ask(server, route)
    if kind == "old-serial" and route is Route.KEYS:
        server.clock.now += 86_400 * next(DAYS)
        assert ask(server, route).what == "200"
    add(server, kind, route=route.value)
    claims = prepared(server, kind, route)
    assert ask(server, route, **claims).what == ROWS[kind]
    assert left(server) == []
    assert ask(server, route, **claims).what == "200"


def test_status_and_retry_after_are_those_of_the_command(server: Operated) -> None:
    for kind, status, code in (("error", 599, "internal"), ("unavailable", 503, "unavailable")):
        extra = {"status": 599} if kind == "error" else {}
        add(server, kind, retry_after=7, **extra)
        seen = ask(server, Route.VERDICTS)
        assert (seen.what, json.loads(seen.body)["code"]) == (str(status), code)


def test_fault_is_for_its_device_and_its_route_and_an_error_uses_none(server: Operated) -> None:
    sub = server.activate(IMEI)
    add(server, "garbage", device=sub, count=3)
    assert ask(server, Route.VERDICTS, SECOND_IMEI).what == "200"
    assert ask(server, Route.CHALLENGES).what == "200"
    assert send(server.origin, "POST", media.VERDICTS_PATH, b"x", content_type=media.EVIDENCE).what == "400"
    assert left(server) == [3]
    assert ask(server, Route.VERDICTS, IMEI).what == "200 other"
    assert left(server) == [2]


def test_records_hold_what_was_decided(server: Operated) -> None:
    ask(server, Route.VERDICTS)
    for kind in ("wrong-key", "expired", "old-serial", "replayed", "tampered"):
        add(server, kind)
        ask(server, Route.VERDICTS, last_verdict={"jti": "j", "serial": 1})
    sub = server.activate(IMEI)
    history = server.get(f"/devices/{sub}/history")["items"]
    assert [each["serial"] for each in history] == list(range(7, 0, -1))
    assert {(each["decision"], each["at"]) for each in history} == {("deny", server.clock.now)}
    assert [entry.action for entry in server.audit()].count("fault.arm") == 5


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_probability_is_kept_and_repeatable(running: Operated, probability: float) -> None:
    """The server's randomness decides. Each mean of 300 draws is within five standard deviations."""

    def drawn() -> list[bool]:
        running.forget()
        restarted = type(running.service.signing_context.random)()
        faults = running.parts.faults
        before, faults.random = faults.random, restarted  # type: ignore[misc] # set by the test
        try:
            return [faults._drawn(probability) for _ in range(300)]
        finally:
            faults.random = before  # type: ignore[misc] # as above

    first = drawn()
    assert first == drawn()
    assert abs(sum(first) / 300 - probability) < 5 * (probability * (1 - probability) / 300) ** 0.5


def test_simultaneous_clients_get_each_fault_at_most_count_times(server: Operated) -> None:
    for kind, times in (("server-error", 7), ("conflict", 5)):
        add(server, kind, route="challenges", count=times)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(send, server.origin, "POST", media.CHALLENGES_PATH) for _ in range(40)]
    assert Counter(each.result().what for each in asked) == {"500": 7, "409": 5, "200": 28}
    assert left(server) == []


@pytest.mark.slow
def test_faults_survive_a_restart_and_are_counted_by_all_processes_together(tmp_path: Path) -> None:
    place = tmp_path / "server.sqlite"
    with operated(open_store(place)) as first:
        add(first, "server-error", route="challenges", count=6)
        assert [send(first.origin, "POST", media.CHALLENGES_PATH).what for _ in range(2)] == ["500", "500"]
    with (
        operated(open_store(place)) as second,
        operated(open_store(place)) as third,
    ):
        assert left_in(second) == 4
        seen = [
            send(server.origin, "POST", media.CHALLENGES_PATH).what
            for _ in range(6)
            for server in (second, third)
        ]
        assert seen.count("500") == 4
        assert seen[4:] == ["200"] * 8
        assert left_in(third) is None


def left_in(server: Operated) -> int | None:
    with server.parts.store.reading() as reading:
        faults = reading.faults()
    return faults[0].count - faults[0].used if faults else None


def test_faults_are_bounded_in_number_and_kind(server: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server_stub.admin.fault_injection.FAULTS_MAX", 2)
    for _ in range(2):
        add(server, "garbage")
    assert server.refused("POST", "/faults", {"kind": "garbage", **WHY}) == (422, "fault-invalid")
    for kind in set(FaultKind) - set(SERVER_ROUTES):
        assert server.refused("POST", "/faults", {"kind": kind.value, **WHY}) == (422, "fault-invalid")


def test_slow_responses_are_bounded_and_a_client_that_leaves_ends_the_wait(
    server: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server_stub.api.injected_faults.SLOW_MAX", 1)
    add(server, "slow", route="challenges", delay=300, count=2)
    assert send(server.origin, "POST", media.CHALLENGES_PATH, patience=0.3).what == "time-out"
    assert send(server.origin, "POST", media.CHALLENGES_PATH, patience=0.3).what == "time-out"
    assert left(server) == []
