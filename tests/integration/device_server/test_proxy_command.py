"""`activation proxy`: each of its faults as a plain client sees it, and what the command rejects and prints."""

import json
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.cli.proxy import KINDS
from lab.fault_proxy.client_transport import unreachable_addresses
from lab.fault_proxy.log import ServedConnection
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, FaultScheduler, NetworkFault
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.faults.catalogue import CAUSES_TIMEOUT, NO_CONNECTION, FaultKind
from tests.support.fault_proxy_network import Received, numbering
from tests.support.plain_client import Seen, send, table
from tests.support.sockets import connect, read_to_end

ROWS = table(1)
PATIENCE = 0.3


@pytest.fixture(scope="module")
def target() -> Iterator[tuple[str, list[Received]]]:
    with numbering() as opened:
        yield opened


@contextmanager
def proxy(to: str, *kinds: FaultKind, **options: Any) -> Iterator[tuple[FaultProxy, list[ServedConnection]]]:
    """As the command runs it."""
    served: list[ServedConnection] = []
    random = Seed.of("draws").random("draws")
    when = FaultSchedule(times=options.pop("times", None), probability=options.pop("probability", None))
    scheduler = FaultScheduler([NetworkFault(kind, when) for kind in kinds], lambda _: random, in_turn=True)
    options = {"tls": any(kind.startswith("tls") for kind in kinds)} | options
    with FaultProxy(to, scheduler, World(), Seed.of(1), report=served.append, **options) as running:
        yield running, served


def ask(running: FaultProxy, received: list[Received], **options: Any) -> Seen:
    """A request; the body is compared with the newest response of the server."""
    before = len(received)
    seen = send(running.origin, "POST", "/v1/challenges", authorities=running.authorities, **options)
    if seen.what != "200":
        return seen
    bodies = [body for _, body in received]
    marks = {
        "200 other": seen.body not in bodies,
        "200 earlier": seen.body not in bodies[before:],
        "200 second": seen.body in bodies[before + 1 :],
    }
    return Seen(next((mark for mark, holds in marks.items() if holds), "200"))


def test_page_names_every_fault_of_the_command() -> None:
    assert ROWS.keys() == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in map(FaultKind, KINDS) if kind not in NO_CONNECTION])
def test_plain_client_sees_each_fault_as_the_page_says_and_then_the_server(
    target: tuple[str, list[Received]], kind: FaultKind
) -> None:
    to, received = target
    with proxy(to, kind, times=1) as (running, served):
        if kind in (FaultKind.REPLAYED, FaultKind.REORDERED):
            assert ask(running, received).what == "200"
        patience = {"patience": PATIENCE} if kind in {*CAUSES_TIMEOUT, FaultKind.DUPLICATED_ANSWER} else {}
        assert ask(running, received, **patience).what == ROWS[kind]
        assert ask(running, received).what == "200"
    deadline = time.monotonic() + 10
    while len(injected := [each for each in served if kind.value in "".join(each.events)]) != 1:
        assert time.monotonic() < deadline, injected
        time.sleep(0.01)


@pytest.mark.parametrize("kind", [kind for kind in map(FaultKind, KINDS) if kind in NO_CONNECTION])
def test_plain_client_finds_no_server_at_the_printed_address(kind: FaultKind) -> None:
    with unreachable_addresses() as nowhere:
        seen = send(f"http://{nowhere[kind]}", "GET", "/", patience=PATIENCE)
    assert seen.what == ROWS[kind]


def test_faults_take_turns_up_to_their_count(target: tuple[str, list[Received]]) -> None:
    """Also those of the handshake, before a request is known."""
    to, received = target
    kinds = (FaultKind.TLS_EXPIRED, FaultKind.UNAVAILABLE, FaultKind.TLS_BROKEN_OFF)
    with proxy(to, *kinds, times=2) as (running, _):
        seen = [ask(running, received).what for _ in range(7)]
    assert seen == ["certificate", "503", "handshake"] * 2 + ["200"]


@pytest.mark.parametrize("probability", [0.2, 0.8])
def test_probability_is_drawn_under_the_seed(target: tuple[str, list[Received]], probability: float) -> None:
    to, received = target

    def seen() -> list[str]:
        with proxy(to, FaultKind.SERVER_ERROR, probability=probability) as (running, _):
            return [ask(running, received).what for _ in range(25)]

    first = seen()
    assert first == seen()
    assert abs(first.count("500") / 25 - probability) < 0.35


