"""Every port fails at each call of a device's life, one at a time: the agent recovers and loses nothing."""

import itertools

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from tests.support.flaky import FAILURES, FailingCall, let_call_fail

DAY = 86_400


def live(phone: Handset) -> None:
    """Setup, two days with check-ins and heartbeats, a reboot."""
    phone.power_on()
    phone.walk_setup()
    phone.wait(2 * DAY)
    phone.power_on()
    phone.walk_setup()
    phone.wait(DAY)


@pytest.mark.sample(10)
@pytest.mark.parametrize("offset", range(5), ids=lambda offset: f"offset-{offset}-of-5")
@pytest.mark.parametrize("call", list(FAILURES), ids=".".join)
@pytest.mark.parametrize(("place", "end"), [("havana", Outcome.LOCKED), ("paris", Outcome.ACTIVATED)])
def test_one_failure_at_any_call_does_not_change_the_outcome(
    simulation: Simulation, call: tuple[str, str], place: str, end: Outcome, offset: int
) -> None:
    """The device is never usable without a verdict that allows it."""
    port, method = call
    step = 29 if port == "modem" else 1
    first = 1 + step * offset
    for at in itertools.count(first, 5 * step):
        failing = FailingCall(port, method, at)
        phone = simulation.phone("official-global", place)
        let_call_fail(phone, failing)
        live(phone)
        if failing.calls < at:
            break
        phone.walk_setup()
        phone.wait(DAY)
        allowed = any(verdict.decision == "allow" for verdict in phone.timeline.verdicts)
        assert allowed or not phone.usable
        assert phone.outcome() is end, f"{port}.{method} failed at call {at}"
    assert offset or at > first


@pytest.mark.parametrize(
    ("port", "method"),
    [
        ("store", "read"),
        ("counter", "value"),
        ("keystore", "sealing_key"),
        ("store", "write"),
        ("counter", "increment"),
    ],
)
def test_a_locked_device_keeps_its_state_while_storage_fails(
    simulation: Simulation, port: str, method: str
) -> None:
    """I3, I4: a record that cannot be read is not overwritten."""
    phone = simulation.phone("official-global", "havana")
    phone.power_on()
    phone.walk_setup()
    assert phone.agent is not None
    serial = phone.agent.state.memory.serial
    let_call_fail(phone, FailingCall(port, method, at=1))
    phone.power_on()
    assert not phone.usable
    assert phone.display.current is not None
    assert phone.display.current.facts.trouble is Trouble.NO_STORAGE
    assert phone.display.current.screen in (ScreenId.WAITING, ScreenId.LOCKED)
    phone.wait(300)
    assert phone.agent.state.lock is Lock.LOCKED
    assert phone.agent.state.memory.serial >= serial
    assert phone.outcome() is Outcome.LOCKED


def test_a_button_on_a_device_that_is_not_booted_boots_it(simulation: Simulation) -> None:
    """An agent that has not read its state accepts no input."""
    phone = simulation.phone("official-global", "havana")
    phone.power_on()
    phone.walk_setup()
    let_call_fail(phone, FailingCall("store", "read", at=1))
    phone.power_on()
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
