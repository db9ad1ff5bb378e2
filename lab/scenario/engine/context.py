"""Where a scenario takes place: its world, its server, its handsets, and what it remembers on the way."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from agent.core.screens import ScreenFacts, ScreenId
from agent.ports import Answer
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.backend.hosts import HostMaker, HttpTransport, InProcessHost, memory_folder
from lab.fault_proxy.proxy import HostileProxy
from lab.fault_proxy.skewed_clock import ServerClock
from lab.handset.assembly import Hardware
from lab.handset.handset import Handset
from lab.handset.options import DeviceOptions
from lab.scenario.engine.breakable_parts import FaultyCounter, FaultyStore, PowerCutTransport, PowerCutTrigger
from lab.scenario.engine.fault_plan import FaultPlan, FaultyTransport
from lab.scenario.engine.observer import DeviceObserver
from lab.scenario.engine.operations import CannotError, LocalOperations, Operations, policy_named
from lab.scenario.engine.proxy_faults import PlanOfScenario
from lab.scenario.files.reader import Case, branch_of
from lab.scenario.model.scenario import HandsetTable, Scenario
from lab.scenario.model.step_union import Fault
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.network import UpstreamTransport
from lab.world.seed import Seed
from lab.world.sim import SimCard, generate_sim
from wire.evidence import Plmn

AHEAD_MAX: Final = 240
"""Seconds by which phones may be ahead of a server that runs elsewhere, on its own clock; within `limits.SKEW`."""


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """Where servers run: in this process by default, on a port of this machine, or elsewhere.

    `operations`, for a server elsewhere, is who runs it, if anybody can be asked.
    """

    host: HostMaker = InProcessHost
    url: str | None = None
    operations: Operations | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the command that ask for it."""
        if self.url is not None:
            return ("--server", self.url)
        return () if self.host is InProcessHost else ("--http",)


@dataclass
class ScenarioDevice:
    """A handset with everything that a scenario can do to it."""

    name: str
    table: HandsetTable
    phone: Handset
    store: FaultyStore
    counter: FaultyCounter
    fuse: PowerCutTrigger
    watch: DeviceObserver
    folder: Path | None

    @property
    def imei(self) -> str:
        """The first IMEI, by which operators name the phone."""
        return self.phone.imeis[0]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that was remembered: when, how far each timeline had come, and the audit log."""

    at: float
    entries: Mapping[str, int]
    audit: int = 0


@dataclass
class ScenarioContext:
    """Made by `open_context`. Times are seconds since the epoch."""

    case: Case
    simulation: Simulation
    plan: FaultPlan
    seed: Seed
    venue: ServerTarget
    began: float
    actors: dict[str, ScenarioDevice] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    copies: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    backups: dict[str, bytes] = field(default_factory=dict)
    codes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    newest_code: dict[str, bytes] = field(default_factory=dict)
    started: float = 0.0
    proxies: dict[str, HostileProxy] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def scenario(self) -> Scenario:
        """What is played."""
        return self.case.scenario

    @property
    def world(self) -> World:
        """The truth about time."""
        return self.simulation.world

    def now(self) -> float:
        """Seconds since the world began."""
        return round(self.world.exact() - self.began, 3)

    @property
    def operations(self) -> Operations:
        """Who runs the server. Raises CannotError where nobody can be asked."""
        if self.venue.operations is not None:
            return self.venue.operations
        if self.venue.url is not None:
            raise CannotError("needs the admin API of the server; give its token", skips=True)
        return LocalOperations(self.simulation.server)

    @property
    def faulty(self) -> bool:
        """Whether the scenario has any fault on the wire."""
        return bool(self.scenario.world.faults) or any(isinstance(step, Fault) for _, step in self.case.steps)

    def proxy(self, origin: str, clock: ServerClock) -> HostileProxy:
        """The hostile network before the server at `origin`, which decides by this scenario's plan."""
        if origin not in self.proxies:
            own = None if self.venue.url == origin else clock
            network = HostileProxy(origin, PlanOfScenario(self.plan), self.world, self.seed, clock=own)
            self.proxies[origin] = self.stack.enter_context(network)
        return self.proxies[origin]

    def select_devices(self, names: tuple[str, ...] | None) -> list[ScenarioDevice]:
        """The handsets of these names, or all."""
        return [self.actors[name] for name in names] if names else list(self.actors.values())

    def card(self, operator: str, label: str) -> SimCard:
        """A new card of an operator."""
        mcc, _, mnc = operator.partition("-")
        return generate_sim(Plmn(mcc=mcc, mnc=mnc), self.seed.random(f"card {label} {operator}"))

    def update_observers(self) -> None:
        """Let every watch read on."""
        for actor in self.actors.values():
            actor.watch.catch_up()

    def mark(self) -> Mark:
        """This moment."""
        entries = {name: len(actor.phone.timeline.entries) for name, actor in self.actors.items()}
        try:
            audit = len(self.operations.audit())
        except CannotError:
            audit = 0
        return Mark(self.world.exact(), entries, audit)

    def advance(self, seconds: float) -> None:
        """Let time pass for everybody. Raises CannotError."""
        for _ in self.run_until(self.world.exact() + seconds):
            pass

    def marked(self, name: str) -> Mark:
        """A moment that was remembered. Raises CannotError where its step was not done in this combination."""
        if name not in self.marks:
            raise CannotError(f"the mark {name!r} was not set in this combination; see `when` of its step")
        return self.marks[name]

    def run_until(self, end: float) -> Iterator[None]:
        """Let all handsets live side by side up to `end`, pausing after every alarm. Raises CannotError."""
        if self.venue.url is not None and end - self.began > AHEAD_MAX:
            raise CannotError(
                "lets more time pass than the clock of a server elsewhere can follow", skips=True
            )
        while due := [actor.phone for actor in self.actors.values() if _due(actor.phone, end)]:
            first = min(due, key=lambda phone: phone.alarm.at or 0.0)
            first.wait(max(0.0, (first.alarm.at or 0.0) - self.world.exact()))
            yield
        self.world.wait(max(0.0, end - self.world.exact()))


