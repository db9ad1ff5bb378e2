"""Power cuts between any two effects: nothing is lost, and no cut yields a phone that a whole run could not (I9)."""

import contextlib
import itertools
from dataclasses import replace

import pytest

from agent.core.states import Lock
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from tests.support.power_cut import FusedCounter, FusedStore, FusedTransport, PowerCut, PowerCutTrigger

HOUR = 3600


def fused(simulation: Simulation, place: str, fuse: PowerCutTrigger) -> Handset:
    """A phone whose every trace outside of the agent ticks the fuse before and after."""
    phone = simulation.phone("official-global", place)
    hardware = phone._hardware
    phone._hardware = replace(
        hardware, store=FusedStore(hardware.store, fuse), counter=FusedCounter(hardware.counter, fuse)
    )
    phone.network.onward = FusedTransport(phone.network.onward, fuse)
    watcher = phone.panel.watcher

    def shown(screen: object, facts: object) -> None:
        fuse.checkpoint()
        watcher(screen, facts)  # type: ignore[arg-type]

    phone.panel.watcher = shown
    return phone


def live(phone: Handset) -> None:
    """Setup, a reboot, and time enough for heartbeats and a check-in: what the cut interrupts."""
    phone.power_on()
    phone.walk_setup()
    phone.power_on()
    phone.wait(30 * HOUR)


def is_cut(phone: Handset) -> bool:
    """Whether the fuse blows during a whole life."""
    try:
        live(phone)
    except PowerCut:
        return True
    return False


def recover(phone: Handset) -> None:
    """The user switches the phone on again and goes on with what the wizard still asks."""
    phone.power_on()
    phone.walk_setup()
    phone.wait(2 * HOUR)


def recover_and_live(phone: Handset) -> None:
    """A recovery and a further life, long enough for a second cut."""
    recover(phone)
    live(phone)


def ticks(simulation: Simulation, place: str) -> int:
    """How often a whole life ticks."""
    fuse = PowerCutTrigger()
    live(fused(simulation, place, fuse))
    return fuse.ticks


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_a_whole_life_has_many_instants_to_cut_at(simulation: Simulation, place: str) -> None:
    """The enumerations below would prove nothing over a handful."""
    assert ticks(simulation, place) > 50


@pytest.mark.parametrize(("place", "end"), [("havana", Outcome.LOCKED), ("paris", Outcome.ACTIVATED)])
def test_a_cut_at_any_instant_changes_nothing_about_the_end(
    simulation: Simulation, place: str, end: Outcome
) -> None:
    """Whenever the battery goes, the phone ends as it would have ended, and is never usable before its verdict."""
    for instant in itertools.count(1):
        phone = fused(simulation, place, PowerCutTrigger(instant))
        if not is_cut(phone):
            break
        verdicts = {verdict.decision.value for verdict in phone.timeline.verdicts}
        assert not phone.usable or verdicts == {"allow"}, f"usable at instant {instant}"
        recover(phone)
        assert phone.outcome() is end, f"cut at instant {instant}"


def test_a_second_cut_during_the_recovery_from_the_first_is_survived_too(simulation: Simulation) -> None:
    """Recovery itself writes, counts and shows; a sample of pairs, since all would be thousands of lives."""
    for first in range(3, ticks(simulation, "havana"), 9):
        for second in range(1, 12, 3):
            fuse = PowerCutTrigger(first)
            phone = fused(simulation, "havana", fuse)
            with pytest.raises(PowerCut):
                live(phone)
            fuse.at = fuse.ticks + second
            with pytest.raises(PowerCut):
                recover_and_live(phone)
            recover(phone)
            assert phone.outcome() is Outcome.LOCKED, f"cut at {first} and {second} later"


def test_a_locked_phone_is_locked_whatever_instant_of_a_reboot_is_cut(simulation: Simulation) -> None:
    """I3: between the cut and the next verdict, the lock that was sealed stands."""
    fuse = PowerCutTrigger()
    phone = fused(simulation, "havana", fuse)
    live(phone)
    for instant in range(1, 30):
        fuse.at = fuse.ticks + instant
        with contextlib.suppress(PowerCut):
            phone.power_on()
        assert phone.agent is not None
        assert phone.agent.state.lock is Lock.LOCKED
        assert not phone.usable
