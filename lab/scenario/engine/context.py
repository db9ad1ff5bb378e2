"""The state of one running scenario: its world, its server, its devices, and what its steps have stored."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Any, Final

from agent.ports import Answer
from firmware_profiles.loader import find
from firmware_profiles.model import Profile
from lab.backend.forwarded_addresses import ForwardedForTransport
from lab.backend.hosts import Host, InProcessHost
from lab.fault_proxy.log import ReplayCache
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultScheduler
from lab.handset.handset import Handset, Power, next_to_wake
from lab.handset.timeline import Who
from lab.scenario.engine.breakable_parts import (
    FaultyCounter,
    FaultyModemLine,
    FaultyStore,
    PowerCut,
    PowerCutTrigger,
)
from lab.scenario.engine.faulty_transport import FaultyTransport
from lab.scenario.engine.observer import DeviceObserver
from lab.scenario.engine.operations import LocalOperations, StepError
from lab.scenario.engine.remote_operations import AdminOperations
from lab.scenario.engine.remote_session import RemoteSession, RemoteWorld
from lab.scenario.engine.stolen_keys import Thief
from lab.scenario.files.reader import Case
from lab.scenario.model.device_steps import StorageFault
from lab.scenario.model.faults import WireFault
from lab.scenario.model.scenario import HandsetTable, Scenario
from lab.scenario.model.server_steps import StealKey
from lab.simulation.simulation import Simulation
from lab.world.clock import MachineClock, SkewedClock, World
from lab.world.network import UpstreamTransport
from lab.world.places import Place, resolve_place
from lab.world.seed import Seed
from lab.world.sim import PinState, SimCard, generate_sim
from wire.evidence import Plmn

AHEAD_MAX: Final = 240
"""Seconds by which devices may be ahead of a remote server, which has its own clock; within `limits.SKEW`."""


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """Where the server runs: in this process by default, on a port of this machine, or a remote server at `url`.

    `operations` administers a remote server, if its admin API can be used.
    """

    host: type[Host] = InProcessHost
    url: str | None = None
    operations: AdminOperations | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options that select this target."""
        if self.url is not None:
            return ("--server", self.url)
        return () if self.host is InProcessHost else ("--http",)

    def has_worlds(self) -> bool:
        """Whether this is the server of a lab, with a world for each scenario. Raises StepError."""
        return self.operations is not None and self.operations.has_worlds()


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """The folder of screenshots, and whether the step `golden` writes its file instead of comparing it."""

    screenshots: Path = Path("screenshots")
    update_golden: bool = False


