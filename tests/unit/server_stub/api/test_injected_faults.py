"""The middleware of injected faults around applications that answer, fail or say nothing."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from server_stub.admin.context import AdminContext
from server_stub.api.injected_faults import InjectedFaults
from server_stub.faults.catalogue import FaultKind, Route
from server_stub.faults.responses import BROKEN
from server_stub.store.records import InjectedFault, StoreUnavailableError
from tests.support.server_phone import service
from wire import media

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
BODY = {"type": "http.response.body", "body": b"{}", "more_body": False}
FAULT = InjectedFault(FaultKind.GARBAGE, Route.CHALLENGES, None, 5, 0, 1.0, None, None, None, 0)


def run(app: Any, *, method: str = "POST", kind: FaultKind | None = None, broken: bool = False) -> list[Any]:
    """What is sent to the client, without raw responses."""
    parts = AdminContext.of(service())
    if kind is not None:
        with parts.store.transaction() as transaction:
            transaction.add_fault(replace(FAULT, kind=kind))
        parts.faults.refresh()
    if broken:
        parts.service._store = BrokenStore()  # type: ignore[assignment] # as a test breaks it
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "path": media.CHALLENGES_PATH, "method": method, "state": {"request_id": "r"}}
    asyncio.run(InjectedFaults(app, faults=parts.faults, clock=lambda: 0.0)(scope, receive, send))
    return sent


class BrokenStore:
    def reading(self) -> Any:
        raise StoreUnavailableError

    transaction = reading


async def answers(_: Any, __: Any, send: Any) -> None:
    await send(START)
    await send(BODY)


async def says_nothing(_: Any, __: Any, ___: Any) -> None:
    """The client has gone."""


async def fails(_: Any, __: Any, send: Any) -> None:
    await answers(_, __, send)
    raise RuntimeError


@pytest.mark.parametrize("kind", [None, FaultKind.GARBAGE])
def test_silence_stays_silence(kind: FaultKind | None) -> None:
    assert run(says_nothing, kind=kind) == []


@pytest.mark.parametrize("kind", [None, FaultKind.GARBAGE])
def test_response_before_an_error_is_sent_and_the_error_raised(kind: FaultKind | None) -> None:
    with pytest.raises(RuntimeError):
        run(fails, kind=kind)


def test_response_is_honest_without_a_fault_for_head_and_while_the_store_is_not_available() -> None:
    assert run(answers) == [START, BODY]
    assert run(answers, method="HEAD", kind=FaultKind.GARBAGE) == [START, BODY]
    assert run(answers, kind=FaultKind.GARBAGE, broken=True) == [START, BODY]
    assert len(run(answers, kind=FaultKind.GARBAGE)[1]["body"]) == 700


@pytest.mark.parametrize("kind", [*BROKEN, FaultKind.SLOW_HEADERS])
def test_fault_that_needs_the_connection_waits_for_one(kind: FaultKind) -> None:
    assert run(answers, kind=kind) == [START, BODY]
