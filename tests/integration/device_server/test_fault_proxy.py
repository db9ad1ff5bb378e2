"""The hostile network itself: repeatable, bounded, healing, and honest where nothing is planned."""

import re
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.core.timing import BACKOFF_JITTER
from agent.ports import TransportError, TransportFault
from lab.fault_proxy.faults import FaultKind, Route
from lab.fault_proxy.log import LoggedRequest
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, NetworkFault
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.seed import Seed
from tests.support.fault_proxy_network import challenge, outcome
from tests.support.faults_table import PAGE
from wire import media

HOUR, DAY = 3600, 86_400
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """A scene whose server keeps the time of its world."""
    with Simulation.open("hostile network", world=World()) as opened:
        yield opened


@pytest.fixture(scope="module")
def network(simulation: Simulation) -> Iterator[FaultProxy]:
    """Between the phones and the server of the scene."""
    with FaultProxy(simulation.server.origin, [], simulation.world, Seed.of("network")) as made:
        yield made


@pytest.fixture(scope="module")
def told(simulation: Simulation, network: FaultProxy) -> Handset:
    """A phone in Paris, activated."""
    phone = simulation.phone("official-global", "paris", options=network.device_options("told"))
    phone.power_on()
    phone.walk_setup()
    return phone


@pytest.fixture
def healed(network: FaultProxy) -> Iterator[FaultProxy]:
    yield network
    network.clear_faults()


def life(seed: str, chance: str) -> tuple[list[LoggedRequest], list[dict[str, Any]], Outcome]:
    """Days under faults by chance: the journal, the phone's timeline, and its end."""
    kinds = (FaultKind.REFUSED, FaultKind.RESET_MIDWAY, FaultKind.TAMPERED, FaultKind.UNAVAILABLE)
    faults = [NetworkFault(kind, FaultSchedule(probability=0.1)) for kind in kinds]
    world = World()
    with Simulation.open(seed, world=world) as simulation:
        with FaultProxy(simulation.server.origin, faults, world, Seed.of(chance)) as network:
            phone = simulation.phone("official-global", "havana", options=network.device_options("anna"))
            phone.power_on()
            phone.walk_setup()
            phone.wait(4 * DAY)
        log = network.log.entries
        return log, [entry.as_json() for entry in phone.timeline.entries], phone.outcome()


def test_the_same_seed_gives_the_same_journal_and_the_same_life() -> None:
    """To the last request and the last code."""
    once = life("7", "1")
    assert once == life("7", "1")
    assert len([entry for entry in once[0] if entry.fault]) > 5
    assert once[2] is Outcome.LOCKED


def test_where_nothing_is_planned_an_answer_goes_through_as_it_is(healed: FaultProxy) -> None:
    """The faults are measured against this: TLS with the right certificate, status, media type, body."""
    answer = challenge(healed.transport("quiet"))
    assert (answer.status, answer.media_type) == (200, media.JSON)
    assert b"nonce" in answer.body
    entry = healed.log.entries[-1]
    assert (entry.device, entry.method, entry.path) == ("quiet", "POST", media.CHALLENGES_PATH)
    assert entry.fault is None


@pytest.mark.parametrize("kind", [FaultKind.OVERSIZED, FaultKind.GZIP_BOMB])
def test_a_flood_fills_nobodys_memory(healed: FaultProxy, kind: FaultKind) -> None:
    """64 MiB are on offer, or 10 KiB that unpack to 10 MiB; phone and network together hold less than 3 MiB."""
    way = healed.transport("flooded")
    challenge(way)
    healed.add(NetworkFault(kind))
    tracemalloc.start()
    try:
        with pytest.raises(TransportError):
            challenge(way)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MIB


def test_a_fault_that_makes_a_phone_wait_costs_little_time(healed: FaultProxy) -> None:
    """Virtual months hold many of them; a real phone would wait ten seconds for each."""
    way = healed.transport("patient")
    challenge(way)
    for kind in (FaultKind.CONNECT_TIMEOUT, FaultKind.HEADER_TIMEOUT, FaultKind.SLOW_DRIP):
        healed.clear_faults()
        healed.add(NetworkFault(kind))
        began = time.monotonic()
        assert outcome(way) == (TransportFault.TIMED_OUT,)
        assert time.monotonic() - began < 2.0


