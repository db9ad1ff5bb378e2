"""The fault proxy: repeatable, bounded, and transparent without faults."""

import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.core.timing import BACKOFF_JITTER
from agent.ports import TransportError, TransportFault
from lab.backend.http_host import HttpHost
from lab.fault_proxy.client_transport import SHORT_TIMEOUTS
from lab.fault_proxy.log import LoggedRequest
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, NetworkFault
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.faults.catalogue import CAUSES_TIMEOUT, FaultKind, Route
from tests.support.fault_proxy_network import challenge, outcome
from tests.support.faults_table import PAGE
from wire import media

HOUR, DAY = 3600, 86_400
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """A simulation whose server uses the clock of its world."""
    with Simulation("hostile network", world=World(), host=HttpHost) as opened:
        yield opened


@pytest.fixture(scope="module")
def network(simulation: Simulation) -> Iterator[FaultProxy]:
    """Between the devices and the server of the simulation."""
    with FaultProxy(simulation.server.origin, [], simulation.world, Seed.of("network")) as made:
        yield made


@pytest.fixture(scope="module")
def device(simulation: Simulation, network: FaultProxy) -> Handset:
    """An activated device in Paris."""
    phone = simulation.phone("official-global", "paris", options=network.device_options("device"))
    phone.power_on()
    phone.walk_setup()
    return phone


@pytest.fixture
def proxy(network: FaultProxy) -> Iterator[FaultProxy]:
    yield network
    network.clear_faults()


def life(seed: str, chance: str) -> tuple[list[LoggedRequest], list[dict[str, Any]], Outcome]:
    """Days with random faults: the proxy log, the device's timeline, and its outcome."""
    kinds = (FaultKind.REFUSED, FaultKind.RESET_MIDWAY, FaultKind.TAMPERED, FaultKind.UNAVAILABLE)
    faults = [NetworkFault(kind, FaultSchedule(probability=0.1)) for kind in kinds]
    world = World()
    with Simulation(seed, world=world, host=HttpHost) as simulation:
        with FaultProxy(simulation.server.origin, faults, world, Seed.of(chance)) as network:
            phone = simulation.phone("official-global", "havana", options=network.device_options("anna"))
            phone.power_on()
            phone.walk_setup()
            phone.wait(4 * DAY)
        log = network.log.entries
        return log, [entry.as_json() for entry in phone.timeline.entries], phone.outcome()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_log_and_timeline() -> None:
    once = life("7", "1")
    assert once == life("7", "1")
    assert len([entry for entry in once[0] if entry.fault]) > 5
    assert once[2] is Outcome.LOCKED


def test_without_a_fault_a_response_is_forwarded_unchanged(proxy: FaultProxy) -> None:
    """TLS with the right certificate, status, media type, body."""
    answer = challenge(proxy.transport("quiet"))
    assert (answer.status, answer.media_type) == (200, media.JSON)
    assert b"nonce" in answer.body
    entry = proxy.log.entries[-1]
    assert (entry.device, entry.method, entry.path) == ("quiet", "POST", media.CHALLENGES_PATH)
    assert entry.fault is None


@pytest.mark.parametrize("kind", [FaultKind.OVERSIZED, FaultKind.GZIP_BOMB])
def test_a_large_response_does_not_fill_memory(proxy: FaultProxy, kind: FaultKind) -> None:
    """64 MiB are sent, or 10 KiB that unpack to 10 MiB; device and proxy together use less than 3 MiB."""
    client = proxy.transport("flooded")
    challenge(client)
    proxy.add(NetworkFault(kind))
    tracemalloc.start()
    try:
        with pytest.raises(TransportError):
            challenge(client)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


def test_a_fault_that_causes_a_time_out_uses_a_short_one(proxy: FaultProxy) -> None:
    """A real device would wait ten seconds for each."""
    client = proxy.transport("patient")
    challenge(client)
    for kind in sorted(CAUSES_TIMEOUT):
        proxy.clear_faults()
        proxy.add(NetworkFault(kind))
        assert outcome(client) == (TransportFault.TIMED_OUT,)
        used = [transport for (_, fault), transport in client._transports.items() if fault is kind]
        assert [transport._timeouts for transport in used] == [SHORT_TIMEOUTS]


