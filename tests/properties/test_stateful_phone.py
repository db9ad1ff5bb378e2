"""A whole device with its runtime, storage and server, driven by random events.

The model checker runs `step` in a model of its environment. Here the runtime carries out the effects, power cuts and
full disks affect the stored record, and a real server answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.stateful import (
    run_state_machine_as_test as check_state_machine,
)

from agent import runtime
from agent.core.events import EventKind, SimpleEvent
from agent.core.screen_selection import screen_of
from agent.core.screens import Action, ScreenId
from agent.core.states import Lock
from agent.core.timing import trusted_now
from lab.backend.hosts import InProcessHost
from lab.handset.builder import DeviceOptions
from lab.handset.handset import Handset
from lab.scenario.engine.breakable_parts import (
    FaultyCounter,
    FaultyModemLine,
    FaultyStore,
    PowerCut,
    PowerCutTransport,
    PowerCutTrigger,
)
from lab.scenario.model.device_steps import ModemBreakage
from lab.simulation.simulation import Simulation
from server_stub.policy.policy import Policy
from tests.support.profiles import examples
from wire.codes import Decision

HOUR = 3600.0
DAY = 24 * HOUR
FAVOURABLE = {Decision.ALLOW, Decision.NOTICE, Decision.RELEASE}
WORDS = 'message = { key = "not-sold-here" }\ncase = true\n'
LIMITS = "check_in = 86400\noffline_limit = 864000\n"
RULES = {
    Decision.ALLOW: 'reason = "territory-eligible"\n' + LIMITS,
    Decision.NOTICE: 'reason = "territory-prohibited"\nnot_before_lock = 2031-01-01T00:00:00Z\n'
    + WORDS
    + LIMITS,
    Decision.DENY: 'reason = "territory-prohibited"\ncheck_in = 86400\n' + WORDS,
    Decision.DEFER: 'reason = "territory-unknown"\nretry_after = 600\n',
}


def policy(decision: Decision) -> Policy:
    """A policy with one decision for all devices."""
    head = f'id = "stateful-{decision}"\nversion = 100\ntitle = "All devices"\n'
    territories = "[territories]\nprohibited = []\nno_presence = []\n"
    rule_text = f'[[rules]]\nid = "all-devices"\ndecision = "{decision}"\n{RULES[decision]}'
    return Policy.parse(head + territories + rule_text, f"{decision}.toml")


POLICIES = {decision: policy(decision) for decision in RULES}


class DeviceMachine(RuleBasedStateMachine):
    """One official device. `barred`: it was locked, and no verdict has permitted its use since."""

    simulation: ClassVar[Simulation]

    @initialize(decision=st.sampled_from(sorted(POLICIES)))
    def unpack(self, decision: Decision) -> None:
        self.power_cut = PowerCutTrigger()
        self.line = FaultyModemLine()
        options = DeviceOptions(ports=lambda ports: replace(ports, modem=self.line.connect(ports.modem)))
        self.phone = self.simulation.phone("official-global", "paris", options=options)
        self.network, self.hardware = self.phone.network, self.phone.hardware
        self.disk, counter = FaultyStore(self.power_cut), FaultyCounter(self.power_cut)
        self.phone.hardware = replace(self.hardware, store=self.disk, counter=counter)
        self.network.upstream = PowerCutTransport(self.network.upstream, self.power_cut)
        self.copy: bytes | None = None
        self.barred, self.known, self.serial, self.time = False, 0, 0, 0
        self.simulation.server.adopt(POLICIES[decision])
        self._do(self.phone.power_on)

    def _do(self, action: Callable[[], Any]) -> None:
        """Run `action`; if the power is cut meanwhile, the device is off."""
        cut = False
        try:
            action()
        except PowerCut:
            cut = True
        verdicts = self.phone.timeline.verdicts
        if any(verdict.decision in FAVOURABLE for verdict in verdicts[self.known :]):
            self.barred = False
        self.known = len(verdicts)
        self.power_cut.at = 0
        if cut:
            self.phone.power_off()
        else:
            self.barred = self.barred or self._shows() is ScreenId.LOCKED

    def _shows(self) -> ScreenId | None:
        return self.phone.display.current.screen if self.phone.agent and self.phone.display.current else None

    # --- what can happen ----------------------------------------------------------------------------------------------

    @rule()
    def switch_on(self) -> None:
        self._do(self.phone.power_on)

    @rule()
    def walk(self) -> None:
        self._do(self.phone.walk_setup)

    @rule()
    def retry(self) -> None:
        self._do(self.phone.retry)

    @rule(kind=st.sampled_from([EventKind.CONTINUE, EventKind.IMEI_REQUESTED, EventKind.TERMS_DECLINED]))
    def tap(self, kind: EventKind) -> None:
        self._do(lambda: self.phone.agent and self.phone.agent.handle(SimpleEvent(kind)))

    @rule()
    def change_sim(self) -> None:
        self._do(lambda: self.phone.insert(None))

    @rule(hours=st.sampled_from([0.02, 1.0, 30.0, 9 * 24.0, 12 * 24.0]))
    def wait(self, hours: float) -> None:
        self._do(lambda: self.phone.wait(hours * HOUR))

    @rule(year=st.sampled_from([0, 4_102_444_800]))
    def set_clock(self, year: int) -> None:
        self._do(lambda: self.phone.set_wall(year))

    @rule(up=st.booleans())
    def network_changes(self, *, up: bool) -> None:
        self._do(self.phone.network_up if up else self.phone.network_down)

    @rule(decision=st.sampled_from(sorted(POLICIES)))
    def server_decides(self, decision: Decision) -> None:
        self.simulation.server.adopt(POLICIES[decision])

    @rule(how=st.none() | st.sampled_from(ModemBreakage))
    def modem_breaks(self, how: ModemBreakage | None) -> None:
        """It stays so until it is repaired, also at the end."""
        self.line.break_by(how)

    @rule(full=st.booleans())
    def disk_fills(self, *, full: bool) -> None:
        self.disk.full = full

    @rule(ticks=st.integers(1, 12))
    def cut_power_soon(self, ticks: int) -> None:
        """Cut the power after this number of checkpoints, in the middle of a later step."""
        self.power_cut.at = self.power_cut.effects + ticks

    @rule()
    def factory_reset(self) -> None:
        self._do(self.phone.factory_reset)

    @rule()
    def attacker_copies_record(self) -> None:
        self.copy = self.disk.read()

    @precondition(lambda self: self.copy is not None)
    @rule()
    def attacker_restores_record(self) -> None:
        self.phone.power_off()
        self.disk.put(self.copy or b"")

    @rule(data=st.binary(max_size=40))
    def attacker_writes_record(self, data: bytes) -> None:
        self.phone.power_off()
        self.disk.put(data)

    # --- what holds at any time ---------------------------------------------------------------------------------------

    @invariant()
    def usable_only_with_a_verdict(self) -> None:
        """I1, I3: a verified verdict permitted the use, and nothing has locked the device since."""
        if self.phone.agent is not None and self.phone.usable:
            assert not self.barred
            assert any(verdict.decision in FAVOURABLE for verdict in self.phone.timeline.verdicts)

    @invariant()
    def screen_is_that_of_the_state(self) -> None:
        """The screen is that of the state, with emergency call and Wi-Fi settings (I5)."""
        if self.phone.agent is not None:
            state = self.phone.agent.state
            not_booted = self.phone.agent._phase is runtime.Phase.DOWN and state.lock is Lock.UNPROVISIONED
            assert self._shows() is screen_of(state) or (not_booted and self._shows() is ScreenId.WAITING)
            screen = self.phone.screen()
            assert screen is not None
            actions = {action for action, _ in screen.actions}
            assert {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS} <= actions

    @invariant()
    def serial_never_decreases(self) -> None:
        """I4; a blank device has no serial."""
        if self.phone.agent is None:
            return
        state = self.phone.agent.state
        assert state.memory.serial == 0 or state.memory.serial >= self.serial
        self.serial = max(self.serial, state.memory.serial)
        assert trusted_now(state, self.phone.agent._context()) <= self.phone.world.now() + 1

    @invariant()
    def modem_fails_no_exchange(self) -> None:
        """A request is sent, or the network, the server or the disk failed it."""
        failed = [entry.detail for entry in self.phone.timeline.entries if entry.what == "failed"]
        assert not any(each["code"].startswith("modem") for each in failed)

    @invariant()
    def waiting_device_has_an_alarm(self) -> None:
        agent = self.phone.agent
        if agent is not None and agent.state.memory.check_in_at is not None:
            assert self.phone.alarm.at is not None or agent.state.lock is Lock.RELEASED

    def teardown(self) -> None:
        """I7: with a network, a server that allows and space on the disk, every device becomes usable.

        Its modem may still fail.
        """
        if not hasattr(self, "phone"):
            return
        self.disk.full, self.power_cut.at = False, 0
        self.simulation.server.adopt(POLICIES[Decision.ALLOW])
        self.phone.join_wifi()
        self.phone.network_up()
        self.phone.power_on()
        self.phone.walk_setup()
        self.phone.wait(HOUR)
        self.phone.retry()
        assert self.phone.usable, self.phone.outcome()
        assert isinstance(self.phone, Handset)


@pytest.fixture(scope="module")
def machine() -> Iterator[type[DeviceMachine]]:
    with Simulation("stateful", host=InProcessHost) as simulation:
        DeviceMachine.simulation = simulation
        yield DeviceMachine


def test_no_sequence_of_events_breaks_an_invariant(machine: type[DeviceMachine]) -> None:
    """Power cuts, full disks, resets, rollbacks, outages and changed decisions, in any order."""
    check_state_machine(
        machine,
        settings=settings(
            max_examples=examples(14),
            stateful_step_count=20,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
