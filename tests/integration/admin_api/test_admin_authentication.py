"""Authentication of the admin API, and the errors for requests that it rejects."""

import http.client
import io
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from server_stub.admin.context import PREFIX
from server_stub.api.admin.problems import AdminCode
from server_stub.api.json_log import json_log
from tests.support.admin import Operated, operated
from wire.codes import ProblemCode


@pytest.fixture(scope="module")
def server() -> Iterator[Operated]:
    with operated() as running:
        yield running


def routes(server: Operated) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation of the admin API, with an example path."""
    document = requests.get(server.origin + "/openapi.json", timeout=60).json()
    return [
        (method.upper(), re.sub(r"\{version\}", "1", re.sub(r"\{(?!version)\w+\}", "x", path)), operation)
        for path, methods in document["paths"].items()
        if path.startswith(PREFIX)
        for method, operation in methods.items()
    ]


def test_the_document_contains_every_resource(server: Operated) -> None:
    """The tests below iterate over it, so it must not be empty."""
    resources = {path.removeprefix(PREFIX).split("/")[1] for _, path, _ in routes(server)}
    assert resources >= {"policies", "campaigns", "devices", "unlock-codes", "keys", "faults", "audit"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer operator.wrong"},
        {"Authorization": "Basic b3BlcmF0b3I6dG9rZW4="},
        {"Authorization": "Bearer \xe9"},
    ],
    ids=["none", "no-token", "blank", "wrong", "another-scheme", "not-ascii"],
)
def test_every_route_rejects_a_request_without_the_token(server: Operated, given: dict[str, str]) -> None:
    """The token is checked before body and parameters."""
    before = len(server.audit())
    for method, path, _ in routes(server):
        answer = requests.request(
            method, server.origin + path, data=b"{", headers={"Content-Type": "text/x", **given}, timeout=10
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), (method, path)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="admin"')
        assert answer.headers["Cache-Control"] == "no-store"
        assert ("invalid_token" in answer.headers["WWW-Authenticate"]) == (
            given.get("Authorization", "").startswith("Bearer ")
            and given["Authorization"].strip() != "Bearer"
        )
    assert len(server.audit()) == before


def test_a_request_with_two_tokens_is_rejected(server: Operated) -> None:
    """A proxy and a server must not use different ones."""
    with closing(http.client.HTTPConnection(urlsplit(server.origin).netloc, timeout=60)) as connection:
        connection.putrequest("GET", PREFIX + "/devices")
        for _ in range(2):
            connection.putheader("Authorization", f"Bearer {server.token}")
        connection.endheaders()
        assert connection.getresponse().status == 401


def test_every_route_has_its_errors(server: Operated) -> None:
    for method, path, operation in routes(server):
        assert {"401", "422", "500", "503"} <= set(operation["responses"]), path
        if method in ("POST", "PUT"):
            assert {"400", "413", "415"} <= set(operation["responses"]), path


def test_the_schema_of_errors_contains_every_code_of_the_server(server: Operated) -> None:
    """Limits send problem documents of the device API, which must match the schema of the admin API."""
    codes = {code.value for code in ProblemCode if not code.startswith(("evidence", "chain", "challenge"))}
    assert codes <= {code.value for code in AdminCode}


def test_the_token_is_shown_once_and_stored_as_a_hash(server: Operated) -> None:
    with server.parts.store.reading() as reading:
        kept = reading.admin_token_hash() or ""
    assert server.token not in kept
    assert server.token.partition(".")[2] not in kept
    assert server.parts.tokens.first() is None


def test_a_new_token_invalidates_the_previous_one_immediately() -> None:
    """The audit log has the new name from then on."""
    with operated() as server:
        old = server.token
        server.token = server.parts.tokens.rotate("alice", reason="laptop lost", by="local")
        assert server.get("/faults") == {"items": []}
        server.done("/faults/clear", {"reason": "a look"})
        server.token, new = old, server.token
        assert server.refused("GET", "/faults") == (401, "unauthorized")
        assert new.startswith("alice.")
        entries = [(entry.actor, entry.action, entry.subject) for entry in server.audit()[-2:]]
        assert entries == [("local", "token.rotate", "alice"), ("alice", "fault.clear", "faults")]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("DELETE", "/devices", 405, "method-not-allowed"),
        ("GET", "/devices/bulk/x/y", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/devices?limit=0", 422, "request-invalid"),
        ("GET", "/devices?limit=1001", 422, "request-invalid"),
        ("GET", "/devices?colour=red", 422, "request-invalid"),
        ("GET", "/devices?cursor=bm8gY3Vyc29yIG9mIG91cnM", 200, ""),
        ("GET", "/audit?cursor=bm8gY3Vyc29yIG9mIG91cnM", 422, "cursor-invalid"),
        ("GET", "/devices/d-0/history?cursor=bm8", 422, "cursor-invalid"),
    ],
)
def test_invalid_queries_are_rejected_with_a_code(
    server: Operated, method: str, path: str, status: int, code: str
) -> None:
    """Unknown parameters are errors: a misspelt filter would find everything."""
    if status == 200:
        assert server.ask(method, path).status_code == 200
    else:
        assert server.refused(method, path) == (status, code)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"Content-Type": "text/plain"}, b"{}", (415, "media-type-unsupported")),
        ({}, b"{}", (415, "media-type-unsupported")),
        ({"Content-Type": "application/json"}, b"{", (400, "request-malformed")),
        ({"Content-Type": "application/json"}, b"\xff\xfe{", (400, "request-malformed")),
        ({"Content-Type": "application/json"}, b"[" * 20_000, (400, "request-malformed")),
        ({"Content-Type": "application/json"}, b"", (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b"null", (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b'{"reason":"a\\u0000b"}', (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b'{"reason":"\\ud800"}', (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b'{"reason":"r","ids":[1.5]}', (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b'{"reason":"r","ids":["1"]}', (422, "request-invalid")),
        ({"Content-Type": "application/json"}, b'{"reason":"r","ids":NaN}', (400, "request-malformed")),
        ({"Content-Type": "application/json"}, b" " * 70_000, (413, "body-too-large")),
    ],
)
def test_invalid_bodies_are_rejected_with_a_code(
    server: Operated, headers: dict[str, str], body: bytes, expected: tuple[int, str]
) -> None:
    """They add no audit entry."""
    before = len(server.audit())
    all_headers = {"Authorization": f"Bearer {server.token}", **headers}
    answer = requests.post(
        server.origin + PREFIX + "/faults/clear", data=body, headers=all_headers, timeout=60
    )
    assert (answer.status_code, answer.json()["code"]) == expected
    assert len(server.audit()) == before


def test_an_error_contains_no_names_or_values_of_the_client(server: Operated) -> None:
    """An IMEI in the wrong member must not be in the response."""
    answer = server.ask("POST", "/devices/find", {"490154203237518": 1, "imei": "49015420323751x"})
    assert answer.status_code == 422
    assert "49015420323751" not in answer.text
    assert {each["where"] for each in answer.json()["errors"]} == {
        "body.imei",
        "body.(an unknown member)",
    }


def test_log_metrics_and_responses_contain_no_token_and_no_identifier() -> None:
    """The log contains routes and no paths."""
    log = io.StringIO()
    imei, reason = "490154203237518", "call of Mrs Lopez"
    with operated(log=json_log(log)) as server:
        answers = [
            server.ask("POST", "/devices/find", {"imei": imei}),
            server.ask("GET", f"/devices/{imei}"),
            server.ask("GET", f"/devices?model={imei}"),
            server.ask("GET", f"/devices?{imei}=1"),
            server.ask("GET", f"/audit?subject={imei}"),
            server.ask("POST", f"/devices/{imei}/lock", {"reason": reason}, Idempotency_Key=imei),
            server.ask("POST", "/devices/d-1/lock", {imei: imei}),
            server.ask("POST", f"/{imei}", {}),
        ]
        metrics = requests.get(server.origin + "/metrics", timeout=60).text
    output = log.getvalue() + metrics + "".join(answer.text + str(answer.headers) for answer in answers)
    assert len(log.getvalue().splitlines()) == len(answers) + 1
    for secret in (imei, imei[:14], reason, server.token, server.token.partition(".")[2]):
        assert secret not in output


def test_the_guide_lists_every_route(server: Operated) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "developers" / "admin.md").read_text("utf-8")
    document = requests.get(server.origin + "/openapi.json", timeout=60).json()
    paths = [path.removeprefix(PREFIX) for path in document["paths"] if path.startswith(PREFIX)]
    assert [path for path in paths if path not in guide] == []


@pytest.mark.parametrize(
    "body",
    [b'{"id": "a", "id": "b", "reason": "x"}', b'{"id": NaN}', b"[" * 5000, b"\xff", b"{"],
    ids=["a-member-twice", "not-a-number", "deep", "no-utf-8", "cut-off"],
)
def test_ambiguous_json_is_rejected(server: Operated, body: bytes) -> None:
    """The log, a proxy and the server must read the same values."""
    before = len(server.audit())
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    answer = requests.post(server.origin + PREFIX + "/campaigns", data=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-malformed")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(server.audit()) == before
