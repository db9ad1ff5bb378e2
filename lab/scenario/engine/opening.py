"""Opens the context of a scenario: its world, its server and its devices."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count

from agent.core.screens import ScreenFacts, ScreenId
from firmware_profiles.model import Profile
from lab.api.world_time import WorldTime
from lab.fault_proxy.schedule import FaultScheduler
from lab.handset.assembly import Hardware
from lab.handset.builder import DeviceOptions
from lab.handset.handset import Handset
from lab.handset.keystore import KeystoreOptions
from lab.manufacturer.manufacturer import Manufacturer
from lab.scenario.engine.breakable_parts import (
    FaultyCounter,
    FaultyModemLine,
    FaultyStore,
    PowerCutTransport,
    PowerCutTrigger,
)
from lab.scenario.engine.context import OutputOptions, ScenarioContext, ScenarioDevice, ServerTarget
from lab.scenario.engine.observer import DeviceObserver
from lab.scenario.engine.stolen_keys import Thief, ThiefTransport
from lab.scenario.files.reader import Case, branch_of
from lab.scenario.model.named_files import policy_named
from lab.scenario.model.scenario import SlotTable
from lab.simulation.simulation import Simulation
from lab.world.clock import MachineClock, SkewedClock, World
from lab.world.euicc import Euicc, SlotContent
from lab.world.places import Place
from lab.world.seed import Seed
from lab.world.temporary import memory_folder


@contextmanager
def open_context(
    case: Case, seed: str, target: ServerTarget, output: OutputOptions | None = None
) -> Iterator[ScenarioContext]:
    """The context of a scenario, its devices switched off. Raises StepError and the errors of a bad policy."""
    scenario = case.scenario
    activated = [table.activated.at for table in scenario.handsets.values() if table.activated]
    in_world = target.has_worlds()
    own_time = target.url is None or in_world
    world = World(min([scenario.world.starts, *activated]) if own_time else int(time.time()))
    clock = MachineClock(world, scenario.world.server.clock_ahead)
    skew = SkewedClock(lambda: 0)
    first = scenario.world.policy_before if activated else None
    policy = policy_named(first or scenario.world.policy, case.folder)
    branch = branch_of(case)
    root = Seed.of(seed).child(f"scenario {branch}")
    random = root.random("faults")
    algorithm = scenario.world.server.algorithm

    def world_time() -> WorldTime:
        return WorldTime(world.exact(), clock.ahead, skew())

    with ExitStack() as stack:
        headers: Callable[[], Mapping[str, str]] = dict
        if (server := target.operations) is not None:
            maker = Manufacturer(Seed.of(seed))
            used = server.in_world(policy, algorithm, world_time, maker) if in_world else server.shared()
            operations = stack.enter_context(used)
            target = replace(target, operations=operations)
            headers = operations.world.headers if operations.world else headers
        simulation = stack.enter_context(
            Simulation(
                seed,
                url=target.url,
                headers=headers,
                world=world,
                policy=policy,
                host=target.host,
                branch=branch,
                folder=memory_folder(),
                clock=clock,
                skew=skew,
                algorithm=algorithm,
            )
        )
        faults = FaultScheduler((), lambda _: random, replays_wait=False)
        context = ScenarioContext(
            case,
            simulation,
            faults,
            root,
            target,
            world.exact(),
            clock,
            skew,
            Thief(world.exact),
            output or OutputOptions(),
            stack=stack,
        )
        for handset in context.scenario.handsets:
            for number, name in enumerate(context.scenario.devices.called(handset)):
                context.devices[name] = _device(context, handset, number, name)
        yield context


def _new_handset(
    context: ScenarioContext, profile: Profile, place: Place, label: str, options: DeviceOptions
) -> Handset:
    """A handset that the server does not know, also if the scenario ran before."""
    for attempt in count(1):
        name = f"handset {label}" if attempt == 1 else f"handset {label} {attempt}"
        handset = context.simulation.phone(profile, place, options=replace(options, name=name))
        if context.session is None or context.operations.device(handset.imeis[0]) is None:
            return handset
    raise AssertionError("unreachable")


def _slot_content(context: ScenarioContext, slot: SlotTable | None, label: str) -> SlotContent:
    if slot is None:
        return None
    if slot.esim is None:
        return context.card(str(slot.operator), label, slot.pin)
    profiles = {
        name: context.card(profile.operator, f"{label} {name}", profile.pin)
        for name, profile in slot.esim.items()
    }
    return Euicc(profiles, slot.enabled)


def _device(context: ScenarioContext, table_name: str, number: int, name: str) -> ScenarioDevice:
    """The device of this number, from 0, of a handset or a group."""
    table = context.scenario.handsets[table_name]
    label = f"{table_name}-{number + 1}" if number else table_name
    power_cut = PowerCutTrigger()
    store, counter, line = FaultyStore(power_cut), FaultyCounter(power_cut), FaultyModemLine()
    folders = []
    random = context.seed.random(f"wire {label}")

    def hardware(parts: Hardware) -> Hardware:
        folders.append(parts.folder)
        return replace(parts, store=store, counter=counter)

    cards = None
    if table.sims is not None:
        made = [_slot_content(context, slot, f"{label} {at}") for at, slot in enumerate(table.sims)]
        cards = (*made, *[None] * (2 - len(made)))
    options = DeviceOptions(
        cards=cards,
        modem_dialect=table.modem_dialect,
        keystore=KeystoreOptions(table.keystore.algorithm, table.keystore.version, table.keystore.habits),
        subscriber=number,
        hardware=hardware,
        transport=lambda upstream: PowerCutTransport(
            ThiefTransport(context.transport(name, upstream, random), context.thief), power_cut
        ),
        ports=lambda ports: replace(ports, modem=line.connect(ports.modem)),
    )
    profile = context.profile(table.profile).with_hardware(
        model=table.model, bands=table.bands, keystore=table.keystore.level, bootloader=table.bootloader
    )
    place = table.activated.place if table.activated else table.place or context.scenario.world.place
    handset = _new_handset(context, profile, context.place(place), label, options)
    show = handset.display.on_show

    def show_and_count(screen: ScreenId, facts: ScreenFacts) -> None:
        show(screen, facts)
        power_cut.checkpoint()

    handset.display.on_show = show_and_count
    observer = DeviceObserver(handset)
    store.on_change = observer.record_changed
    return ScenarioDevice(
        name=name,
        label=label,
        group=table_name if (table.count or 1) > 1 else None,
        table=table,
        handset=handset,
        store=store,
        counter=counter,
        modem_line=line,
        power_cut=power_cut,
        observer=observer,
        folder=folders[0],
    )
