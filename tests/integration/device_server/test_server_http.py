"""The server over real HTTP on a real port."""

import http.client
import io
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from joserfc import jws
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from server_stub.api.json_log import json_log
from server_stub.server import ServerThread
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from tests.support.server_phone import ICCID, IMEI, MANUFACTURER, Phone, service, ueid
from wire import limits, media
from wire.challenge import Challenge
from wire.codes import ProblemCode
from wire.problem import Problem
from wire.verdict import Verdict

LOG = io.StringIO()


class FragileStore(SqlStore):
    """A store that fails with the given error."""

    failure: Exception | None = None

    def transaction(self) -> Any:
        if self.failure:
            raise self.failure
        return super().transaction()

    def check(self) -> None:
        if self.failure:
            raise self.failure


STORE = FragileStore()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ServerThread(service(STORE), log=json_log(LOG)) as server:
        yield server.origin


@pytest.fixture
def failing() -> Iterator[FragileStore]:
    yield STORE
    STORE.failure = None


def nonce(origin: str) -> str:
    return Challenge.model_validate_json(
        requests.post(origin + media.CHALLENGES_PATH, timeout=60).content
    ).nonce


def send(origin: str, body: bytes, **headers: str) -> requests.Response:
    all_headers = {"Content-Type": media.EVIDENCE, "Accept": media.VERDICT} | headers
    return requests.post(origin + media.VERDICTS_PATH, body, headers=all_headers, timeout=60)


def problem(answer: requests.Response) -> Problem:
    assert answer.headers["Content-Type"] == media.PROBLEM
    found = Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    assert found.instance == f"urn:uuid:{answer.headers['X-Request-Id']}"
    return found


def test_evidence_is_answered_with_a_signed_verdict(origin: str) -> None:
    """A deny is a verdict and not an error."""
    fresh = nonce(origin)
    answer = send(origin, Phone().evidence(fresh))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, media.VERDICT)
    assert answer.headers["Cache-Control"] == "no-store"
    keys = KeySet.import_key_set(MANUFACTURER.pinned_jwks)
    found = jws.deserialize_compact(answer.content, keys, registry=JWSRegistry(algorithms=["Ed25519"]))
    verdict = Verdict.model_validate_json(found.payload or b"")
    assert (verdict.decision, verdict.territory, verdict.eat_nonce) == ("deny", "CU", fresh)


def test_a_replay_is_a_conflict(origin: str) -> None:
    token = Phone().evidence(nonce(origin))
    assert send(origin, token).status_code == 200
    answer = send(origin, token)
    assert (answer.status_code, problem(answer).code) == (409, ProblemCode.CHALLENGE_SPENT)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/nothing", {}, 404, ProblemCode.NOT_FOUND),
        ("GET", "/v1/verdicts/", {}, 404, ProblemCode.NOT_FOUND),
        ("GET", media.VERDICTS_PATH, {}, 405, ProblemCode.METHOD_NOT_ALLOWED),
        ("DELETE", media.CHALLENGES_PATH, {}, 405, ProblemCode.METHOD_NOT_ALLOWED),
        ("POST", media.CHALLENGES_PATH, {"Accept": "text/html"}, 406, ProblemCode.NOT_ACCEPTABLE),
        ("POST", media.CHALLENGES_PATH, {"Accept": "application/json;q=0"}, 406, ProblemCode.NOT_ACCEPTABLE),
        ("POST", media.VERDICTS_PATH, {}, 415, ProblemCode.MEDIA_TYPE_UNSUPPORTED),
        ("POST", media.VERDICTS_PATH, {"Content-Type": media.JSON}, 415, ProblemCode.MEDIA_TYPE_UNSUPPORTED),
        (
            "POST",
            media.VERDICTS_PATH,
            {"Content-Type": media.EVIDENCE, "Accept": media.JSON},
            406,
            ProblemCode.NOT_ACCEPTABLE,
        ),
        ("POST", media.VERDICTS_PATH, {"Content-Type": media.EVIDENCE}, 400, ProblemCode.EVIDENCE_MALFORMED),
    ],
)
def test_every_error_is_a_problem_document(
    *, origin: str, method: str, path: str, headers: dict[str, str], status: int, code: ProblemCode
) -> None:
    """Also errors of the framework."""
    answer = requests.request(method, origin + path, headers=headers, timeout=60)
    assert (answer.status_code, problem(answer).code) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)


