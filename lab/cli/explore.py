"""`activation explore`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from firmware_profiles import loader
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    from lab.model_check import memoized_step, model, mutants, mutation_run, profile_traits, report, runs
    from lab.model_check import replay as replays
    from lab.simulation import matrix
    from lab.world import seed as seeds

CAUGHT_MIN: Final = 0.95
"""The share of planted defects that must be caught."""


def explore(
    profile: Annotated[
        str | None, typer.Option(help="Firmware profiles or paths, comma-separated; all by default.")
    ] = None,
    all_mutants: Annotated[
        bool, typer.Option("--mutants", help="Plant defects, and report how many are caught.")
    ] = False,
    mutant: Annotated[
        str | None,
        typer.Option(
            help="Plant one defect, named as in --mutants --json, and show the trace that catches it."
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option(help="With --mutants: plant this many, chosen by the seed; 0 for all.", min=0)
    ] = 0,
    seed: Annotated[str, typer.Option(help="Chooses the sample.")] = "2021",
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Replay a trace that --mutant --json wrote, move by move.", exists=True, dir_okay=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Explore every reachable state of a device, and check every invariant in each.

    The production transition tables, sealing rule and verifier run against a server that may send anything, an
    attacker without a key, power cuts, full disks, reboots, resets, users and time. Exit code 1 if an invariant is
    violated, the search is not complete, or fewer than 95 % of the planted defects are caught.

    \b
    Example:
      activation explore
      activation explore --profile official-global,custom-aosp --json
      activation explore --mutants
      activation explore --mutant "persist: write" --json > trace.json
      activation explore --replay trace.json
    """
    if replay is not None:
        _replay(replay, json=json)
    elif mutant is not None:
        _explore_mutant(mutant, json=json)
    elif all_mutants:
        _explore_mutants(sample, seed, json=json)
    else:
        _explore_profiles(profile, json=json)


def _explore_profiles(text: str | None, *, json: bool) -> None:
    named = output.names(text, list(loader.names()), "profile", paths=True)
    names = matrix.all_profiles() if text is None else named
    for name in names:
        loader.find(name)
    results = list(output.progress(runs.explore_profiles(names), "exploring", len(names)))
    results.sort(key=lambda result: names.index(result.profile))
    as_json = {"profiles": {result.profile: result.as_json() for result in results}}
    violations = (
        report.violation(result.profile, found)
        for result in results
        for found in result.result.violations.values()
    )
    output.result(as_json, report.profiles(results), report.invariants(), *violations, json=json)
    if not all(result.sound for result in results):
        raise typer.Exit(output.CHECK_FAILED)


def _explore_mutants(sample: int, seed: str, *, json: bool) -> None:
    ids = [mutant.id for mutant in mutants.all_mutants()]
    if 0 < sample < len(ids):
        ids = sorted(seeds.Seed.of(seed).random("mutants").sample(ids, sample))
    results = list(output.progress(mutation_run.run_all(ids), "mutants", len(ids)))
    results.sort(key=lambda result: ids.index(result.id))
    summary = report.summary(results)
    survived = [each for each in results if each.result is mutation_run.MutantResult.SURVIVED]
    output.result(
        {**summary, "mutants": [result.as_json() for result in results]},
        report.mutants(results),
        f"{summary['rate']:.1%} of the mutants that are not equivalent are caught.",
        *(f"survived: {each.id}: {each.explanation}" for each in survived),
        json=json,
    )
    if summary["rate"] < CAUGHT_MIN:
        raise typer.Exit(output.CHECK_FAILED)


def _explore_mutant(name: str, *, json: bool) -> None:
    mutant, profile = _mutant(name), mutation_run.PROFILE
    runner = mutation_run.MutantRunner(profile_traits.traits_of(loader.load_named(profile)))
    result = runner.run_mutant(mutant)
    found = runner.search(mutant) if result.result is mutation_run.MutantResult.CAUGHT else None
    shown = [f"{result.id}: {result.result}: {result.explanation}"]
    if found is not None:
        shown = [report.violation(mutant.id, violation) for violation in found]
    as_json = runs.trace(found[0], profile, mutant.id) if found else result.as_json()
    output.result(as_json, *shown, json=json)


def _mutant(name: str) -> "mutants.AgentMutant":
    known = {mutant.id: mutant for mutant in mutants.all_mutants()}
    return known[
        output.known_name(name, list(known), "planted defect", "see `activation explore --mutants --json`")
    ]


def _replay(file: Path, *, json: bool) -> None:
    trace = replays.read(file)
    plan = _mutant(trace.mutant).variant if trace.mutant else memoized_step.PRODUCTION
    traits = profile_traits.traits_of(loader.find(trace.profile))
    moves = list(replays.replay(model.Model(traits, plan), trace))
    as_json = [
        {"move": each.transition, "stands": each.state, "broken": [dict([pair]) for pair in each.broken]}
        for each in moves
    ]
    output.result(as_json, report.replayed(moves), json=json)
    if any(each.broken for each in moves):
        raise typer.Exit(output.CHECK_FAILED)
