"""What `activation explore` does, by what it was asked for."""

from pathlib import Path
from typing import Final

import typer

from firmware_profiles.errors import ProfileError
from firmware_profiles.loader import load_named
from lab.cli import output
from lab.model_check import report
from lab.model_check.memoized_step import PRODUCTION
from lab.model_check.model import Model
from lab.model_check.mutants import AgentMutant
from lab.model_check.mutants import all_mutants as generated
from lab.model_check.mutation_run import PROFILE, MutantReport, MutantResult, MutantRunner, run_all
from lab.model_check.profile_traits import traits_of
from lab.model_check.replay import ReplayedStep, TraceError, read
from lab.model_check.replay import replay as told_by
from lab.model_check.runs import ExploredProfile, explore_profiles, trace
from lab.simulation.matrix import all_profiles
from lab.world.seed import Seed

ENOUGH: Final = 0.95
"""The share of defects that must be found."""


def firmware(profiles: str | None, *, json: bool) -> None:
    """Explore firmware profiles."""
    names = output.names(profiles, all_profiles(), "profile")
    unordered = output.progress(explore_profiles(names), "exploring", len(names))
    explored = sorted(unordered, key=lambda one: names.index(one.profile))
    if json:
        output.as_json({"profiles": {one.profile: one.as_json() for one in explored}})
    else:
        output.show(report.profiles(explored), report.invariants(), *_violations(explored))
    if not all(one.sound for one in explored):
        raise typer.Exit(output.NOT_IN_ORDER)


def _violations(explored: list[ExploredProfile]) -> list[str]:
    return [
        report.violation(one.profile, found) for one in explored for found in one.result.violations.values()
    ]


def all_mutants(sample: int, seed: str, *, json: bool) -> None:
    """Hunt planted defects."""
    names = [mutant.id for mutant in generated()]
    if 0 < sample < len(names):
        names = sorted(Seed.of(seed).random("mutants").sample(names, sample))
    order = {name: number for number, name in enumerate(names)}
    hunted = sorted(output.progress(run_all(names), "hunting", len(names)), key=lambda one: order[one.id])
    summary = report.summary(hunted)
    if json:
        output.as_json({**summary, "mutants": [one.as_json() for one in hunted]})
    else:
        output.show(
            report.mutants(hunted), f"{summary['rate']:.1%} of those that are not equivalent are caught."
        )
        output.show(
            *(
                f"survived: {one.id}: {one.explanation}"
                for one in hunted
                if one.result is MutantResult.SURVIVED
            )
        )
    if summary["rate"] < ENOUGH:
        raise typer.Exit(output.NOT_IN_ORDER)


def one_mutant(name: str, *, json: bool) -> None:
    """Search one planted defect."""
    mutant = _mutant(name)
    hunter = MutantRunner(traits_of(load_named(PROFILE)))
    hunted = hunter.run_mutant(mutant)
    found = hunter.search(mutant) if hunted.result is MutantResult.CAUGHT else ()
    if json:
        output.as_json(trace(found[0], PROFILE, mutant.id) if found else hunted.as_json())
    else:
        output.show(*(report.violation(mutant.id, violation) for violation in found), *_unfound(hunted))


def _unfound(hunted: MutantReport) -> list[str]:
    return (
        []
        if hunted.result is MutantResult.CAUGHT
        else [f"{hunted.id}: {hunted.result}: {hunted.explanation}"]
    )


def _mutant(name: str) -> AgentMutant:
    mutants = {mutant.id: mutant for mutant in generated()}
    return mutants[output.known_name(name, list(mutants), "planted defect")]


def tell(file: Path, *, json: bool) -> None:
    """Tell a story again."""
    try:
        story = read(file)
        plan = _mutant(story.mutant).variant if story.mutant else PRODUCTION
        told = list(told_by(Model(traits_of(load_named(story.profile)), plan), story))
    except (TraceError, ProfileError) as error:
        output.exit_with_error(str(error))
    if json:
        output.as_json([_as_json(one) for one in told])
    else:
        output.show(report.replayed(told))
    if any(one.broken for one in told):
        raise typer.Exit(output.NOT_IN_ORDER)


def _as_json(told: ReplayedStep) -> dict[str, object]:
    return {"move": told.transition, "stands": told.state, "broken": [dict([pair]) for pair in told.broken]}