def test_accept_may_have_ranges_and_parameters(origin: str) -> None:
    """RFC 9110 section 12.5.1."""
    for accepted in ("*/*", "application/*", "text/html, application/jwt;q=0.5", media.VERDICT.upper()):
        assert send(origin, Phone().evidence(nonce(origin)), Accept=accepted).status_code == 200


def test_a_chunked_body_is_rejected_as_soon_as_it_is_too_long(origin: str) -> None:
    """No header announces its length."""
    address = urlsplit(origin)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.putrequest("POST", media.VERDICTS_PATH)
    connection.putheader("Content-Type", media.EVIDENCE)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunk = b"A" * 1024
    for _ in range(limits.BODY_MAX // len(chunk) + 1):
        connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert (answer.status, body["code"]) == (413, ProblemCode.BODY_TOO_LARGE)


def test_an_unavailable_store_is_a_503_without_details(origin: str, failing: FragileStore) -> None:
    failing.failure = StoreUnavailableError("disk of rack 7")
    answer = send(origin, Phone().evidence(nonce(origin)))
    assert (answer.status_code, problem(answer).code) == (503, ProblemCode.UNAVAILABLE)
    assert int(answer.headers["Retry-After"]) > 0
    assert b"rack" not in answer.content
    assert requests.get(origin + "/readyz", timeout=60).status_code == 503
    assert requests.get(origin + "/healthz", timeout=60).status_code == 200


def test_an_internal_error_is_a_problem_document_without_its_message(
    origin: str, failing: FragileStore
) -> None:
    """The message may quote input."""
    failing.failure = KeyError("secret")
    answer = send(origin, Phone().evidence(nonce(origin)))
    assert (answer.status_code, problem(answer).code) == (500, ProblemCode.INTERNAL)
    assert b"secret" not in answer.content
    written = LOG.getvalue().splitlines()[-1]
    assert '"failure": "KeyError at ' in written
    assert "secret" not in written


def test_the_server_is_alive_and_ready() -> None:
    with ServerThread(service()) as server:
        for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
            assert requests.get(server.origin + path, timeout=60).json() == {"status": status}


def test_no_identifier_is_in_the_logs(origin: str) -> None:
    """Neither from a body, nor from a path, a query or a header."""
    send(origin, Phone().evidence(nonce(origin)))
    send(origin, Phone().evidence("A" * 44))
    for path in (f"/{IMEI}", f"/v1/verdicts/{ICCID}", f"/healthz?imei={IMEI}"):
        requests.get(origin + path, headers={"X-Request-Id": IMEI, "User-Agent": ICCID}, timeout=60)
    written = LOG.getvalue()
    assert '"decision": "deny"' in written
    assert '"problem": "not-found"' in written
    for planted in (IMEI, IMEI[:14], ICCID, ueid(IMEI)):
        assert planted not in written


def test_the_docs_page_loads_nothing_from_other_hosts(origin: str) -> None:
    """A lab may have no network."""
    answer = requests.get(origin + "/docs", timeout=60)
    assert answer.headers["Content-Type"].startswith("text/html")
    for forbidden in ("<script", "<link", "<img", "src=", "url(", "@import", "https://", "http://"):
        assert forbidden not in answer.text
    assert "POST /v1/verdicts" in answer.text


def test_a_stopped_server_frees_its_port() -> None:
    with ServerThread(service()) as server:
        address = urlsplit(server.origin)
        assert requests.get(server.origin + "/healthz", timeout=60).ok
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address.hostname, address.port))
