"""HEAD, Host, Content-Encoding, message framing and security headers, over real sockets."""

import re
import socket
from collections.abc import Iterator

import pytest
import requests

from server_stub.api.limits.settings import ServerLimits
from server_stub.server import ServerThread
from tests.support.server_phone import service
from tests.support.sockets import connect, read_to_end
from wire import media
from wire.codes import ProblemCode

HOSTS = ("verdict.example", "[::1]", "127.0.0.1")
POST = f"POST {media.CHALLENGES_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ServerThread(service(), limits=ServerLimits(hosts=HOSTS)) as server:
        yield server.origin


def exchange(origin: str, request: bytes) -> tuple[int, str, bytes]:
    """Status, code and everything that was received; the server must close the connection."""
    with connect(origin) as client:
        client.sendall(request)
        response = read_to_end(client)
    code = response.json()["code"] if response.headers.get("content-type") == media.PROBLEM else ""
    return response.status, code, response.body


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_head_has_the_headers_of_get_and_no_body(origin: str, path: str) -> None:
    get, head = requests.get(origin + path, timeout=60), requests.head(origin + path, timeout=60)
    differing = {"date", "x-request-id", *(["content-length"] if path == "/metrics" else [])}
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert {k.lower(): v for k, v in head.headers.items() if k.lower() not in differing} == {
        k.lower(): v for k, v in get.headers.items() if k.lower() not in differing
    }


def test_a_connection_is_usable_after_head(origin: str) -> None:
    request = (
        b"HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
    )
    with connect(origin) as client:
        client.sendall(request)
        received = b""
        while part := client.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.count(b'{"status":"ok"}') == 1


def test_head_of_a_resource_without_get_is_not_allowed(origin: str) -> None:
    response = requests.head(origin + media.CHALLENGES_PATH, timeout=60)
    assert (response.status_code, response.headers["Allow"], response.content) == (405, "POST", b"")


def test_allow_names_head_where_get_is_allowed(origin: str) -> None:
    assert requests.delete(origin + "/healthz", timeout=60).headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("verdict.example", 200),
        ("Verdict.Example.:8021", 200),
        ("[::1]:8021", 200),
        ("127.0.0.1", 200),
        ("evil.example", 421),
        ("verdict.example.evil.example", 421),
        ("[::2]", 421),
        ("", 421),
    ],
)
def test_only_listed_hosts_are_served(origin: str, host: str, status: int) -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    got, code, _ = exchange(origin, request)
    assert (got, code) == (status, "" if status == 200 else ProblemCode.REQUEST_MALFORMED)


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "deflate"])
def test_a_body_with_a_content_encoding_is_rejected(origin: str, coding: str) -> None:
    response = requests.post(
        origin + media.VERDICTS_PATH, b"x", headers={"Content-Encoding": coding}, timeout=60
    )
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")
    assert response.json()["code"] == ProblemCode.MEDIA_TYPE_UNSUPPORTED


def test_identity_is_no_encoding(origin: str) -> None:
    response = requests.post(
        origin + media.CHALLENGES_PATH, b"", headers={"Content-Encoding": "identity"}, timeout=60
    )
    assert response.status_code == 200


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
        (POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd" + SMUGGLED, 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
        (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
        (b"GET /healthz HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n" + SMUGGLED, 505),
        (b"GET /healthz HTTP/1.2\r\nHost: 127.0.0.1\r\n\r\n" + SMUGGLED, 505),
        (b"GET /healthz HTTP/0.9\r\nHost: 127.0.0.1\r\n\r\n" + SMUGGLED, 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_ambiguous_framing_and_unknown_versions_end_the_connection(
    origin: str, request_bytes: bytes, status: int
) -> None:
    """RFC 9112 section 6.1: what follows is not read as a second request."""
    got, code, body = exchange(origin, request_bytes)
    assert (got, code) == (status, ProblemCode.REQUEST_MALFORMED)
    assert (body.count(b"urn:uuid:"), body.count(b"not-found")) == (1, 0)


@pytest.mark.parametrize("chunks", [1, 1024, 1025, 20_000])
def test_the_number_of_chunks_is_bounded(origin: str, chunks: int) -> None:
    """Each chunk costs as much as a long one. The evidence in fewer chunks is read, and malformed."""
    head = POST.replace(media.CHALLENGES_PATH.encode(), media.VERDICTS_PATH.encode())
    body = b"1\r\nA\r\n" * chunks + b"0\r\n\r\n"
    head += (
        f"Content-Type: {media.EVIDENCE}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    )
    got, code, _ = exchange(origin, head + body)
    read = ProblemCode.EVIDENCE_MALFORMED if chunks <= 1024 else ProblemCode.REQUEST_MALFORMED
    assert (got, code) == (400, read)


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/no-such-page"])
def test_every_response_has_security_headers(origin: str, path: str) -> None:
    headers = requests.get(origin + path, timeout=60).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_page_of_the_api_uses_only_what_its_policy_permits(origin: str) -> None:
    page = requests.get(origin + "/docs", timeout=60)
    assert (
        re.findall(r"<(?:script|img|link|iframe|form|object)|\bstyle=|\bon[a-z]+=|javascript:", page.text)
        == []
    )
    assert len(re.findall("<style>", page.text)) == 1
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]


def test_the_connection_counts_of_a_rejected_request_return_to_zero(origin: str) -> None:
    with socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=60) as client:
        client.sendall(b"GET / HTTP/2.0\r\n\r\n")
        read_to_end(client)
    page = requests.get(origin + "/metrics", timeout=60).text
    assert "activation_connections 1.0" in page
