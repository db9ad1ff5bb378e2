"""The requests of an exchange on an unreliable or slow network: bounded in number and time, and soon successful."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.states import Exchange
from agent.ports import Answer, TransportError, TransportFault
from agent.repeats import EXCHANGE_SECONDS, REPEATS
from lab.backend.hosts import InProcessHost
from lab.backend.http_host import HttpHost
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, NetworkFault
from lab.handset.builder import DeviceOptions
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.handset.timeline_summary import without_routine_entries
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.network import ForwardingTransport, Request, UpstreamTransport
from lab.world.seed import Seed
from server_stub.faults.catalogue import FaultKind
from tests.support.profiles import examples
from wire import media

REQUEST_SECONDS = 30
"""The longest time of one request: `agent.adapters.http.Timeouts.total`."""
FILES = 6
"""Downloads of a device without a cache: the next root, timestamp, snapshot, targets, role, keys."""


@dataclass
class SlowTransport(ForwardingTransport):
    """Lets seconds pass with each request, which then fails or not. After the last entry, nothing fails."""

    upstream: UpstreamTransport
    world: World
    script: Iterator[tuple[int, TransportFault | None]]
    paths: list[str] = field(default_factory=list)

    def _carry(self, request: Request) -> Answer:
        self.paths.append(request.path)
        seconds, fault = next(self.script, (0, None))
        self.world.wait(seconds)
        if fault is not None:
            raise TransportError(fault, "planted")
        return request.send(self.upstream)


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("repeats", world=World(), host=InProcessHost) as opened:
        yield opened


def slow_device(simulation: Simulation) -> tuple[Handset, SlowTransport]:
    made: list[SlowTransport] = []

    def transport(upstream: UpstreamTransport) -> SlowTransport:
        made.append(SlowTransport(upstream, simulation.world, iter(())))
        return made[-1]

    phone = simulation.phone("official-global", "paris", options=DeviceOptions(transport=transport))
    phone.power_on()
    phone.walk_setup()
    return phone, made[0]


@pytest.fixture(scope="module")
def slow(simulation: Simulation) -> tuple[Handset, SlowTransport]:
    return slow_device(simulation)


faults = st.sampled_from([None, None, *TransportFault])


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(st.integers(0, REQUEST_SECONDS), faults), max_size=30))
def test_an_exchange_is_bounded_in_requests_and_time(
    slow: tuple[Handset, SlowTransport], script: list[tuple[int, TransportFault | None]]
) -> None:
    """The evidence is sent once, whatever happens; the next exchange on a good network succeeds."""
    phone, network = slow
    forget_keys(phone)
    network.paths.clear()
    network.script = iter(script)
    before = simulation_time(phone)
    phone.retry()
    assert network.paths.count(media.VERDICTS_PATH) <= 1
    assert network.paths.count(media.CHALLENGES_PATH) <= REPEATS + 1
    assert len(network.paths) <= (1 + FILES) * (REPEATS + 1) + 1
    assert simulation_time(phone) - before <= EXCHANGE_SECONDS + REQUEST_SECONDS
    network.script = iter(())
    phone.retry()
    assert phone.agent is not None
    assert phone.agent.state.exchange is Exchange.IDLE


def test_a_network_that_needs_29_seconds_for_each_request_activates(simulation: Simulation) -> None:
    """The deadline refuses nothing that worked without it."""
    phone, network = slow_device(simulation)
    forget_keys(phone)
    network.paths.clear()
    network.script = iter([(29, None)] * 8)
    phone.retry()
    assert len(network.paths) == 8
    assert phone.outcome() is Outcome.ACTIVATED
    assert phone.agent is not None
    assert phone.agent.state.exchange is Exchange.IDLE


def test_the_evidence_is_not_sent_after_the_deadline(simulation: Simulation) -> None:
    """A server that delays every download holds the device for four minutes, not for seven."""
    phone, network = slow_device(simulation)
    forget_keys(phone)
    network.paths.clear()
    network.script = iter([(25, TransportFault.TIMED_OUT), (25, None)] * 8)
    phone.retry()
    assert len(network.paths) == 9
    assert media.VERDICTS_PATH not in network.paths
    assert phone.agent is not None
    assert phone.agent.state.exchange is Exchange.BACKOFF


def test_the_timeline_shows_repeats(simulation: Simulation) -> None:
    """Each request with its fault; the summary counts the repeats of the downloads."""
    phone, network = slow_device(simulation)
    forget_keys(phone)
    lost = (0, TransportFault.TIMED_OUT)
    network.script = iter([lost, (0, None), lost, lost])
    since = len(phone.timeline.entries)
    phone.retry()
    entries = phone.timeline.entries[since:]
    requests = [(entry.what, entry.detail) for entry in entries if entry.who == "network"]
    assert [(what, detail.get("fault"), detail.get("repeat")) for what, detail in requests[:6]] == [
        ("POST /v1/challenges", "timed-out", None),
        ("POST /v1/challenges", None, 1),
        ("GET /tuf/metadata/2.root.json", "timed-out", None),
        ("GET /tuf/metadata/2.root.json", "timed-out", 1),
        ("GET /tuf/metadata/2.root.json", None, 2),
        ("GET /tuf/metadata/timestamp.json", None, None),
    ]
    downloads = [entry.detail for entry in without_routine_entries(entries) if entry.what.startswith("GET")]
    assert downloads == [{"files": FILES, "repeats": 2}]


def forget_keys(phone: Handset) -> None:
    assert phone.hardware.folder is not None
    shutil.rmtree(phone.hardware.folder)


def simulation_time(phone: Handset) -> float:
    return phone.world.exact()


def seconds_to_activate(phone: Handset, most: float) -> float:
    """Virtual seconds from the end of the setup wizard until the device is activated; `most` if it is not."""
    phone.power_on()
    phone.walk_setup()
    began = simulation_time(phone)
    while phone.outcome() is not Outcome.ACTIVATED and simulation_time(phone) - began < most:
        phone.wait(10)
    return simulation_time(phone) - began


def test_devices_are_activated_within_minutes_when_three_requests_in_ten_time_out(
    simulation: Simulation,
) -> None:
    """Without repeats the median of 100 devices is 44 minutes, and one in ten needs 13 hours."""
    times = []
    for number in range(20):
        random = Random(number)

        def transport(upstream: UpstreamTransport, random: Random = random) -> SlowTransport:
            lost = (10, TransportFault.TIMED_OUT)
            script = (lost if random.random() < 0.3 else (0, None) for _ in count())
            return SlowTransport(upstream, simulation.world, script)

        options = DeviceOptions(name=f"unlucky {number}", transport=transport)
        times.append(
            seconds_to_activate(simulation.phone("official-global", "paris", options=options), 86_400)
        )
    times.sort()
    assert times[10] <= 60
    assert times[17] <= 300
    assert times[-1] <= 3600


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FaultKind.HEADER_TIMEOUT, FaultKind.CONNECT_TIMEOUT, FaultKind.LOST_ANSWER])
def test_devices_on_real_sockets_are_activated_when_three_requests_in_ten_time_out(kind: FaultKind) -> None:
    world = World()
    fault = NetworkFault(kind, FaultSchedule(probability=0.3))
    with (
        Simulation("wire", world=world, host=HttpHost) as simulation,
        FaultProxy(simulation.server.origin, [fault], world, Seed.of("wire")) as network,
    ):
        phones = [
            simulation.phone("official-global", "paris", options=network.device_options(f"phone {number}"))
            for number in range(6)
        ]
        times = sorted(seconds_to_activate(phone, 86_400) for phone in phones)
        assert times[3] <= 60
        assert times[-1] <= 1800
        assert network.log.injected
