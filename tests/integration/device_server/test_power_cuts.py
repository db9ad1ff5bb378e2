"""Power cuts between any two effects: nothing is lost, and no cut leads to a state that no other run reaches (I9)."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from agent.core.screens import ScreenFacts, ScreenId
from agent.core.states import Lock
from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.scenario.engine.breakable_parts import (
    FaultyCounter,
    FaultyStore,
    PowerCut,
    PowerCutTransport,
    PowerCutTrigger,
)
from lab.simulation.simulation import Simulation

HOUR = 3600


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    """In process: a power cut is an effect of the device, and no time-out of a socket changes when it occurs."""
    with Simulation("tests", host=InProcessHost) as opened:
        yield opened


def device_with(simulation: Simulation, place: str, power_cut: PowerCutTrigger) -> Handset:
    """A device whose every effect outside of the agent has a checkpoint before and after."""
    phone = simulation.phone("official-global", place)
    phone.hardware = replace(phone.hardware, store=FaultyStore(power_cut), counter=FaultyCounter(power_cut))
    phone.network.upstream = PowerCutTransport(phone.network.upstream, power_cut)
    show = phone.display.on_show

    def show_after_checkpoint(screen: ScreenId, facts: ScreenFacts) -> None:
        power_cut.checkpoint()
        show(screen, facts)

    phone.display.on_show = show_after_checkpoint
    return phone


def live(phone: Handset) -> None:
    """Setup, a reboot, and enough time for heartbeats and a check-in: what the cut interrupts."""
    phone.power_on()
    phone.walk_setup()
    phone.power_on()
    phone.wait(30 * HOUR)


def is_cut(phone: Handset) -> bool:
    """Whether the power is cut during a whole life."""
    try:
        live(phone)
    except PowerCut:
        return True
    return False


def recover(phone: Handset) -> None:
    """The user switches the phone on again and continues with the rest of the wizard."""
    phone.power_on()
    phone.walk_setup()
    phone.wait(2 * HOUR)


def recover_and_live(phone: Handset) -> None:
    """A recovery and a further life, long enough for a second cut."""
    recover(phone)
    live(phone)


def effects(simulation: Simulation, place: str) -> int:
    """The number of effects in a whole life."""
    power_cut = PowerCutTrigger()
    live(device_with(simulation, place, power_cut))
    return power_cut.effects


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_whole_life_has_more_than_fifty_effects(simulation: Simulation, place: str) -> None:
    assert effects(simulation, place) > 50


@pytest.mark.sample(10)
@pytest.mark.parametrize("offset", range(5), ids=lambda offset: f"offset-{offset}-of-5")
@pytest.mark.parametrize(("place", "end"), [("havana", Outcome.LOCKED), ("paris", Outcome.ACTIVATED)])
def test_power_cut_at_any_effect_does_not_change_the_outcome(
    simulation: Simulation, place: str, end: Outcome, offset: int
) -> None:
    """And the device is never usable before its verdict."""
    for effect in itertools.count(1 + offset, 5):
        phone = device_with(simulation, place, PowerCutTrigger(effect))
        if not is_cut(phone):
            break
        verdicts = {verdict.decision.value for verdict in phone.timeline.verdicts}
        assert not phone.usable or verdicts == {"allow"}, f"usable at effect {effect}"
        recover(phone)
        assert phone.outcome() is end, f"cut at effect {effect}"


@pytest.mark.slow
def test_second_power_cut_during_recovery_does_not_change_the_outcome(simulation: Simulation) -> None:
    """A sample of pairs: all of them would be thousands of lives."""
    for first in range(3, effects(simulation, "havana"), 9):
        for second in range(1, 12, 3):
            power_cut = PowerCutTrigger(first)
            phone = device_with(simulation, "havana", power_cut)
            with pytest.raises(PowerCut):
                live(phone)
            power_cut.at = power_cut.effects + second
            with pytest.raises(PowerCut):
                recover_and_live(phone)
            recover(phone)
            assert phone.outcome() is Outcome.LOCKED, f"cut at {first} and {second} later"


def test_locked_device_stays_locked_after_a_power_cut_at_any_effect_of_a_reboot(
    simulation: Simulation,
) -> None:
    """I3: between the cut and the next verdict, the sealed lock holds."""
    power_cut = PowerCutTrigger()
    phone = device_with(simulation, "havana", power_cut)
    live(phone)
    for effect in range(1, 30):
        power_cut.at = power_cut.effects + effect
        with contextlib.suppress(PowerCut):
            phone.power_on()
        assert phone.agent is not None
        assert phone.agent.state.lock is Lock.LOCKED
        assert not phone.usable
