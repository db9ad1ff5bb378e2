"""Limits of downloads over the device's HTTP."""

import socket

import pytest

from agent.adapters.http import RequestsTransport, Timeouts
from agent.ports import Answer, TransportError, TransportFault
from tests.support.fault_proxy import Script, drips, hangs, read_request, says, serving
from wire import limits

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


LONG = Timeouts(connect=60, read=60, total=60)
SHORT = Timeouts(connect=60, read=0.3, total=0.8)


def get(origin: str, timeouts: Timeouts = LONG) -> Answer:
    transport = RequestsTransport(origin, timeouts)
    try:
        return transport.get("/tuf/metadata/timestamp.json", accept="application/json")
    finally:
        transport.close()


def test_download_sends_only_the_path() -> None:
    """No body, no cookie, nothing that identifies a device."""
    heard: list[bytes] = []

    def note(connection: socket.socket) -> None:
        heard.append(read_request(connection))
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with serving(note) as origin:
        assert get(origin) == Answer(200, "application/json", b"{}")
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET /tuf/metadata/timestamp.json HTTP/1.1"
    names = {line.partition(":")[0] for line in lines[1:] if line}
    assert names == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
    assert lines[-1] == ""


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (drips(HEAD + b"\r\n", 60, 0.05), TransportFault.TIMED_OUT),
        (drips(b"HTTP/1.1 200 OK\r\nX: ", 60, 0.05), TransportFault.TIMED_OUT),
        (hangs(1.0), TransportFault.TIMED_OUT),
        (says(HEAD + b"\r\n", *[bytes(limits.BODY_MAX)] * 4), TransportFault.TOO_LARGE),
        (says(b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), TransportFault.REDIRECTED),
        (says(HEAD + b"Content-Length: 50\r\n\r\n{}"), TransportFault.BROKEN_ANSWER),
    ],
    ids=["slow body", "slow head", "silence", "endless", "redirect", "cut"],
)
def test_download_is_limited_in_time_and_bytes(script: Script, fault: TransportFault) -> None:
    with serving(script) as origin, pytest.raises(TransportError) as caught:
        get(origin, SHORT if fault is TransportFault.TIMED_OUT else LONG)
    assert caught.value.fault is fault