def test_the_example_on_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the one fault that it plans."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(example, str(PAGE), "exec"), {})
    (line,) = capsys.readouterr().out.splitlines()
    assert "anna /v1/verdicts truncated" in line


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.UNAVAILABLE])
@pytest.mark.parametrize(("asked", "least"), [(None, 60), (7200, 7200), (5, 60)])
def test_retry_after_is_a_minimum(
    healed: FaultProxy, told: Handset, kind: FaultKind, asked: int | None, least: int
) -> None:
    """With it the phone waits as long as it is told, without it or with less as long as its class says."""
    expected = (429 if kind is FaultKind.TOO_MANY_REQUESTS else 503, "text/plain", asked)
    healed.add(NetworkFault(kind, retry_after=asked))
    assert outcome(healed.transport("asked")) == expected
    told.retry()
    assert told.agent is not None
    wait = told.agent.state.retry_at - told.clock.elapsed()
    assert least - 1 <= wait <= least * (1 + BACKOFF_JITTER)
    healed.clear_faults()
    told.retry()


@contextmanager
def stage(faults: list[NetworkFault], **open_: Any) -> Iterator[tuple[Handset, FaultProxy]]:
    """A phone in Paris, switched on, behind a network of its own."""
    world = World()
    with (
        Simulation.open("stage", world=world) as simulation,
        FaultProxy(simulation.server.origin, faults, world, Seed.of("stage"), **open_) as network,
    ):
        phone = simulation.phone("official-global", "paris", options=network.device_options("anna"))
        phone.power_on()
        yield phone, network


def test_a_partition_heals_at_its_time() -> None:
    """Nothing crosses before; the phone is activated by its first try after that."""
    heals = World().exact() + 6 * HOUR
    with stage([NetworkFault(FaultKind.PARTITION, FaultSchedule(end=heals))]) as (phone, network):
        phone.walk_setup()
        phone.wait(6 * HOUR - 100)
        assert phone.outcome() is Outcome.PENDING
        assert all(entry.fault is FaultKind.PARTITION for entry in network.log.entries)
        phone.wait(2 * HOUR)
        assert phone.outcome() is Outcome.ACTIVATED
        through = [entry.at for entry in network.log.entries if entry.fault is None]
        assert heals <= min(through) < heals + 1.5 * HOUR


def test_a_server_that_is_gone_looks_like_a_reset_and_comes_back() -> None:
    """The network adds nothing of its own to a server that does not run."""
    world = World()
    with Simulation.open("gone", world=world) as simulation:
        origin = simulation.server.origin
        with FaultProxy(origin, [], world, Seed.of(1)) as network:
            simulation.server.stop()
            assert outcome(network.transport()) == (TransportFault.UNREACHABLE,)


def test_a_client_that_comes_by_itself_is_served_and_hurt_too() -> None:
    """Without TLS, by its address alone; what would have kept it from a connection is a reset."""
    faults = [
        NetworkFault(FaultKind.CAPTIVE_PORTAL, FaultSchedule(Route.CHALLENGES, nth=1)),
        NetworkFault(FaultKind.REFUSED, FaultSchedule(Route.CHALLENGES, nth=2)),
    ]
    world = World()
    with (
        Simulation.open("9", world=world) as home,
        FaultProxy(home.server.origin, faults, world, Seed.of(9), tls=False) as network,
        Simulation.open("9", world=world, url=network.origin) as simulation,
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
def test_a_fault_that_needs_what_is_not_there_is_refused(fault: NetworkFault, said: str) -> None:
    """Before anything runs, and not by doing nothing."""
    with pytest.raises(ValueError, match=said):
        FaultProxy("http://127.0.0.1:1", [fault], World(), Seed.of(1), tls=False)


def test_what_is_no_origin_is_refused() -> None:
    """With the form that is wanted."""
    with pytest.raises(ValueError, match="http://host:port"):
        FaultProxy("127.0.0.1:80/x", [], World(), Seed.of(1))
