"""Check-ins over the life of a device, in virtual time, with the agent and the server."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest

from agent.adapters.http import RequestsTransport
from agent.core import timing
from agent.core.screens import ScreenId, Trouble
from agent.core.states import Exchange, Lock, LockCause, Memory, Setup, State, TimeAnchor
from agent.core.step import step
from agent.core.timing import Context
from agent.screens import build
from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.seed import Seed
from lab.world.sim import generate_sim
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act
from server_stub.store.records import DeviceQuery
from tests.support.fault_proxy import says, serving
from tests.support.judged import NOW, judged
from tests.support.life import DAY, HOUR, NOTICE, UNDECIDED, asked_at, failures, policy
from wire.codes import Decision
from wire.evidence import Plmn


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("check-ins", policy=policy(BEFORE), host=InProcessHost) as opened:
        yield opened


@pytest.fixture
def phone(simulation: Simulation) -> Handset:
    """An activated device; the policy demands a check-in every day."""
    made = simulation.phone("official-global", "paris")
    made.power_on()
    made.walk_setup()
    assert made.outcome() is Outcome.ACTIVATED
    return made


def test_a_device_checks_in_at_the_time_of_its_newest_verdict(phone: Handset) -> None:
    """A day after the last, up to a tenth of a day late, for a month."""
    phone.wait(30 * DAY)
    gaps = [after - before for before, after in pairwise(asked_at(phone))]
    assert 27 <= len(gaps) <= 30
    assert all(DAY <= gap <= DAY * (1 + timing.CHECK_IN_JITTER) + 2 for gap in gaps)


def _swap(phone: Handset) -> None:
    phone.insert(generate_sim(Plmn(mcc="208", mnc="01"), Random(1)))


@pytest.mark.parametrize(
    "act", [Handset.power_on, Handset.retry, _swap], ids=["boot", "the user's retry", "SIM change"]
)
def test_a_device_also_checks_in_at(phone: Handset, act: Callable[[Handset], None]) -> None:
    """Events that may have changed the verdict."""
    phone.wait(HOUR)
    asked = len(asked_at(phone))
    act(phone)
    assert len(asked_at(phone)) == asked + 1


def test_a_thousand_devices_spread_their_check_ins() -> None:
    """Over a tenth of the interval; no hundredth of it has more than thirty of them."""
    waiting = State(
        memory=Memory(time=TimeAnchor(NOW, 100.0)), setup=Setup.ACTIVATE, exchange=Exchange.AWAITING_VERDICT
    )
    due = []
    for number in range(1000):
        fraction = Seed.of(f"phone {number}").random("jitter").random()
        after, _ = step(waiting, judged(Decision.ALLOW), Context(100.0, fraction))
        assert after.memory.check_in_at is not None
        due.append(after.memory.check_in_at - NOW)
    assert all(DAY <= late < DAY * (1 + timing.CHECK_IN_JITTER) for late in due)
    window = DAY * timing.CHECK_IN_JITTER
    slots = Counter(int((late - DAY) / window * 100) for late in due)
    assert len(slots) > 95
    assert max(slots.values()) <= 30


def test_without_a_network_retries_slow_down_to_one_an_hour(phone: Handset) -> None:
    phone.network_down()
    phone.retry()
    phone.wait(DAY)
    tries = [at for at, trouble, _ in failures(phone) if trouble == "unreachable"]
    gaps = [after - before for before, after in pairwise(tries)]
    assert timing.BACKOFF[Trouble.UNREACHABLE].first <= gaps[0] <= 24
    assert all(later >= 0.6 * earlier for earlier, later in pairwise(gaps))
    assert all(HOUR <= gap <= 1.5 * HOUR + 2 for gap in gaps[10:])


def test_a_returning_network_ends_the_backoff_of_an_overdue_device(phone: Handset) -> None:
    phone.network_down()
    phone.wait(3 * DAY)
    before = len(asked_at(phone))
    phone.network_up()
    assert len(asked_at(phone)) == before + 1


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"503 Service Unavailable"])
@pytest.mark.parametrize("asked_for", [1, 7200, 86_400])
def test_a_device_obeys_retry_after(phone: Handset, status: bytes, asked_for: int) -> None:
    """Up to a day."""
    head = b"HTTP/1.1 " + status + b"\r\nRetry-After: %d\r\nContent-Length: 0\r\n\r\n" % asked_for
    with serving(says(head)) as origin:
        transport = RequestsTransport(origin)
        phone.network.upstream = transport
        phone.retry()
        phone.wait(2 * DAY)
        transport.close()
    tries = [at for at, trouble, _ in failures(phone) if trouble == "busy"]
    floor = max(asked_for, timing.BACKOFF[Trouble.BUSY].first)
    assert len(tries) >= 2
    assert all(after - before >= floor for before, after in pairwise(tries))


def test_retry_after_is_limited(phone: Handset) -> None:
    """An attacker could otherwise silence a device with one header."""
    head = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n"
    with serving(says(head)) as origin:
        transport = RequestsTransport(origin)
        phone.network.upstream = transport
        phone.retry()
        phone.wait(4 * DAY)
        transport.close()
    assert len([1 for _, trouble, _ in failures(phone) if trouble == "busy"]) >= 2


def test_setting_the_clock_to_1970_or_2100_changes_no_deadline() -> None:
    """Two weeks of a device: check-ins, warnings and the lock."""

    def life(*walls: int | None) -> list[tuple[float, str]]:
        with Simulation("clocks", policy=policy(NOTICE), host=InProcessHost) as simulation:
            phone = simulation.phone("official-global", "paris")
            phone.power_on()
            phone.walk_setup()
            for wall in walls:
                if wall is not None:
                    phone.clock.set_wall(wall)
                phone.wait(DAY)
            phone.network_down()
            phone.wait(6 * DAY)
            return [(e.at, e.what) for e in phone.timeline.entries]

    undisturbed = life(None, None)
    assert any(what == "offline-due" for _, what in undisturbed)
    assert life(0, 4_102_444_800) == undisturbed
    assert life(4_102_444_800, 0) == undisturbed


@pytest.fixture
def announced() -> Iterator[tuple[Simulation, Handset]]:
    """Activated in Havana on 8 September, before a measure that announces its locks for 12 September at noon."""
    with Simulation("notice", policy=policy(BEFORE), host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "havana")
        phone.power_on()
        phone.walk_setup()
        simulation.server.adopt(policy(NOTICE))
        phone.wait(1.2 * DAY)
        yield simulation, phone


def test_a_lock_is_announced_with_its_date(announced: tuple[Simulation, Handset]) -> None:
    _, phone = announced
    display = phone.display.current
    assert display is not None
    assert (display.screen, display.facts.lock_at) == (
        ScreenId.NOTICE,
        int(datetime(2021, 9, 12, 12, tzinfo=UTC).timestamp()),
    )
    assert "September 12, 2021, 12:00 UTC" in "".join(build(display.screen, display.facts, "en").body)
    assert phone.usable


def test_an_announced_lock_happens_at_its_date(announced: tuple[Simulation, Handset]) -> None:
    """Also without a network: a verified verdict has set the date."""
    simulation, phone = announced
    phone.network_down()
    date = datetime(2021, 9, 12, 12, tzinfo=UTC).timestamp()
    phone.wait(date - simulation.world.exact() - 60)
    assert phone.usable
    phone.wait(120)
    assert phone.outcome() is Outcome.LOCKED
    assert phone.agent is not None
    assert phone.agent.state.memory.cause is LockCause.NOTICE


def test_an_allow_before_the_date_cancels_the_announced_lock(
    announced: tuple[Simulation, Handset],
) -> None:
    simulation, phone = announced
    simulation.server.adopt(policy(BEFORE.replace("version = 0", "version = 3")))
    phone.wait(10 * DAY)
    assert phone.outcome() is Outcome.ACTIVATED
    assert phone.display.current is not None
    assert phone.display.current.screen is ScreenId.HOME


def test_a_dismissed_notice_is_shown_again_after_the_next_boot(
    announced: tuple[Simulation, Handset],
) -> None:
    _, phone = announced
    phone.network_down()
    phone.put_away()
    assert phone.display.current is not None
    assert phone.display.current.screen is ScreenId.HOME
    phone.power_on()
    assert phone.display.current.screen is ScreenId.NOTICE


def test_thirty_days_without_a_verdict_warn_then_lock_until_an_allow(
    simulation: Simulation, phone: Handset
) -> None:
    """A week's warning, and the lock has its own text."""
    phone.network_down()
    phone.wait(22 * DAY)
    assert phone.display.current is not None
    assert phone.display.current.screen is ScreenId.HOME
    phone.wait(2 * DAY)
    assert phone.display.current.screen is ScreenId.OFFLINE_WARNING
    assert phone.usable
    phone.wait(7 * DAY)
    assert phone.outcome() is Outcome.LOCKED
    assert phone.display.current.facts.cause is LockCause.OFFLINE
    phone.network_up()
    assert phone.outcome() is Outcome.ACTIVATED


