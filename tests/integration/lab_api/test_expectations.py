"""`PUT /lab/v1/expectations`: evidence that misses an expected claim is rejected by name before the server reads it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.types import Message, Receive, Scope, Send

from lab.api.expectations import CLAIMS_MAX, ExpectationCheck, ExpectedClaims
from lab.world.jose import b64
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from tests.support.admin import Operated
from tests.support.lab_server import TOKEN, lab_server
from tests.support.server_phone import Phone, claims
from wire import media

PATH = "/lab/v1/expectations"


def evidence(**changes: Any) -> bytes:
    """A JWS as far as expectations read it."""
    return b".".join((b"header", b64(json.dumps(claims("n" * 44, **changes)).encode()), b"signature"))


def missed(expected: dict[str, Any], sent: bytes) -> list[dict[str, Any]]:
    return [each.model_dump() for each in ExpectedClaims.model_validate([expected]).missed(sent)]


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("intent", "activate"),
        ("wifi", {"connected": True}),
        ("wifi.connected", True),
        ("uptime", 60),
        ("swversion", ["1.0.0", "semver"]),
        ("swversion.1", "semver"),
        ("telephony.serving.registration", claims("n")["telephony"]["serving"]["registration"]),
    ],
)
def test_value_is_expected_with_its_type_and_nothing_else(claim: str, value: Any) -> None:
    sent = evidence()
    assert missed({"claim": claim, "equals": value}, sent) == []
    assert missed({"claim": claim, "presence": "any"}, sent) == []
    for other in ("x", 1, True, [value], {"connected": 1}, str(value)):
        if other != value:
            expected = {"claim": claim, "expected": {"equals": other}, "received": {"equals": value}}
            assert missed({"claim": claim, "equals": other}, sent) == [expected]
    expected = {"claim": claim, "expected": {"presence": "absent"}, "received": {"equals": value}}
    assert missed({"claim": claim, "presence": "absent"}, sent) == [expected]


@pytest.mark.parametrize(
    "claim", ["last_verdict", "wifi.ssid", "swversion.2", "swversion.x", "uptime.0", "intent.0"]
)
def test_claim_that_is_not_there_is_absent(claim: str) -> None:
    assert missed({"claim": claim, "presence": "absent"}, evidence()) == []
    for expected, shown in (({"presence": "any"}, {"presence": "any"}), ({"equals": 1}, {"equals": 1})):
        assert missed({"claim": claim, **expected}, evidence()) == [
            {"claim": claim, "expected": shown, "received": {"presence": "absent"}}
        ]


@pytest.mark.parametrize("sent", [b"", b"x", b"a.b", b"a.!!.c", b"a.e30", b"a." + b"W" * 9999 + b".c"])
def test_evidence_that_cannot_be_read_is_left_to_the_server(sent: bytes) -> None:
    unreadable = sent != b"a.e30"
    assert (missed({"claim": "intent", "presence": "any"}, sent) == []) is unreadable


def test_long_value_is_shown_in_part() -> None:
    [shown] = missed({"claim": "swname", "equals": "y"}, evidence(swname="x" * 5000))
    assert shown["received"] == {"begins": '"' + "x" * 1023}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with lab_server(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture
def server(running: Operated) -> Iterator[Operated]:
    yield running
    assert put(running, []).json() == {"claims": []}


def put(server: Operated, expected: list[dict[str, Any]], **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.put(server.origin + PATH, json={"claims": expected, **more}, headers=headers, timeout=60)


def send(server: Operated, token: bytes) -> requests.Response:
    content = {"Content-Type": media.EVIDENCE}
    return requests.post(server.origin + media.VERDICTS_PATH, token, headers=content, timeout=60)


def test_missed_expectation_is_answered_422_with_the_claim_and_spends_no_nonce(server: Operated) -> None:
    expected = [
        {"claim": "oemboot", "equals": True},
        {"claim": "swname", "equals": "Other OS"},
        {"claim": "ueid", "presence": "absent"},
    ]
    assert put(server, expected).json() == {"claims": expected}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert requests.get(server.origin + PATH, headers=headers, timeout=60).json() == {"claims": expected}
    token = Phone().evidence(server.service.challenge().nonce)
    answer = send(server, token)
    problem = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, media.PROBLEM)
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    assert answer.headers["Activation-Lab"] == "1"
    first = {"claim": "swname", "expected": {"equals": "Other OS"}, "received": {"equals": "Solvane OS"}}
    assert (problem["code"], problem["status"]) == ("expectation-missed", 422)
    assert first.items() <= problem.items()
    assert [each["claim"] for each in problem["errors"]] == ["swname", "ueid"]
    assert put(server, expected[:1]).ok
    assert send(server, token).status_code == 200, "the nonce was not spent"
    assert send(server, b"x").json()["code"] == "evidence-malformed"
    assert server.audit()[-1].action == "expectations.set"


def test_expectations_are_those_of_the_database(tmp_path: Path) -> None:
    """Each process on it has them with its next request, also one that starts later."""
    with lab_server(tmp_path) as first, lab_server(tmp_path) as second:
        put(first, [{"claim": "intent", "equals": "x"}])
        assert send(second, evidence()).json()["code"] == "expectation-missed"
    with lab_server(tmp_path) as later:
        assert send(later, evidence()).json()["code"] == "expectation-missed"
        put(later, [])
        assert send(later, evidence()).json()["code"] != "expectation-missed"


def test_store_that_fails_is_left_to_the_server(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "lab.sqlite", alembic_migrations)
    store.close()
    (tmp_path / "lab.sqlite").write_bytes(b"no database")
    passed: list[bytes] = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        passed.append((await receive())["body"])

    async def receive() -> Message:
        return {"type": "http.request", "body": evidence()}

    scope = {"type": "http", "path": media.VERDICTS_PATH}
    asyncio.run(ExpectationCheck(app, store=store)(scope, receive, receive))
    assert passed == [evidence()]


def test_received_text_is_escaped(server: Operated) -> None:
    put(server, [{"claim": "swname", "equals": "y"}])
    answer = send(server, evidence(swname="\x1b[2J\u202e<script>"))
    assert answer.status_code == 422
    assert answer.text.isascii()
    assert "\x1b" not in answer.text
    assert answer.json()["received"] == {"equals": "\x1b[2J\u202e<script>"}


@pytest.mark.parametrize(
    "claim",
    [
        {"claim": "intent"},
        {"claim": "intent", "equals": None},
        {"claim": "intent", "equals": "x", "presence": "any"},
        {"claim": "intent", "presence": "there"},
        {"claim": "", "equals": 1},
        {"claim": "a..b", "equals": 1},
        {"claim": ".".join("a" * 9), "equals": 1},
        {"claim": "a" * 129, "equals": 1},
        {"claim": "a", "equals": "x" * 1023},
        {"claim": "a", "equals": 1, "more": 1},
    ],
)
def test_invalid_expectation_is_rejected_and_changes_nothing(server: Operated, claim: dict[str, Any]) -> None:
    answer = put(server, [claim])
    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
    assert send(server, Phone().evidence(server.service.challenge().nonce)).status_code == 200


def test_expectations_are_bounded_and_need_the_token(server: Operated) -> None:
    assert put(server, [{"claim": "a", "presence": "absent"}] * CLAIMS_MAX).ok
    assert put(server, [{"claim": "a", "presence": "absent"}] * (CLAIMS_MAX + 1)).status_code == 422
    assert requests.put(server.origin + PATH, json={"claims": []}, timeout=60).status_code == 401


@pytest.mark.parametrize("depth", [100, 500, 900, 950, 990, 2000])
def test_deeply_nested_value_is_rejected_in_an_expectation_and_in_evidence(
    server: Operated, depth: int
) -> None:
    nested = "[" * depth + "]" * depth
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": media.JSON}
    body = f'{{"claims": [{{"claim": "a", "equals": {nested}}}]}}'
    assert requests.put(server.origin + PATH, body, headers=headers, timeout=60).status_code in (400, 422)
    put(server, [{"claim": "a", "presence": "absent"}])
    payload = b64(f'{{"a": {nested}}}'.encode())
    assert send(server, b"a." + payload + b".c").status_code in (400, 422)
