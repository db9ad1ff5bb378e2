"""The results of the devices of a scenario. Of the members of a group, only some are kept completely."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

from lab.scenario.engine.context import ScenarioContext, ScenarioDevice
from lab.scenario.engine.result import (
    GroupResult,
    HandsetResult,
    SetUpBefore,
    StepResult,
    lock_periods,
)

COMPLETE_MAX: Final = 10
"""Most members of a group with a complete timeline and screens."""

BRIEF_ENTRIES_MAX: Final = 20_000
"""Most entries in the brief timelines of a group. If there were more, its brief timelines are empty."""


def handset_results(
    context: ScenarioContext, steps: Iterable[StepResult], *, unsealed: bool
) -> tuple[HandsetResult, ...]:
    """Every device, in the order of the file and of the numbers in groups.

    Single handsets are complete. So are, of a group, COMPLETE_MAX at most: first those that a failed expectation names,
    then the first of those that did the same at the same times. With `unsealed` they have their sealed records.
    """
    named = {check.handset for step in steps for check in step.failures}
    found: list[HandsetResult] = []
    for members in context.scenario.devices.selected(None).values():
        devices = [context.devices[name] for name in members]
        if len(devices) > 1:
            found += _members(devices, named, unsealed=unsealed)
        else:
            found += [_complete(device, unsealed=unsealed) for device in devices]
    return tuple(found)


def _complete(device: ScenarioDevice, *, unsealed: bool) -> HandsetResult:
    handset, before = device.handset, device.table.activated
    return HandsetResult(
        name=device.name,
        profile=handset.profile.name,
        place=handset.place.name,
        outcome=handset.outcome().value,
        timeline=tuple(entry.as_json() for entry in handset.timeline.entries),
        screens=tuple(device.observer.shots),
        activated=SetUpBefore(before.place, before.at) if before else None,
        profiles=tuple(handset.profiles),
        places=handset.places,
        locked=tuple(lock_periods(device.observer.shots)),
        records=tuple(device.observer.records()) if unsealed else (),
        group=device.group,
        brief=None if device.group is None else False,
    )


def _members(
    devices: Sequence[ScenarioDevice], named: set[str | None], *, unsealed: bool
) -> list[HandsetResult]:
    lives = [
        tuple((entry.at, entry.who.value, entry.what) for entry in device.handset.timeline.entries)
        for device in devices
    ]
    first: dict[tuple[tuple[float, str, str], ...], str] = {}
    for device, life in zip(devices, lives, strict=True):
        first.setdefault(life, device.name)
    wanted = [*(device.name for device in devices if device.name in named), *first.values()]
    complete = set(list(dict.fromkeys(wanted))[:COMPLETE_MAX])
    keeps_brief = sum(map(len, lives)) <= BRIEF_ENTRIES_MAX
    brief = {
        life: tuple({"at": at, "who": who, "what": what} for at, who, what in life) if keeps_brief else ()
        for life in first
    }
    return [
        _complete(device, unsealed=unsealed)
        if device.name in complete
        else replace(_complete(device, unsealed=False), timeline=brief[life], screens=(), brief=True)
        for device, life in zip(devices, lives, strict=True)
    ]


def group_results(handsets: Iterable[HandsetResult]) -> tuple[GroupResult, ...]:
    """The sum of each group."""
    groups: dict[str, list[HandsetResult]] = {}
    for each in handsets:
        if each.group is not None:
            groups.setdefault(each.group, []).append(each)
    return tuple(
        GroupResult(
            name,
            len(members),
            *(dict(Counter(map(attrgetter(fact), members))) for fact in ("outcome", "profile", "place")),
        )
        for name, members in groups.items()
    )