@pytest.mark.slow
def test_a_device_whose_server_defers_for_months_is_neither_warned_nor_locked() -> None:
    """Its offline limit is 30 days. The server's record follows it."""
    with Simulation("deferring", policy=policy(BEFORE), host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        assert phone.agent is not None
        simulation.server.adopt(policy(UNDECIDED))
        phone.wait(100 * DAY)
        assert (phone.agent.state.exchange, phone.agent.state.lock) == (Exchange.BACKOFF, Lock.ACTIVATED)
        assert ScreenId.OFFLINE_WARNING not in {shown.screen for shown in phone.display.history}
        with simulation.server.service.store.reading() as reading:
            [record] = reading.devices(DeviceQuery()).items
        assert record.locks_at is not None
        assert 28 * DAY < record.locks_at - phone.world.now() <= 30 * DAY
        phone.network_down()
        phone.wait(31 * DAY)
        assert phone.outcome() is Outcome.LOCKED
        phone.network_up()
        simulation.server.adopt(policy(BEFORE.replace("version = 0", "version = 2")))
        phone.wait(2 * DAY)
        assert phone.outcome() is Outcome.ACTIVATED


def test_a_released_device_never_contacts_the_server_again(simulation: Simulation, phone: Handset) -> None:
    """Neither time nor boot nor another SIM changes that."""
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.RELEASE, reason="sold")
    phone.retry()
    asked = len(asked_at(phone))
    phone.wait(60 * DAY)
    phone.power_on()
    _swap(phone)
    assert len(asked_at(phone)) == asked
    assert phone.usable
    assert phone.agent is not None
    assert phone.agent.state.lock is Lock.RELEASED


def test_a_world_can_begin_earlier() -> None:
    """Devices were activated before the measure."""
    start = int(datetime(2021, 8, 21, tzinfo=UTC).timestamp())
    with Simulation("earlier", world=World(start), host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        assert phone.timeline.verdicts[-1].claims.iat - start < 120
