"""The measure of September 2021 over the lives of phones: late locks, lifting, and what operators decide."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from agent.core.states import Lock, LockCause
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.places import find_place
from server_stub.admin.context import device_admin
from server_stub.admin.devices import OperatorError, OperatorFault
from server_stub.policies import shipped
from server_stub.policy.policy import Activation
from tests.support.life import DAY, HOUR, policy
from wire.codes import MessageKey, Reason

FIRST = int(datetime(2021, 9, 1, 10, tzinfo=UTC).timestamp())


def when(day: int, hour: int = 0) -> float:
    """A moment in September 2021."""
    return datetime(2021, 9, day, hour, tzinfo=UTC).timestamp()


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """1 September: every phone is activated, wherever it is."""
    with Simulation.open("measure", world=World(FIRST), policy=policy(BEFORE)) as opened:
        yield opened


def activated(simulation: Simulation, place: str) -> Handset:
    phone = simulation.phone("official-global", place)
    phone.power_on()
    phone.walk_setup()
    assert phone.outcome() is Outcome.ACTIVATED
    return phone


def until(phone: Handset, moment: float) -> None:
    phone.wait(moment - phone.world.exact())


def last_reason(phone: Handset) -> Reason:
    return phone.timeline.verdicts[-1].reason


def test_a_phone_from_havana_is_used_for_five_days_then_locked_then_unlocked_over_wifi(
    simulation: Simulation,
) -> None:
    """The whole story of 2021, on one phone."""
    phone = activated(simulation, "havana")
    until(phone, when(2))
    simulation.server.adopt(shipped())
    until(phone, when(6))
    assert phone.usable
    until(phone, when(7, 6))
    assert phone.outcome() is Outcome.LOCKED
    assert last_reason(phone) is Reason.ACTIVATED_IN_PROHIBITED_TERRITORY
    assert phone.panel.now is not None
    assert phone.panel.now.facts.message is MessageKey.UNDER_INVESTIGATION
    phone.insert(None)
    until(phone, when(14, 23))
    assert phone.outcome() is Outcome.LOCKED
    until(phone, when(16))
    assert phone.outcome() is Outcome.LOCKED, "nothing has told it of the lifting yet"
    phone.join_wifi()
    assert phone.outcome() is Outcome.ACTIVATED
    assert last_reason(phone) is Reason.CAMPAIGN_LIFTED


def test_a_locked_phone_that_kept_its_network_is_unlocked_within_a_day_of_the_lifting(
    simulation: Simulation,
) -> None:
    """Its daily check-in brings the news."""
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(14, 23))
    assert phone.outcome() is Outcome.LOCKED
    until(phone, when(16, 3))
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_phone_from_paris_that_is_carried_to_havana_is_spared(simulation: Simulation) -> None:
    """The territory of its activation counts, before, during and after the campaign."""
    phone = activated(simulation, "paris")
    simulation.server.adopt(shipped())
    until(phone, when(4))
    phone.carry(find_place("havana"))
    for day in (5, 7, 10, 14, 16):
        until(phone, when(day))
        phone.retry()
        assert phone.outcome() is Outcome.ACTIVATED
        assert phone.timeline.verdicts[-1].claims.territory == "CU"
        assert phone.timeline.verdicts[-1].claims.policy.rule == "carried-in"


def test_a_phone_from_havana_that_is_carried_to_paris_is_locked_there(simulation: Simulation) -> None:
    """The measure follows the activation, not the owner's travels."""
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(4))
    phone.carry(find_place("paris"))
    until(phone, when(8))
    assert phone.outcome() is Outcome.LOCKED
    assert phone.timeline.verdicts[-1].claims.territory == "FR"


def test_an_activation_that_the_vendor_enters_later_counts_like_any_other(simulation: Simulation) -> None:
    """Shops of 2021 had sold phones long before the server kept records."""
    phone = activated(simulation, "paris")
    simulation.server.adopt(shipped())
    simulation.server.service.enroll(phone._hardware.imeis[0], Activation(FIRST - 90 * DAY, "CU"))
    until(phone, when(7))
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("profile", ["custom-aosp", "custom-vendor-base"])
def test_the_measure_never_reaches_firmware_without_the_agent(simulation: Simulation, profile: str) -> None:
    """As in 2021."""
    simulation.server.adopt(shipped())
    phone = simulation.phone(profile, "havana")
    phone.power_on()
    until(phone, when(16))
    assert phone.outcome() is Outcome.HOME
    assert not phone.network.requests