@dataclass
class ScenarioDevice:
    """A handset with its breakable parts and its observer. `folder` holds its copy of the key repository.

    `label` is what its identity and its random draws derive from: its name, or that of its group and its number, so
    that a group can grow. `group` is the name of a group of two or more.
    """

    name: str
    label: str
    group: str | None
    table: HandsetTable
    handset: Handset
    store: FaultyStore
    counter: FaultyCounter
    modem_line: FaultyModemLine
    power_cut: PowerCutTrigger
    observer: DeviceObserver
    folder: Path | None

    @property
    def imei(self) -> str:
        """The first IMEI, by which operators name the device."""
        return self.handset.imeis[0]

    def offered(self, language: str) -> str:
        """The language, if the image offers it. Raises StepError."""
        profile = self.handset.profile
        if not self.handset.offers(language):
            languages = ", ".join(profile.image.languages)
            raise StepError(f"{profile.name} does not offer {language!r}; it offers {languages}")
        return language

    def set_up(self, language: str | None = None) -> Iterator[float]:
        """Walk through the setup in a language, by default that of the user. Yields the pauses of the user.

        Raises StepError as `offered`.
        """
        language = language or self.table.locale
        return self.handset.setup_pauses(self.offered(language) if language else None)

    def break_storage(self, fault: StorageFault) -> None:
        """Let the disk be full, or the counter silent."""
        self.store.full = self.store.full or fault is StorageFault.FULL_DISK
        self.counter.silent = self.counter.silent or fault is StorageFault.SILENT_COUNTER

    def mend_storage(self) -> None:
        """Let store and counter work again."""
        self.store.full = self.counter.silent = False

    def lose_keys(self) -> None:
        """Delete the copy of the key repository."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class MarkedMoment:
    """The time of a `mark` step, and the number of entries in each timeline and in the audit log."""

    at: float
    entries: Mapping[str, int]
    audit: int = 0


@dataclass
class ScenarioContext:
    """Made by `opening.open_context`. Times are seconds since the epoch.

    `clock` is the clock of the machine on which the scenario's server runs. `skew` are the seconds that the fault
    `clock-skew` adds to its time, which the server does not notice.
    `cutting` are the devices whose power is cut during the present step. `written` has the verb of a step and its file.
    """

    case: Case
    simulation: Simulation
    faults: FaultScheduler
    seed: Seed
    target: ServerTarget
    began: float
    clock: MachineClock
    skew: SkewedClock
    thief: Thief
    output: OutputOptions
    devices: dict[str, ScenarioDevice] = field(default_factory=dict)
    marks: dict[str, MarkedMoment] = field(default_factory=dict)
    copies: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    backups: dict[str, bytes] = field(default_factory=dict)
    codes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    newest_code: dict[str, bytes] = field(default_factory=dict)
    captured: dict[str, Any] = field(default_factory=dict)
    started: float = 0.0
    responses: ReplayCache[Answer] = field(default_factory=ReplayCache)
    proxies: dict[str, FaultProxy] = field(default_factory=dict)
    cutting: tuple[ScenarioDevice, ...] = ()
    written: list[tuple[str, Path]] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def scenario(self) -> Scenario:
        """The scenario that runs."""
        return self.case.scenario

    @property
    def world(self) -> World:
        """The true time."""
        return self.simulation.world

    @property
    def policy_floor(self) -> int:
        """What the server adds to the versions of policies."""
        return self.session.floor if self.session else 0

    def now(self) -> float:
        """Seconds since the world began."""
        return round(self.world.exact() - self.began, 3)

    @property
    def operations(self) -> LocalOperations | AdminOperations:
        """Administers the server. Raises StepError for a remote server without an admin token."""
        if self.target.operations is not None:
            return self.target.operations
        if self.target.url is not None:
            raise StepError("needs the admin API of the server; give its token", skips=True)
        return LocalOperations(self.simulation.server)

    def set_server_clock(self, ahead: int) -> None:
        """Set by how many seconds the server's clock is ahead. Raises StepError if it cannot be set."""
        if self.clock_is_remote:
            raise StepError("the clock of a remote server cannot be set", skips=True)
        self.clock.ahead = ahead

    def steal_key(self, step: StealKey) -> None:
        """Copy a key of the server, which the seed gives. Raises StepError if it has another seed."""
        operations = self.operations
        self.thief.steal(step, self.simulation.manufacturer, operations.root(), operations.signing_kid())

    @property
    def session(self) -> RemoteSession | None:
        """The use of a remote server that is shared, None for any other."""
        return self.target.operations.session if self.target.operations else None

    @property
    def remote_world(self) -> RemoteWorld | None:
        """The world of this scenario in a server of the lab, None for any other."""
        return self.target.operations.world if self.target.operations else None

    @property
    def clock_is_remote(self) -> bool:
        """Whether the server has a clock that this scenario cannot move."""
        return self.target.url is not None and self.remote_world is None

    def start_fault(self, fault: WireFault) -> None:
        """Schedule a fault, starting now. Raises StepError for a skewed clock that cannot be set."""
        if fault.seconds is not None and self.clock_is_remote:
            raise StepError("the clock of a remote server cannot be set", skips=True)
        if fault.for_ != 0:  # it would end when it starts
            of = fault.of and tuple(device.name for device in self.select_devices(fault.of))
            self.faults.add(fault.model_copy(update={"of": of}).starting_at(self.world.exact()))

    def transport(self, device: str, upstream: UpstreamTransport, random: Random) -> UpstreamTransport:
        """The transport of a device with the faults of the scenario: on real sockets over HTTP, else in process."""
        if not isinstance(upstream, ForwardedForTransport):
            return FaultyTransport(
                upstream, device, self.faults, self.world, self.skew, random, self.responses
            )
        if not self.scenario.world.faults and not any(
            isinstance(step, WireFault) for _, step in self.case.steps
        ):
            return upstream
        origin = upstream.origin
        if origin not in self.proxies:
            is_remote = self.target.url == origin
            headers = self.remote_world.headers if is_remote and self.remote_world else dict[str, str]
            clock = None if is_remote and self.clock_is_remote else self.skew
            proxy = FaultProxy(origin, self.faults, self.world, self.seed, clock=clock, headers=headers)
            self.proxies[origin] = self.stack.enter_context(proxy)
        return self.proxies[origin].transport(device)

    def profile(self, name: str) -> Profile:
        """A firmware profile by its name, or by the path from the scenario's folder. Raises ProfileError."""
        return find(name, self.case.folder)

    def place(self, name: str) -> Place:
        """A place by its name, or by the path from the scenario's folder. Raises the errors of `resolve_place`."""
        return resolve_place(name, self.case.folder)

    def select_devices(self, names: tuple[str, ...] | None) -> list[ScenarioDevice]:
        """The devices of these names, or all. The name of a group stands for its members."""
        selected = self.scenario.devices.selected(names).values()
        return [self.devices[name] for members in selected for name in members]

    def card(self, operator: str, label: str, pin: PinState = PinState.READY) -> SimCard:
        """A new card, or a new profile, of an operator."""
        mcc, _, mnc = operator.partition("-")
        random = self.seed.random(f"card {label} {operator}")
        return generate_sim(Plmn(mcc=mcc, mnc=mnc), random, pin=pin)

    def update_observers(self) -> None:
        """Let every observer read its device's timeline to the end."""
        for device in self.devices.values():
            device.observer.catch_up()

    def announce(self, what: str) -> None:
        """Note in every timeline what the manufacturer did."""
        for device in self.devices.values():
            device.handset.timeline.note(Who.MANUFACTURER, what)

    def mark(self) -> MarkedMoment:
        """The present moment."""
        entries = {name: len(device.handset.timeline.entries) for name, device in self.devices.items()}
        return MarkedMoment(self.world.exact(), entries, len(self.audit()))

    def audit(self) -> tuple[dict[str, Any], ...]:
        """The entries of the server's audit log; empty if it cannot be read."""
        try:
            return tuple(self.operations.audit())
        except StepError:
            return ()

    def marked(self, name: str) -> MarkedMoment:
        """The moment of a mark. Raises StepError if its step was not done in this combination."""
        if name not in self.marks:
            raise StepError(f"the mark {name!r} was not set in this combination; see `when` of its step")
        return self.marks[name]

    def advance(self, seconds: float) -> None:
        """Let time pass for every device. Raises StepError."""
        self.advance_to(self.world.exact() + seconds)

    def advance_to(self, end: float) -> None:
        """Let time pass for every device up to `end`. Raises StepError."""
        for _ in self.run_until(end):
            pass

    def run_tasks(self, tasks: Iterable[tuple[ScenarioDevice, Iterable[float]]]) -> None:
        """Run tasks of devices side by side, each of which yields the seconds until it goes on. Raises StepError.

        The task that is due first goes on, the first of several; meanwhile all devices act on their alarms.
        """
        due = [(self.world.exact(), at, device, iter(task)) for at, (device, task) in enumerate(tasks)]
        while due:
            when, at, device, task = heappop(due)
            if when > self.world.exact():
                self.advance_to(when)
            if device.power_cut.fired:
                continue
            try:
                seconds = next(task, None)
            except PowerCut as cut:
                self._lose_power(cut)
            else:
                if seconds is not None:
                    heappush(due, (self.world.exact() + seconds, at, device, task))

    def _lose_power(self, cut: PowerCut) -> None:
        """Switch off the devices whose power was cut. Raises PowerCut if those of the step are all off."""
        for device in self.cutting:
            if device.power_cut.fired and device.handset.power is not Power.OFF:
                device.handset.power_off()
        if all(device.power_cut.fired for device in self.cutting):
            raise cut

    def run_until(self, end: float) -> Iterator[ScenarioDevice]:
        """Run all devices side by side up to `end`; yields each after its alarm. Raises StepError."""
        if self.clock_is_remote and end - self.began > AHEAD_MAX:
            raise StepError("more time passes than the clock of a remote server can follow", skips=True)
        devices = {device.handset: device for device in self.devices.values()}
        while first := next_to_wake(devices, end):
            try:
                first.wait_for_alarm()
            except PowerCut as cut:
                self._lose_power(cut)
            yield devices[first]
        self.world.wait(max(0.0, end - self.world.exact()))
