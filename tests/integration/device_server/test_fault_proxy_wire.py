"""What each fault is on the wire: what the kernel says, what the server gets, what comes back."""

import socket
import traceback
from collections.abc import Iterator
from contextlib import nullcontext
from random import Random

import pytest

from agent.adapters.http import RequestsTransport
from agent.ports import TransportError, TransportFault
from lab.fault_proxy.faults import FaultKind
from lab.fault_proxy.http1 import Reply
from lab.fault_proxy.proxy import HostileProxy
from lab.fault_proxy.schedule import Fault, Schedule
from lab.fault_proxy.skewed_clock import ServerClock
from lab.scenario.engine.fault_plan import FaultPlan, FaultyTransport
from lab.scenario.engine.proxy_faults import KINDS, PlanOfScenario
from lab.scenario.model.faults import FaultKind as Word
from lab.scenario.model.faults import WireFault
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.seed import Seed
from tests.support.fault_proxy_network import challenge, counting, outcome
from tests.support.sockets import connect
from wire import media


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """A scene whose server keeps the time of its world."""
    with Simulation.open("hostile network", world=World()) as opened:
        yield opened


@pytest.fixture(scope="module")
def network(simulation: Simulation) -> Iterator[HostileProxy]:
    """Between the phones and the server of the scene."""
    with HostileProxy(simulation.server.origin, [], simulation.world, Seed.of("network")) as made:
        yield made


@pytest.fixture
def healed(network: HostileProxy) -> Iterator[HostileProxy]:
    yield network
    network.clear_faults()


WHAT_THE_KERNEL_SAID = {
    FaultKind.NO_ROUTE: "Network is unreachable",
    FaultKind.PARTITION: "Network is unreachable",
    FaultKind.REFUSED: "Connection refused",
    FaultKind.DNS_FAILURE: "NameResolutionError",
    FaultKind.CONNECT_TIMEOUT: "ConnectTimeout",
    FaultKind.TLS_SELF_SIGNED: "self-signed certificate",
    FaultKind.TLS_EXPIRED: "certificate has expired",
    FaultKind.TLS_WRONG_NAME: "IP address mismatch",
    FaultKind.TLS_BROKEN_OFF: "UNEXPECTED_EOF_WHILE_READING",
    FaultKind.RESET: "Connection reset by peer",
    FaultKind.RESET_MIDWAY: "Connection reset by peer",
    FaultKind.NOT_HTTP: "BadStatusLine",
}


@pytest.mark.parametrize("kind", WHAT_THE_KERNEL_SAID)
def test_each_way_to_fail_is_the_real_one(healed: HostileProxy, kind: FaultKind) -> None:
    """For the phone many are one class; a refusal that was a reset in truth would still be a lie to whoever reads."""
    # Under TLS, Python tells a reset as an end of file.
    tls = kind not in {FaultKind.RESET, FaultKind.RESET_MIDWAY}
    with HostileProxy(
        healed.upstream, [Fault(kind, Schedule(nth=1))], World(), Seed.of(1), tls=tls
    ) as network:
        way = network.way("told the truth")
        with pytest.raises(TransportError) as caught:
            challenge(way)
        assert WHAT_THE_KERNEL_SAID[kind] in "".join(traceback.format_exception(caught.value))
        assert challenge(way).status == 200


def test_the_server_gets_the_requests_of_the_faults_that_say_so() -> None:
    """From the lost answer on it has done its work, twice for a request that is doubled; before that, never."""
    world = World()
    clock = ServerClock(world.now)
    found = {}
    with counting() as (origin, got), HostileProxy(origin, [], world, Seed.of(1), clock=clock) as network:
        way = network.way("counted")
        challenge(way)
        for kind in FaultKind:
            before = len(got)
            network.add(Fault(kind, seconds=5 if kind is FaultKind.CLOCK_SKEW else 0))
            outcome(way)
            network.clear_faults()
            found[kind] = len(got) - before
    kinds = list(FaultKind)
    first = kinds.index(FaultKind.LOST_ANSWER)
    expected = dict.fromkeys(kinds[:first], 0) | dict.fromkeys(kinds[first:], 1)
    assert found == expected | {FaultKind.DUPLICATED_REQUEST: 2}


def test_a_redirect_is_followed_by_nobody(healed: HostileProxy) -> None:
    """The journal would have a request for the place that it names."""
    healed.add(Fault(FaultKind.REDIRECT))
    assert outcome(healed.way("led astray")) == (TransportFault.REDIRECTED,)
    assert "/somebody-else" not in {crossing.path for crossing in healed.journal.entries}


def test_a_doubled_answer_is_on_the_wire_twice(healed: HostileProxy) -> None:
    """In one piece and on a connection that stays open, so that a careless client keeps the second for later."""
    faults = [Fault(FaultKind.DUPLICATED_ANSWER)]
    with (
        HostileProxy(healed.upstream, faults, World(), Seed.of(1), tls=False) as network,
        connect(network.origin) as client,
    ):
        client.sendall(b"POST /v1/challenges HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        received = client.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert b"Connection: keep-alive" in received


def test_a_second_answer_is_not_taken_for_the_answer_to_the_next_request(healed: HostileProxy) -> None:
    """Two challenges come where one was asked for; the next request is answered by its own."""
    way = healed.way("desynchronised")
    healed.add(Fault(FaultKind.DUPLICATED_ANSWER, Schedule(nth=1)))
    first = challenge(way)
    root = way.get("/tuf/metadata/1.root.json", accept=media.JSON)
    assert b"nonce" in first.body
    assert b'"root"' in root.body


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00 \xff\xff \x00\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
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
def test_what_is_no_request_ends_its_own_connection_and_nothing_else(
    healed: HostileProxy, said: bytes
) -> None:
    """A client that is broken itself is told nothing, and is no entry in the journal."""
    with HostileProxy(healed.upstream, [], World(), Seed.of(1), tls=False) as network:
        with connect(network.origin) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert network.journal.entries == ()
        assert challenge(network.way()).status == 200


def test_a_status_that_nobody_has_named_goes_through() -> None:
    """Where nothing is planned the network has no opinion."""
    assert Reply.of(599, "text/plain", b"").encoded().startswith(b"HTTP/1.1 599 \r\n")


def wire_fault(word: Word) -> WireFault:
    extra = {"seconds": 100} if word is Word.CLOCK_SKEW else {}
    return WireFault.model_validate({"fault": word.value, **extra})


@pytest.mark.parametrize("word", Word)
def test_a_fault_of_a_scenario_is_on_the_wire_what_it_is_without_sockets(
    healed: HostileProxy, word: Word
) -> None:
    """A scenario that runs in this process and over real HTTP sees the phone's own adapter say the same."""
    world = World()
    direct = RequestsTransport(healed.upstream)
    plan = FaultPlan(Random(1), world.exact)
    inside = FaultyTransport(direct, "anna", plan, Random(1), lambda _: nullcontext())
    with HostileProxy(
        healed.upstream, PlanOfScenario(plan), world, Seed.of(1), clock=ServerClock(world.now)
    ) as outside:
        way = outside.way("anna")
        assert outcome(inside) == outcome(way)
        plan.start(wire_fault(word))
        assert outcome(inside) == outcome(way)
        assert outside.journal.entries[-1].fault is KINDS[word]
    direct.close()
