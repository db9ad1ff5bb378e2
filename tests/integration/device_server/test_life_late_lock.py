"""The measure of September 2021 over the lives of devices: late locks, lifting, and decisions of operators."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from agent.core.states import Lock, LockCause
from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.places import find_place
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act, OperatorError, OperatorFault
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Activation
from tests.support.life import DAY, HOUR, policy
from wire.codes import MessageKey, Reason

FIRST = int(datetime(2021, 9, 1, 10, tzinfo=UTC).timestamp())


def when(day: int, hour: int = 0) -> float:
    """A time in September 2021."""
    return datetime(2021, 9, day, hour, tzinfo=UTC).timestamp()


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """1 September: every device is activated, wherever it is."""
    with Simulation("measure", world=World(FIRST), policy=policy(BEFORE), host=InProcessHost) as opened:
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


def test_a_device_from_havana_is_used_for_five_days_then_locked_then_unlocked_over_wifi(
    simulation: Simulation,
) -> None:
    phone = activated(simulation, "havana")
    until(phone, when(2))
    simulation.server.adopt(shipped())
    until(phone, when(6))
    assert phone.usable
    until(phone, when(7, 6))
    assert phone.outcome() is Outcome.LOCKED
    assert last_reason(phone) is Reason.ACTIVATED_IN_PROHIBITED_TERRITORY
    assert phone.display.current is not None
    assert phone.display.current.facts.message is MessageKey.UNDER_INVESTIGATION
    phone.insert(None)
    until(phone, when(14, 23))
    assert phone.outcome() is Outcome.LOCKED
    until(phone, when(16))
    assert phone.outcome() is Outcome.LOCKED, "the device has not been informed of the lifting yet"
    phone.join_wifi()
    assert phone.outcome() is Outcome.ACTIVATED
    assert last_reason(phone) is Reason.CAMPAIGN_LIFTED


def test_a_locked_device_with_a_network_is_unlocked_within_a_day_of_the_lifting(
    simulation: Simulation,
) -> None:
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(14, 23))
    assert phone.outcome() is Outcome.LOCKED
    until(phone, when(16, 3))
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_device_activated_in_paris_is_not_locked_in_havana(simulation: Simulation) -> None:
    """Before, during and after the campaign."""
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


def test_a_device_activated_in_havana_is_locked_in_paris(simulation: Simulation) -> None:
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(4))
    phone.carry(find_place("paris"))
    until(phone, when(8))
    assert phone.outcome() is Outcome.LOCKED
    assert phone.timeline.verdicts[-1].claims.territory == "FR"


def test_an_activation_that_is_recorded_later_counts_too(simulation: Simulation) -> None:
    """Devices were sold before the server kept records."""
    phone = activated(simulation, "paris")
    simulation.server.adopt(shipped())
    simulation.server.service.enroll(phone.imeis[0], Activation(FIRST - 90 * DAY, "CU"))
    until(phone, when(7))
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("profile", ["custom-aosp", "custom-vendor-base"])
def test_firmware_without_the_agent_is_not_affected(simulation: Simulation, profile: str) -> None:
    simulation.server.adopt(shipped())
    phone = simulation.phone(profile, "havana")
    phone.power_on()
    until(phone, when(16))
    assert phone.outcome() is Outcome.HOME
    assert not phone.network.requests


def test_a_policy_of_a_lower_version_is_not_adopted(simulation: Simulation) -> None:
    """Devices that have seen the higher one would reject every verdict."""
    simulation.server.adopt(shipped())
    with pytest.raises(ValueError, match="version 0"):
        simulation.server.adopt(policy(BEFORE))


def test_an_operator_locks_one_device_with_a_case_number(simulation: Simulation) -> None:
    """At its next check-in; no other device is affected."""
    phone, neighbour = activated(simulation, "paris"), activated(simulation, "paris")
    device_admin(simulation.server.service).act_on(
        phone.imeis[0], Act.LOCK, reason="reported stolen", case="C-2021-7"
    )
    phone.wait(1.2 * DAY)
    neighbour.wait(1.2 * DAY)
    assert phone.outcome() is Outcome.LOCKED
    assert phone.display.current is not None
    assert phone.display.current.facts.case == "C-2021-7"
    assert neighbour.outcome() is Outcome.ACTIVATED
    assert last_reason(phone) is Reason.OPERATOR_DECISION


def test_an_operators_decision_applies_until_it_is_withdrawn(simulation: Simulation) -> None:
    """It takes precedence over the policy and survives factory resets."""
    phone = activated(simulation, "paris")
    operators = device_admin(simulation.server.service)
    operators.act_on(phone.imeis[0], Act.LOCK, reason="reported stolen")
    phone.retry()
    phone.factory_reset()
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    operators.act_on(phone.imeis[0], Act.WITHDRAW, reason="withdrawn")
    phone.retry()
    assert phone.outcome() is Outcome.ACTIVATED


def test_an_operator_unlocks_one_device_that_the_policy_locks(simulation: Simulation) -> None:
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(8))
    assert phone.outcome() is Outcome.LOCKED
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.UNLOCK, reason="bought in Panama")
    phone.retry()
    assert phone.outcome() is Outcome.ACTIVATED
    until(phone, when(14))
    assert phone.outcome() is Outcome.ACTIVATED


def test_an_operator_releases_a_locked_device(simulation: Simulation) -> None:
    """It is unlocked, and no later policy locks it."""
    phone = activated(simulation, "havana")
    simulation.server.adopt(shipped())
    until(phone, when(8))
    operators = device_admin(simulation.server.service)
    operators.act_on(phone.imeis[0], Act.RELEASE, reason="settled")
    phone.retry()
    assert phone.agent is not None
    assert phone.agent.state.lock is Lock.RELEASED
    operators.act_on(phone.imeis[0], Act.LOCK, reason="a change of mind")
    phone.retry()
    phone.wait(120 * DAY)
    assert phone.usable


@pytest.mark.parametrize("act", Act)
def test_an_operator_cannot_decide_about_an_unknown_device(simulation: Simulation, act: Act) -> None:
    activated(simulation, "paris")
    with pytest.raises(OperatorError) as caught:
        device_admin(simulation.server.service).act_on("355000000000000", act, reason="a slip")
    assert caught.value.fault is OperatorFault.DEVICE_UNKNOWN


def test_an_operators_decision_survives_a_restart_of_the_server(simulation: Simulation) -> None:
    phone = activated(simulation, "paris")
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.LOCK, reason="reported stolen")
    simulation.server.restore(simulation.server.backup())
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.agent is not None
    assert phone.agent.state.memory.cause is LockCause.VERDICT


def test_a_month_of_a_devices_life_takes_less_than_a_second(simulation: Simulation) -> None:
    """Processor time of device and server together, with the weekly check-ins of the shipped policy."""

    simulation.server.adopt(shipped())
    phone = activated(simulation, "paris")
    before = time.process_time()
    phone.wait(30 * DAY + HOUR)
    assert time.process_time() - before < 1.0