def test_the_example_on_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(example, str(PAGE), "exec"), {})
    (line,) = capsys.readouterr().out.splitlines()
    assert "anna /v1/verdicts truncated" in line


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.UNAVAILABLE])
@pytest.mark.parametrize(("asked", "least"), [(None, 60), (7200, 7200), (5, 60)])
def test_retry_after_is_a_minimum(
    proxy: FaultProxy, device: Handset, kind: FaultKind, asked: int | None, least: int
) -> None:
    """Without it, or if it is shorter, the device waits as long as the class of its error demands."""
    expected = (429 if kind is FaultKind.TOO_MANY_REQUESTS else 503, "text/plain", asked)
    proxy.add(NetworkFault(kind, retry_after=asked))
    assert outcome(proxy.transport("asked")) == expected
    device.retry()
    assert device.agent is not None
    wait = device.agent.state.retry_at - device.clock.elapsed()
    assert least - 1 <= wait <= least * (1 + BACKOFF_JITTER)
    proxy.clear_faults()
    device.retry()


@contextmanager
def device_behind_proxy(faults: list[NetworkFault], **open_: Any) -> Iterator[tuple[Handset, FaultProxy]]:
    """A device in Paris, switched on, behind its own fault proxy."""
    world = World()
    with (
        Simulation("stage", world=world, host=HttpHost) as simulation,
        FaultProxy(simulation.server.origin, faults, world, Seed.of("stage"), **open_) as network,
    ):
        phone = simulation.phone("official-global", "paris", options=network.device_options("anna"))
        phone.power_on()
        yield phone, network


def test_a_partition_ends_at_its_time() -> None:
    """Nothing is forwarded before; the device is activated by its first retry after that."""
    ends_at = World().exact() + 6 * HOUR
    with device_behind_proxy([NetworkFault(FaultKind.PARTITION, FaultSchedule(end=ends_at))]) as (
        phone,
        network,
    ):
        phone.walk_setup()
        phone.wait(6 * HOUR - 100)
        assert phone.outcome() is Outcome.PENDING
        assert all(entry.fault is FaultKind.PARTITION for entry in network.log.entries)
        phone.wait(2 * HOUR)
        assert phone.outcome() is Outcome.ACTIVATED
        through = [entry.at for entry in network.log.entries if entry.fault is None]
        assert ends_at <= min(through) < ends_at + 1.5 * HOUR


def test_a_stopped_server_causes_resets_until_it_runs_again() -> None:
    world = World()
    with Simulation("gone", world=world, host=HttpHost) as simulation:
        origin = simulation.server.origin
        with FaultProxy(origin, [], world, Seed.of(1)) as network:
            simulation.server.stop()
            assert outcome(network.transport()) == (TransportFault.UNREACHABLE,)


def test_a_client_without_tls_is_served_and_gets_faults() -> None:
    """By its address; faults before a connection become a reset."""
    faults = [
        NetworkFault(FaultKind.CAPTIVE_PORTAL, FaultSchedule(Route.CHALLENGES, nth=1)),
        *[NetworkFault(FaultKind.REFUSED, FaultSchedule(Route.CHALLENGES, nth=nth)) for nth in (2, 3, 4)],
    ]
    world = World()
    with (
        Simulation("9", world=world, host=HttpHost) as home,
        FaultProxy(home.server.origin, faults, world, Seed.of(9), tls=False) as network,
        Simulation("9", world=world, url=network.origin, host=HttpHost) as simulation,
    ):
        assert network.authorities is None
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        phone.wait(HOUR)
        codes = [entry.detail["code"] for entry in phone.timeline.entries if entry.what == "failed"]
        assert codes == ["not-json", "unreachable"]
        assert phone.outcome() is Outcome.ACTIVATED
        assert {entry.device for entry in network.log.entries} == {""}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (NetworkFault(FaultKind.CLOCK_SKEW, seconds=5), "SkewedClock"),
        (NetworkFault(FaultKind.TLS_EXPIRED), "tls=True"),
    ],
)
def test_a_fault_without_its_precondition_is_rejected(fault: NetworkFault, said: str) -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match=said):
        FaultProxy("http://127.0.0.1:1", [fault], World(), Seed.of(1), tls=False)


def test_an_invalid_origin_is_rejected() -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        FaultProxy("127.0.0.1:80/x", [], World(), Seed.of(1))
