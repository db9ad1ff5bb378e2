"""What `activation explore` does, by what it was asked for."""

from pathlib import Path
from typing import Final

import typer

from firmware_profiles.errors import ProfileError
from firmware_profiles.loader import load_named
from lab.cli import say
from lab.explore import report
from lab.explore.firmware import traits_of
from lab.explore.hunt import PROFILE, Fate, Hunted, Hunter, hunt_all
from lab.explore.model import Model
from lab.explore.mutants import Mutant
from lab.explore.mutants import all_mutants as generated
from lab.explore.plan import PRODUCTION
from lab.explore.replay import StoryError, Told, read
from lab.explore.replay import tell as told_by
from lab.explore.study import Explored, study, trace
from lab.matrix import all_profiles
from lab.seed import Seed

ENOUGH: Final = 0.95
"""The share of defects that must be found."""


def firmware(profiles: str | None, *, json: bool) -> None:
    """Explore firmware profiles."""
    names = say.names(profiles, all_profiles(), "profile")
    unordered = say.progress(study(names), "exploring", len(names))
    explored = sorted(unordered, key=lambda one: names.index(one.profile))
    if json:
        say.as_json({"profiles": {one.profile: one.as_json() for one in explored}})
    else:
        say.show(report.profiles(explored), report.invariants(), *_violations(explored))
    if not all(one.sound for one in explored):
        raise typer.Exit(say.NOT_IN_ORDER)


def _violations(explored: list[Explored]) -> list[str]:
    return [
        report.violation(one.profile, found) for one in explored for found in one.found.violations.values()
    ]


def all_mutants(sample: int, seed: str, *, json: bool) -> None:
    """Hunt planted defects."""
    names = [mutant.id for mutant in generated()]
    if 0 < sample < len(names):
        names = sorted(Seed.of(seed).random("mutants").sample(names, sample))
    order = {name: number for number, name in enumerate(names)}
    hunted = sorted(say.progress(hunt_all(names), "hunting", len(names)), key=lambda one: order[one.id])
    summary = report.summary(hunted)
    if json:
        say.as_json({**summary, "mutants": [one.as_json() for one in hunted]})
    else:
        say.show(
            report.mutants(hunted), f"{summary['rate']:.1%} of those that are not equivalent are caught."
        )
        say.show(*(f"survived: {one.id}: {one.explanation}" for one in hunted if one.fate is Fate.SURVIVED))
    if summary["rate"] < ENOUGH:
        raise typer.Exit(say.NOT_IN_ORDER)


def one_mutant(name: str, *, json: bool) -> None:
    """Search one planted defect."""
    mutant = _mutant(name)
    hunter = Hunter(traits_of(load_named(PROFILE)))
    hunted = hunter.hunt(mutant)
    found = hunter.search(mutant) if hunted.fate is Fate.CAUGHT else ()
    if json:
        say.as_json(trace(found[0], PROFILE, mutant.id) if found else hunted.as_json())
    else:
        say.show(*(report.violation(mutant.id, violation) for violation in found), *_unfound(hunted))


def _unfound(hunted: Hunted) -> list[str]:
    return [] if hunted.fate is Fate.CAUGHT else [f"{hunted.id}: {hunted.fate}: {hunted.explanation}"]


def _mutant(name: str) -> Mutant:
    mutants = {mutant.id: mutant for mutant in generated()}
    return mutants[say.known_name(name, list(mutants), "planted defect")]


def tell(file: Path, *, json: bool) -> None:
    """Tell a story again."""
    try:
        story = read(file)
        plan = _mutant(story.mutant).plan if story.mutant else PRODUCTION
        told = list(told_by(Model(traits_of(load_named(story.profile)), plan), story))
    except (StoryError, ProfileError) as error:
        say.fail(str(error))
    if json:
        say.as_json([_as_json(one) for one in told])
    else:
        say.show(report.story(told))
    if any(one.broken for one in told):
        raise typer.Exit(say.NOT_IN_ORDER)


def _as_json(told: Told) -> dict[str, object]:
    return {"move": told.move, "stands": told.stands, "broken": [dict([pair]) for pair in told.broken]}