def _due(phone: Handset, end: float) -> bool:
    return phone.alarm.at is not None and phone.alarm.at <= end


@contextmanager
def open_context(case: Case, seed: str, venue: ServerTarget) -> Iterator[ScenarioContext]:
    """The stage of a scenario, with its handsets switched off. Raises what makes no world."""
    scenario = case.scenario
    activated = [table.activated.at for table in scenario.handsets.values() if table.activated]
    world = World(min([scenario.world.starts, *activated]) if venue.url is None else int(time.time()))
    ahead = scenario.world.server.clock_ahead
    clock = ServerClock(lambda: world.now() + ahead)
    first = scenario.world.policy_before if activated else None
    policy = policy_named(first or scenario.world.policy, case.folder)
    branch = branch_of(case)
    root = Seed.of(seed).child(f"scenario {branch}")
    with Simulation.open(
        seed,
        url=venue.url,
        world=world,
        policy=policy,
        host=venue.host,
        branch=branch,
        folder=memory_folder(),
        clock=clock,
        algorithm=scenario.world.server.algorithm,
    ) as simulation:
        plan = FaultPlan(root.random("faults"), world.exact)
        stage = ScenarioContext(case, simulation, plan, root, venue, world.exact())
        with stage.stack:
            for name, table in scenario.handsets.items():
                stage.actors[name] = _actor(stage, clock, name, table)
            yield stage


def _actor(stage: ScenarioContext, clock: ServerClock, name: str, table: HandsetTable) -> ScenarioDevice:
    fuse = PowerCutTrigger()
    store, counter = FaultyStore(fuse), FaultyCounter(fuse)
    kept: list[Path | None] = []
    heard: dict[str, list[Answer]] = {}
    random = stage.seed.random(f"wire {name}")

    def hardware(parts: Hardware) -> Hardware:
        kept.append(parts.folder)
        return replace(parts, store=store, counter=counter)

    def way(onward: UpstreamTransport) -> UpstreamTransport:
        return PowerCutTransport(_hurt(stage, clock, name, (random, heard), onward), fuse)

    cards = None
    if table.sims is not None:
        made = [stage.card(sim, f"{name} {at}") if sim else None for at, sim in enumerate(table.sims)]
        cards = (*made, *[None] * (2 - len(made)))
    place = table.activated.place if table.activated else table.place or stage.scenario.world.place
    fit = DeviceOptions(name=f"handset {name}", cards=cards, hardware=hardware, way=way)
    phone = stage.simulation.phone(_profile(table), place, options=fit)
    phone.read = stage.advance
    _tick_when_shown(phone, fuse)
    return ScenarioDevice(name, table, phone, store, counter, fuse, DeviceObserver(phone), kept[0])


def _hurt(
    stage: ScenarioContext,
    clock: ServerClock,
    name: str,
    memory: tuple[Random, dict[str, list[Answer]]],
    onward: UpstreamTransport,
) -> UpstreamTransport:
    """The way through the network: over real HTTP a hostile proxy hurts what goes through it, else a port does."""
    if isinstance(onward, HttpTransport):
        return stage.proxy(onward.origin, clock).way(name) if stage.faulty else onward
    wrong = ExitStack()

    def skew(seconds: int) -> None:
        wrong.close()
        if seconds:
            wrong.enter_context(clock.off_by(seconds))

    random, heard = memory
    return FaultyTransport(onward, name, stage.plan, random, skew, heard)


def _tick_when_shown(phone: Handset, fuse: PowerCutTrigger) -> None:
    tell = phone.panel.watcher

    def ticking(screen: ScreenId, facts: ScreenFacts) -> None:
        tell(screen, facts)
        fuse.checkpoint()

    phone.panel.watcher = ticking


def _profile(table: HandsetTable) -> Profile:
    profile = load_named(table.profile)
    if table.model is None:
        return profile
    return profile.model_copy(update={"hardware": profile.hardware.model_copy(update={"model": table.model})})