def test_client_that_accepts_a_wrong_certificate_is_named(target: tuple[str, list[Received]]) -> None:
    to, received = target
    with proxy(to, FaultKind.TLS_WRONG_NAME) as (running, served):
        before = len(received)
        context = ssl.create_default_context(cafile=running.authorities)
        with context.wrap_socket(connect(running.origin), server_hostname="elsewhere.example") as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: server\r\nContent-Length: 0\r\n\r\n")
            with suppress(ConnectionResetError):
                assert client.recv(1) == b""
    assert served[0].events == [
        "tls-wrong-name",
        "POST /: reset, because the client accepted this certificate",
    ]
    assert len(received) == before


@pytest.mark.parametrize(
    ("line", "status", "event"),
    [
        ("CONNECT server.example:443", 421, "rejected"),
        ("GET http://server.example/healthz", 421, "rejected"),
        ("GET {to}.server.example/x", 421, "rejected"),
        ("GET {to}@server.example/x", 421, "rejected"),
        ("OPTIONS *", 421, "rejected"),
        ("GET {to}/healthz", 200, "passed"),
        ("GET {to}", 200, "passed"),
        ("GET /healthz", 200, "passed"),
    ],
)
def test_proxy_has_one_target_and_opens_no_tunnel(
    target: tuple[str, list[Received]], line: str, status: int, event: str
) -> None:
    to, received = target
    line, before = line.format(to=to), len(received)
    with proxy(to) as (running, served), connect(running.origin) as client:
        client.sendall(f"{line} HTTP/1.1\r\nHost: server.example\r\n\r\n".encode())
        assert read_to_end(client).status == status
    assert event in served[0].events[0]
    paths = [path for path, _ in received[before:]]
    assert paths == ([] if status == 421 else ["/healthz" if "healthz" in line else "/"])


def test_certificate_of_the_target_must_be_trusted(
    target: tuple[str, list[Received]], monkeypatch: pytest.MonkeyPatch
) -> None:
    to, received = target
    with proxy(to, tls=True) as (secure, _), proxy(secure.origin) as (running, served):
        assert ask(running, received).what == "reset"
        monkeypatch.setenv("ACTIVATION_AUTHORITIES", str(secure.authorities))
        assert ask(running, received).what == "200"
    assert "no answer from https://" in "".join(event for each in served for event in each.events)


def test_connections_are_bounded(target: tuple[str, list[Received]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.fault_proxy.listener._CONNECTIONS_MAX", 2)
    to, received = target
    with proxy(to) as (running, _), connect(running.origin), connect(running.origin):
        assert ask(running, received).what in ("reset", "not HTTP")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "wrong-key"], "use activation admin faults add wrong-key"),
        (["--fault", "resett"], "no fault of the proxy is called 'resett'; did you mean 'reset'"),
        (["--fault", "refused", "--fault", "reset"], "refused affects every connection"),
        (["--fault", "dns-failure", "--count", "1"], "dns-failure affects every connection"),
        (["--probability", "0"], "--probability is above 0"),
        (["--probability", "nan"], "--probability is above 0"),
        (["--listen", "0.0.0.0:0"], "other machines may reach 0.0.0.0"),
        (["--listen", "[::]:0"], "other machines may reach ::"),
        (["--listen", "example.org:80"], "is no address and port"),
        (["--listen", "127.0.0.1:65536"], "is no address and port"),
        (["--listen", "127.0.0.1"], "is no address and port"),
        (["--to", "http://127.0.0.1:9/path"], "an origin cannot have a path"),
    ],
)
def test_wrong_call_is_a_usage_error(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["proxy", "--to", "http://127.0.0.1:9", *words])
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_a_line_for_each_connection_and_ends_well(
    target: tuple[str, list[Received]], number: signal.Signals
) -> None:
    to, _ = target
    command = Path(sys.executable).with_name("activation")
    words = [command, "proxy", "--to", to, "--listen", "127.0.0.1:0", "--fault", "truncated", "--count", "1"]
    for more in ([], ["--json"]):
        with subprocess.Popen([*words, *more], stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout
            first = running.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", first)
            assert found
            for path in ("/a", "/b\x1b[2J"):
                send(found[0], "POST", path)
            running.send_signal(number)
            lines = running.stdout.read().splitlines()
        assert running.returncode == 0
        if more:
            assert json.loads(first) == {"listens": found[0], "to": to, "note": None}
            *shown, last = [json.loads(line) for line in lines]
            assert {each["number"] for each in shown} == {1, 2}
            assert ["POST /a: truncated"] in [each["requests"] for each in shown]
            assert last["connections"] == 2
        else:
            assert re.search(r"^\d 127\.0\.0\.1:\d+ POST /a: truncated$", "\n".join(lines), re.MULTILINE)
            assert lines[-1].startswith("Connections: 2. ")
        assert "\x1b" not in "".join(lines)
