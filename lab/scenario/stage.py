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
from lab.clock import World
from lab.fit import Fit
from lab.handset.assembly import Hardware
from lab.handset.handset import Handset
from lab.handset.sim import SimCard, generate_sim
from lab.hostile.proxy import HostileProxy
from lab.hostile.scenarios import PlanOfScenario
from lab.hostile.server_clock import ServerClock
from lab.hosting import HostMaker, HttpWay, InProcessHost, memory_folder
from lab.network import Onward
from lab.scenario.faults import FaultPlan, HurtWay
from lab.scenario.model.scenario import HandsetTable, Scenario
from lab.scenario.model.steps import Fault
from lab.scenario.operations import CannotError, LocalOperations, Operations, policy_named
from lab.scenario.parts import FrailCounter, FrailStore, Fuse, FusedWay
from lab.scenario.reader import Case, branch_of
from lab.scenario.watch import Watch
from lab.scene import Scene
from lab.seed import Seed
from wire.evidence import Plmn

AHEAD_MAX: Final = 240
"""Seconds by which phones may be ahead of a server that runs elsewhere, on its own clock; within `limits.SKEW`."""


@dataclass(frozen=True, slots=True)
class Venue:
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
class Actor:
    """A handset with everything that a scenario can do to it."""

    name: str
    table: HandsetTable
    phone: Handset
    store: FrailStore
    counter: FrailCounter
    fuse: Fuse
    watch: Watch
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
class Stage:
    """Made by `open_stage`. Times are seconds since the epoch."""

    case: Case
    scene: Scene
    plan: FaultPlan
    seed: Seed
    venue: Venue
    began: float
    actors: dict[str, Actor] = field(default_factory=dict)
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
        return self.scene.world

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
        return LocalOperations(self.scene.server)

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

    def chosen(self, names: tuple[str, ...] | None) -> list[Actor]:
        """The handsets of these names, or all."""
        return [self.actors[name] for name in names] if names else list(self.actors.values())

    def card(self, operator: str, label: str) -> SimCard:
        """A new card of an operator."""
        mcc, _, mnc = operator.partition("-")
        return generate_sim(Plmn(mcc=mcc, mnc=mnc), self.seed.random(f"card {label} {operator}"))

    def catch_up(self) -> None:
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

    def let_pass(self, seconds: float) -> None:
        """Let time pass for everybody. Raises CannotError."""
        for _ in self.live(self.world.exact() + seconds):
            pass

    def marked(self, name: str) -> Mark:
        """A moment that was remembered. Raises CannotError where its step was not done in this combination."""
        if name not in self.marks:
            raise CannotError(f"the mark {name!r} was not set in this combination; see `when` of its step")
        return self.marks[name]

    def live(self, end: float) -> Iterator[None]:
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
def open_stage(case: Case, seed: str, venue: Venue) -> Iterator[Stage]:
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
    with Scene.open(
        seed,
        url=venue.url,
        world=world,
        policy=policy,
        host=venue.host,
        branch=branch,
        folder=memory_folder(),
        clock=clock,
        algorithm=scenario.world.server.algorithm,
    ) as scene:
        plan = FaultPlan(root.random("faults"), world.exact)
        stage = Stage(case, scene, plan, root, venue, world.exact())
        with stage.stack:
            for name, table in scenario.handsets.items():
                stage.actors[name] = _actor(stage, clock, name, table)
            yield stage


def _actor(stage: Stage, clock: ServerClock, name: str, table: HandsetTable) -> Actor:
    fuse = Fuse()
    store, counter = FrailStore(fuse), FrailCounter(fuse)
    kept: list[Path | None] = []
    heard: dict[str, list[Answer]] = {}
    random = stage.seed.random(f"wire {name}")

    def hardware(parts: Hardware) -> Hardware:
        kept.append(parts.folder)
        return replace(parts, store=store, counter=counter)

    def way(onward: Onward) -> Onward:
        return FusedWay(_hurt(stage, clock, name, (random, heard), onward), fuse)

    cards = None
    if table.sims is not None:
        made = [stage.card(sim, f"{name} {at}") if sim else None for at, sim in enumerate(table.sims)]
        cards = (*made, *[None] * (2 - len(made)))
    place = table.activated.place if table.activated else table.place or stage.scenario.world.place
    fit = Fit(name=f"handset {name}", cards=cards, hardware=hardware, way=way)
    phone = stage.scene.phone(_profile(table), place, fit=fit)
    phone.read = stage.let_pass
    _tick_when_shown(phone, fuse)
    return Actor(name, table, phone, store, counter, fuse, Watch(phone), kept[0])


def _hurt(
    stage: Stage,
    clock: ServerClock,
    name: str,
    memory: tuple[Random, dict[str, list[Answer]]],
    onward: Onward,
) -> Onward:
    """The way through the network: over real HTTP a hostile proxy hurts what goes through it, else a port does."""
    if isinstance(onward, HttpWay):
        return stage.proxy(onward.origin, clock).way(name) if stage.faulty else onward
    wrong = ExitStack()

    def skew(seconds: int) -> None:
        wrong.close()
        if seconds:
            wrong.enter_context(clock.off_by(seconds))

    random, heard = memory
    return HurtWay(onward, name, stage.plan, random, skew, heard)


def _tick_when_shown(phone: Handset, fuse: Fuse) -> None:
    tell = phone.panel.watcher

    def ticking(screen: ScreenId, facts: ScreenFacts) -> None:
        tell(screen, facts)
        fuse.tick()

    phone.panel.watcher = ticking


def _profile(table: HandsetTable) -> Profile:
    profile = load_named(table.profile)
    if table.model is None:
        return profile
    return profile.model_copy(update={"hardware": profile.hardware.model_copy(update={"model": table.model})})
