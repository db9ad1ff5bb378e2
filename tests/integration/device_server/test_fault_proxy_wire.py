"""What each fault is on the wire: the error of the kernel, the requests of the server, the response."""

import socket
import traceback
from collections.abc import Iterator
from random import Random

import pytest

from agent.adapters.http import RequestsTransport
from agent.ports import TransportError, TransportFault
from lab.backend.http_host import HttpHost
from lab.fault_proxy.log import ReplayCache
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, FaultScheduler, NetworkFault
from lab.scenario.engine.faulty_transport import FaultyTransport
from lab.scenario.model.faults import SCENARIO_FAULTS, WireFault
from lab.simulation.simulation import Simulation
from lab.world.clock import SkewedClock, World
from lab.world.seed import Seed
from server_stub.faults.catalogue import PROCESSED, PROXY_KINDS, FaultKind
from server_stub.faults.responses import RawResponse
from tests.support.fault_proxy_network import challenge, numbering, outcome
from tests.support.sockets import connect
from wire import media


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """Its server uses the clock of its world."""
    with Simulation("proxy", world=World(), host=HttpHost) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_proxy(simulation: Simulation) -> Iterator[FaultProxy]:
    with FaultProxy(simulation.server.origin, [], simulation.world, Seed.of("proxy")) as made:
        yield made


@pytest.fixture
def proxy(shared_proxy: FaultProxy) -> Iterator[FaultProxy]:
    yield shared_proxy
    shared_proxy.clear_faults()


KERNEL_ERRORS = {
    FaultKind.NO_ROUTE: "Network is unreachable",
    FaultKind.PARTITION: "Network is unreachable",
    FaultKind.REFUSED: "Connection refused",
    FaultKind.DNS_FAILURE: "NameResolutionError",
    FaultKind.CONNECT_TIMEOUT: "ConnectTimeout",
    FaultKind.TLS_FAILURE: "self-signed certificate",
    FaultKind.TLS_EXPIRED: "certificate has expired",
    FaultKind.TLS_WRONG_NAME: "IP address mismatch",
    FaultKind.TLS_BROKEN_OFF: "UNEXPECTED_EOF_WHILE_READING",
    FaultKind.RESET: "Connection reset by peer",
    FaultKind.RESET_MIDWAY: "Connection reset by peer",
    FaultKind.NOT_HTTP: "BadStatusLine",
}


@pytest.mark.parametrize("kind", KERNEL_ERRORS)
def test_connection_fault_is_reported_by_the_kernel_or_tls(proxy: FaultProxy, kind: FaultKind) -> None:
    # Under TLS, Python reports a reset as an end of file.
    tls = kind not in {FaultKind.RESET, FaultKind.RESET_MIDWAY}
    with FaultProxy(
        proxy.upstream, [NetworkFault(kind, FaultSchedule(nth=1))], World(), Seed.of(1), tls=tls
    ) as other:
        transport = other.transport("anna")
        with pytest.raises(TransportError) as caught:
            challenge(transport)
        assert KERNEL_ERRORS[kind] in "".join(traceback.format_exception(caught.value))
        assert challenge(transport).status == 200


def test_server_receives_the_request_only_with_the_faults_from_lost_answer_on() -> None:
    """Twice with `duplicated`."""
    world = World()
    clock = SkewedClock(world.now)
    found = {}
    with numbering() as (origin, got), FaultProxy(origin, [], world, Seed.of(1), clock=clock) as other:
        transport = other.transport("counted")
        challenge(transport)
        for kind in PROXY_KINDS:
            before = len(got)
            other.add(NetworkFault(kind, seconds=5 if kind is FaultKind.CLOCK_SKEW else None))
            outcome(transport)
            other.clear_faults()
            found[kind] = len(got) - before
    expected = {kind: int(kind in PROCESSED) for kind in PROXY_KINDS}
    assert found == expected | {FaultKind.DUPLICATED: 2}
    assert FaultKind.LOST_ANSWER in PROCESSED
    assert FaultKind.SERVER_ERROR not in PROCESSED


def test_device_does_not_follow_a_redirect(proxy: FaultProxy) -> None:
    proxy.add(NetworkFault(FaultKind.REDIRECT))
    assert outcome(proxy.transport("redirected")) == (TransportFault.REDIRECTED,)
    assert "/somebody-else" not in {entry.path for entry in proxy.log.entries}


def test_duplicated_answer_is_sent_twice_on_an_open_connection(proxy: FaultProxy) -> None:
    faults = [NetworkFault(FaultKind.DUPLICATED_ANSWER)]
    with (
        FaultProxy(proxy.upstream, faults, World(), Seed.of(1), tls=False) as other,
        connect(other.origin) as client,
    ):
        client.sendall(b"POST /v1/challenges HTTP/1.1\r\nHost: proxy\r\nContent-Length: 0\r\n\r\n")
        received = client.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"Connection: keep-alive" in received


def test_duplicated_answer_is_not_taken_for_the_next_response(proxy: FaultProxy) -> None:
    transport = proxy.transport("desynchronised")
    proxy.add(NetworkFault(FaultKind.DUPLICATED_ANSWER, FaultSchedule(nth=1)))
    first = challenge(transport)
    root = transport.get("/tuf/metadata/1.root.json", accept=media.JSON)
    assert b"nonce" in first.body
    assert b'"root"' in root.body


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00 \xff\xff \x00\r\n",
        b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: proxy\r\nContent-Length: 10\r\n\r\nhalf",
    ],
    ids=[
        "nothing",
        "no line",
        "one word",
        "TLS",
        "a length in words",
        "below zero",
        "too long",
        "half a body",
    ],
)
def test_malformed_request_ends_only_its_own_connection(proxy: FaultProxy, said: bytes) -> None:
    """It gets no response and is not logged."""
    with FaultProxy(proxy.upstream, [], World(), Seed.of(1), tls=False) as other:
        with connect(other.origin) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert other.log.entries == []
        assert challenge(other.transport()).status == 200


def test_response_with_an_unknown_status_has_no_reason_phrase() -> None:
    assert RawResponse.of(599, "text/plain", b"").encoded().startswith(b"HTTP/1.1 599 \r\n")


def wire_fault(kind: FaultKind) -> WireFault:
    extra = {"seconds": 100} if kind is FaultKind.CLOCK_SKEW else {}
    return WireFault.model_validate({"fault": kind.value, **extra})


@pytest.mark.parametrize("kind", SCENARIO_FAULTS)
def test_scenario_fault_in_process_has_the_same_result_as_on_real_sockets(
    proxy: FaultProxy, kind: FaultKind
) -> None:
    world = World()
    direct = RequestsTransport(proxy.upstream)
    scheduler = FaultScheduler((), lambda _: Random(1), replays_wait=False)
    clock = SkewedClock(world.now)
    inside = FaultyTransport(direct, "anna", scheduler, world, clock, Random(1), ReplayCache())
    with FaultProxy(proxy.upstream, scheduler, world, Seed.of(1), clock=clock) as outside:
        transport = outside.transport("anna")
        assert outcome(inside) == outcome(transport)
        scheduler.add(wire_fault(kind).starting_at(world.exact()))
        assert outcome(inside) == outcome(transport)
        assert outside.log.entries[-1].fault is kind
    direct.close()
