"""The agent with the adapters of a real device: this machine's clock, randomness, disk and network."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.sealed_file import SealedFile
from agent.adapters.system import SystemClock, SystemEntropy
from agent.core.events import EventKind, LanguageChosen, SimpleEvent, TermsAccepted
from agent.core.states import Lock, Setup
from agent.runtime import Agent
from lab.backend.http_host import HttpHost
from lab.handset.handset import Handset
from lab.simulation.simulation import Simulation
from lab.world.clock import World


def test_elapsed_time_increases_and_the_wall_clock_is_a_date() -> None:
    clock = SystemClock()
    readings = [clock.elapsed() for _ in range(50)]
    assert readings == sorted(readings)
    assert readings[0] > 0
    assert clock.wall() > 1_700_000_000


def test_random_numbers_are_fractions_that_differ() -> None:
    drawn = [SystemEntropy().fraction() for _ in range(50)]
    assert all(0 <= fraction < 1 for fraction in drawn)
    assert len(set(drawn)) > 40


def agent_on_this_machine(phone: Handset, state: Path) -> Agent:
    """An agent with the emulated hardware of `phone`, and the clock, randomness and disk of this machine."""
    emulated = phone.new_agent()
    ports = replace(emulated._ports, clock=SystemClock(), entropy=SystemEntropy(), store=SealedFile(state))
    return Agent(emulated._image, ports)


@pytest.mark.parametrize(("place", "end"), [("havana", Lock.LOCKED), ("paris", Lock.ACTIVATED)])
def test_an_agent_with_the_disk_and_clock_of_this_machine_survives_a_restart(
    tmp_path: Path, place: str, end: Lock
) -> None:
    with Simulation("this machine", world=World(SystemClock().wall()), host=HttpHost) as simulation:
        phone = simulation.phone("official-global", place)
        state = tmp_path / "state"
        agent = agent_on_this_machine(phone, state)
        agent.boot()
        agent.handle(LanguageChosen("en"))
        agent.handle(TermsAccepted(agent._image.terms_version))
        agent.handle(SimpleEvent(EventKind.CONNECTED))
        assert agent.state.lock is end
        sealed = agent.state.memory
        assert state.stat().st_size > 0
        again = agent_on_this_machine(phone, state)
        again.boot()
        assert again.state.lock is end
        assert again.state.setup is (Setup.DONE if end is Lock.ACTIVATED else Setup.ACTIVATE)
        assert again.state.memory.serial > sealed.serial
        assert again.state.memory.time.epoch >= sealed.time.epoch