def test_a_policy_of_a_lower_version_is_not_adopted(simulation: Simulation) -> None:
    """Phones that have seen the higher one would refuse every verdict, and be stranded."""
    simulation.server.adopt(shipped())
    with pytest.raises(ValueError, match="version 0"):
        simulation.server.adopt(policy(BEFORE))


def test_an_operator_locks_one_phone_with_a_case_number(simulation: Simulation) -> None:
    """It reaches that phone with its next check-in, and no other."""
    phone, neighbour = activated(simulation, "paris"), activated(simulation, "paris")
    device_admin(simulation.server.service).lock(
        phone._hardware.imeis[0], reason="reported stolen", case="C-2021-7"
    )
    phone.wait(1.2 * DAY)
    neighbour.wait(1.2 * DAY)
    assert phone.outcome() is Outcome.LOCKED
    assert phone.panel.now is not None
    assert phone.panel.now.facts.case == "C-2021-7"
    assert neighbour.outcome() is Outcome.ACTIVATED
    assert last_reason(phone) is Reason.OPERATOR_DECISION


def test_what_an_operator_decided_holds_until_it_is_withdrawn(simulation: Simulation) -> None:
    """Before the policy, over factory resets, and then no more."""
    phone = activated(simulation, "paris")
    operators = device_admin(simulation.server.service)
    operators.lock(phone._hardware.imeis[0], reason="reported stolen")
    phone.retry()
    phone.factory_reset()
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    operators.withdraw(phone._hardware.imeis[0])
    phone.retry()
    assert phone.outcome() is Outcome.ACTIVATED


def test_an_operator_unlocks_one_phone_that_the_policy_locks(simulation: Simulation) -> None:
    """A mistake about one phone must not wait for the end of the campaign."""
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(8))
    assert phone.outcome() is Outcome.LOCKED
    device_admin(simulation.server.service).unlock(phone._hardware.imeis[0], reason="bought in Panama")
    phone.retry()
    assert phone.outcome() is Outcome.ACTIVATED
    until(phone, when(14))
    assert phone.outcome() is Outcome.ACTIVATED


def test_an_operator_gives_a_locked_phone_up(simulation: Simulation) -> None:
    """Released: unlocked, and nothing locks it again, whatever the server would say."""
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(8))
    operators = device_admin(simulation.server.service)
    operators.release(phone._hardware.imeis[0], reason="settled")
    phone.retry()
    assert phone.agent is not None
    assert phone.agent.state.lock is Lock.RELEASED
    operators.lock(phone._hardware.imeis[0], reason="a change of mind")
    phone.retry()
    phone.wait(120 * DAY)
    assert phone.usable


@pytest.mark.parametrize("act", ["lock", "unlock", "release", "withdraw"])
def test_an_operator_cannot_decide_about_a_phone_that_nobody_knows(simulation: Simulation, act: str) -> None:
    """A mistyped IMEI must not look like success."""
    activated(simulation, "paris")
    decide = getattr(device_admin(simulation.server.service), act)
    why = {} if act == "withdraw" else {"reason": "a slip"}
    with pytest.raises(OperatorError) as caught:
        decide("355000000000000", **why)
    assert caught.value.fault is OperatorFault.DEVICE_UNKNOWN


def test_what_an_operator_decided_survives_a_restart_of_the_server(simulation: Simulation) -> None:
    """It is in the store, not in the process."""
    phone = activated(simulation, "paris")
    device_admin(simulation.server.service).lock(phone._hardware.imeis[0], reason="reported stolen")
    simulation.server.restore(simulation.server.backup())
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.agent is not None
    assert phone.agent.state.memory.cause is LockCause.VERDICT


def test_a_month_of_a_phones_life_takes_less_than_a_second(simulation: Simulation) -> None:
    """Processor time of the phone and the server together, with the shipped policy's weekly check-ins."""

    simulation.server.adopt(shipped())
    phone = activated(simulation, "paris")
    before = time.process_time()
    phone.wait(30 * DAY + HOUR)
    assert time.process_time() - before < 1.0
