"""The results of exploration, mutation runs and replay as tables."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lab.model_check.invariants import INVARIANTS
from lab.model_check.mutants import MutationSite
from lab.model_check.mutation_run import CRASH, MutantReport, MutantResult
from lab.model_check.replay import ReplayedStep
from lab.model_check.runs import ExploredProfile
from lab.model_check.search import Violation


def profiles(explored: Sequence[ExploredProfile]) -> Table:
    """One row for each profile."""
    shared = [one for one in explored if one.searched_as != one.profile]
    caption = f"* searched once, as {', '.join({one.searched_as: '' for one in shared})}" if shared else None
    table = Table(title="Reachable states, by firmware", box=SIMPLE_HEAD, caption=caption)
    table.add_column("profile", no_wrap=True)
    for name in ("states", "transitions", "depth", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("invariants")
    for one in explored:
        result = one.result
        broken = ", ".join(f"{name} BROKEN" for name in result.violations) or f"{len(INVARIANTS)} ok"
        table.add_row(
            f"{one.profile}{' *' if one in shared else ''}",
            f"{result.states:,}",
            f"{result.transitions:,}",
            str(result.depth),
            f"{result.seconds:.1f}",
            broken if result.complete else f"NOT COMPLETE, {broken}",
        )
    return table


def invariants() -> Table:
    """The meaning of each invariant."""
    table = Table("", "holds in every state and transition", box=SIMPLE_HEAD)
    for name, meaning in INVARIANTS.items():
        table.add_row(name, meaning)
    return table


def violation(profile: str, found: Violation) -> str:
    """The shortest trace to a violation."""
    steps = "\n".join(f"  {number:>3}. {name}" for number, name in enumerate(found.trace, 1))
    meaning = INVARIANTS[found.invariant]
    return f"{profile} breaks {found.invariant} ({meaning}):\n{steps}\n       {found.message}"


def replayed(steps: Sequence[ReplayedStep]) -> Table:
    """A replayed trace."""
    table = Table("", "transition", "state after it", "breaks")
    for number, one in enumerate(steps, 1):
        broken = "\n".join(f"{name}: {message}" for name, message in one.broken)
        table.add_row(str(number), one.transition, one.state, broken)
    return table


def mutants(reports: Sequence[MutantReport]) -> Table:
    """The number of detected mutants, by mutation site."""
    results = (MutantResult.EQUIVALENT, MutantResult.CAUGHT, MutantResult.SURVIVED)
    table = Table(title="Mutants")
    table.add_column("site")
    for name in ("mutants", "equivalent", "caught", "survived"):
        table.add_column(name, justify="right")
    for site in MutationSite:
        counts = Counter(one.result for one in reports if one.site is site)
        if total := counts.total():
            table.add_row(site.value, str(total), *(str(counts[result]) for result in results))
    return table


def summary(reports: Sequence[MutantReport]) -> dict[str, Any]:
    """The same as JSON. `rate` is the share of caught mutants among those that are not equivalent."""
    counts = Counter(one.result for one in reports)
    caught, survived = counts[MutantResult.CAUGHT], counts[MutantResult.SURVIVED]
    by = Counter(name for one in reports for name in one.invariants)
    duties = [one for one in reports if one.invariants and all(n.startswith("D") for n in one.invariants)]
    return {
        "planted": len(reports),
        "equivalent": counts[MutantResult.EQUIVALENT],
        "caught": caught,
        "caught_by_duties_alone": len(duties),
        "survived": survived,
        "rate": round(caught / (caught + survived), 4) if caught + survived else 1.0,
        "caught_by": {name: by[name] for name in (*INVARIANTS, CRASH) if by[name]},
    }
