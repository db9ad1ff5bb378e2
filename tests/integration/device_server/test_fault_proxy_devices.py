"""Every fault of the proxy with a device, a server and real sockets: the device's reaction and recovery."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Exchange, Lock
from agent.core.timing import BACKOFF, BACKOFF_JITTER
from agent.screens.catalogue import load
from lab.backend.http_host import HttpHost
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, NetworkFault
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.scenario.model.faults import SCENARIO_FAULTS
from lab.simulation.simulation import Simulation
from lab.world.clock import SkewedClock, World
from lab.world.seed import Seed
from server_stub.faults.catalogue import NEEDS_EARLIER, PROXY_KINDS, FaultKind, Route
from tests.support import faults_table

HOUR, DAY = 3600, 86_400
TABLE = faults_table.rows()
FAILED_REQUESTS = {Route.CHALLENGES: (1, 2, 3), Route.KEYS: (2, 3, 4), Route.VERDICTS: (1,)}
"""The requests of a route that must fail in a row so that an exchange fails. The first download of an exchange is the
root that would come next, which is not there."""
RECOVERED = 2 * HOUR
"""Longer than the first wait of any class."""


@dataclass(frozen=True)
class FaultEnvironment:
    world: World
    simulation: Simulation
    network: FaultProxy

    def phone(self, place: str, name: str) -> Handset:
        phone = self.simulation.phone("official-global", place, options=self.network.device_options(name))
        phone.power_on()
        phone.walk_setup()
        return phone


@pytest.fixture(scope="module")
def environment() -> Iterator[FaultEnvironment]:
    world = World()
    skew = SkewedClock(lambda: 0)
    with (
        Simulation("hostile", world=world, skew=skew, host=HttpHost) as simulation,
        FaultProxy(simulation.server.origin, [], world, Seed.of("hostile"), clock=skew) as network,
    ):
        yield FaultEnvironment(world, simulation, network)


@pytest.fixture(scope="module")
def locked(environment: FaultEnvironment) -> Handset:
    """A device that was locked two days ago and has checked in since, so that there are old responses to replay."""
    phone = environment.phone("havana", "locked")
    phone.wait(2 * DAY)
    assert phone.outcome() is Outcome.LOCKED
    return phone


def planned(kind: FaultKind, when: FaultSchedule) -> NetworkFault:
    return NetworkFault(kind, when, seconds=HOUR if kind is FaultKind.CLOCK_SKEW else None)


def failures(phone: Handset, since: int) -> list[tuple[Trouble, str]]:
    details = [entry.detail for entry in phone.timeline.entries[since:] if entry.what == "failed"]
    return [(detail["trouble"], str(detail["code"])) for detail in details]


def backoff(phone: Handset) -> float:
    assert phone.agent is not None
    return phone.agent.state.retry_at - phone.clock.elapsed()


def test_the_table_has_each_fault_once() -> None:
    assert set(TABLE) == {kind.value for kind in PROXY_KINDS}


def test_the_page_names_the_faults_that_no_scenario_has() -> None:
    _, _, named = faults_table.PAGE.read_text("utf-8").partition("Scenario files cannot use")
    assert re.findall("`([a-z-]+)`", named.partition("\n\n")[0]) == [
        kind.value for kind in PROXY_KINDS if kind not in SCENARIO_FAULTS
    ]


def test_the_page_has_the_texts_and_waits_of_the_agent() -> None:
    said = load("en").troubles
    for trouble, (sentence, waits) in faults_table.classes().items():
        assert said[trouble].fill({}) == sentence
        first, most = (part.split(" or ")[0].strip() for part in waits.split(","))
        assert (seconds(first), seconds(most)) == (BACKOFF[trouble].first, BACKOFF[trouble].most)
    classes = {end[0] for row in TABLE.values() for cell in row.values() for end in cell.ends}
    assert classes == set(faults_table.classes())


def seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"s": 1, "min": 60, "h": HOUR}[unit]


@pytest.mark.sample(4)
@pytest.mark.parametrize("route", faults_table.COLUMNS)
@pytest.mark.parametrize("kind", PROXY_KINDS)
def test_a_locked_device_reports_a_fault_by_class_waits_and_recovers(
    environment: FaultEnvironment, locked: Handset, kind: FaultKind, route: Route
) -> None:
    """It remains locked."""
    for nth in FAILED_REQUESTS[route]:
        environment.network.add(planned(kind, FaultSchedule(route, nth=nth)))
    since, before = len(locked.timeline.entries), len(environment.network.log.injected)
    locked.retry()
    environment.network.clear_faults()
    for injected in environment.network.log.injected[before:]:
        assert (injected.fault, injected.device, route.matches(injected.path)) == (kind, "locked", True)
    assert len(environment.network.log.injected) > before
    expect(locked, failures(locked, since), TABLE[kind][route])
    locked.wait(RECOVERED)
    expect(locked, [], faults_table.Cell(()))


def expect(phone: Handset, failed: list[tuple[Trouble, str]], cell: faults_table.Cell) -> None:
    """A locked device that shows the trouble of the table, or none."""
    assert phone.agent is not None
    assert phone.display.current is not None
    assert phone.display.current.screen is ScreenId.LOCKED
    assert phone.agent.state.lock is Lock.LOCKED
    if not cell.ends:
        assert failed == []
        assert phone.display.current.facts.trouble is None
        assert phone.agent.state.exchange is Exchange.IDLE
        return
    ((trouble, code),) = failed
    assert cell.allows(trouble, code), (trouble, code)
    assert phone.display.current.facts.trouble is trouble
    first = BACKOFF[trouble].first
    assert first - 1 <= backoff(phone) <= first * (1 + BACKOFF_JITTER)


@pytest.mark.slow
def test_no_fault_activates_a_new_device(environment: FaultEnvironment) -> None:
    """A replay of a good response does not either; then it is activated."""
    kinds = [kind for kind in PROXY_KINDS if TABLE[kind][Route.VERDICTS].ends]
    phone = environment.simulation.phone(
        "official-global", "paris", options=environment.network.device_options("new")
    )
    # A replay needs an earlier response: the one that was lost.
    kinds.sort(key=lambda kind: (kind in NEEDS_EARLIER, kind is not FaultKind.LOST_ANSWER))
    phone.power_on()
    for number, kind in enumerate(kinds):
        environment.network.add(
            planned(kind, FaultSchedule(Route.VERDICTS, devices=frozenset({"new"}), nth=1))
        )
        phone.retry() if number else phone.walk_setup()
        environment.network.clear_faults()
        assert environment.network.log.injected[-1].fault is kind
        assert phone.outcome() is Outcome.PENDING, kind
        assert phone.display.current is not None
        assert phone.display.current.screen is ScreenId.WAITING
        assert not phone.timeline.verdicts
    phone.wait(DAY)
    assert phone.outcome() is Outcome.ACTIVATED


@pytest.mark.slow
def test_no_fault_at_a_check_in_locks_an_activated_device(environment: FaultEnvironment) -> None:
    """The user stays at the home screen."""
    phone = environment.phone("paris", "activated")
    assert phone.outcome() is Outcome.ACTIVATED
    phone.wait(12 * HOUR)
    for kind in PROXY_KINDS:
        before = len(environment.network.log.injected)
        environment.network.add(planned(kind, FaultSchedule(Route.VERDICTS, times=1)))
        while (
            len(environment.network.log.injected) == before
        ):  # the next check-in, or the next try after a failure
            phone.wait(6 * HOUR)
        environment.network.clear_faults()
        assert phone.outcome() is Outcome.ACTIVATED, kind
    phone.wait(DAY)
    assert phone.agent is not None
    assert phone.agent.state.exchange is Exchange.IDLE
    assert {verdict.decision for verdict in phone.timeline.verdicts} == {"allow"}
    assert "locked" not in {entry.what for entry in phone.timeline.entries if entry.who == "screen"}


def test_a_server_clock_that_is_an_hour_off_does_no_harm(
    environment: FaultEnvironment, locked: Handset
) -> None:
    """The device takes the time from each verdict again, within the bounds of the timestamp."""
    for seconds_off in (HOUR, -HOUR):
        since = len(locked.timeline.entries)
        environment.network.add(NetworkFault(FaultKind.CLOCK_SKEW, seconds=seconds_off))
        locked.retry()
        environment.network.clear_faults()
        assert failures(locked, since) == []
        assert locked.outcome() is Outcome.LOCKED
    expect(locked, [], faults_table.Cell(()))
    locked.retry()
    assert locked.agent is not None
    assert 0 <= locked.agent.state.memory.time.epoch - environment.world.now() <= HOUR
