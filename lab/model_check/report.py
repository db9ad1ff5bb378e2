"""What was explored, hunted and told again, as tables for people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lab.model_check.invariants import INVARIANTS
from lab.model_check.mutants import Site
from lab.model_check.mutation_run import CRASH, Hunted, MutantResult
from lab.model_check.replay import Told
from lab.model_check.runs import Explored
from lab.model_check.search import Found, Violation


def profiles(explored: Sequence[Explored]) -> Table:
    """One row for each profile."""
    shared = [one for one in explored if one.searched_as != one.profile]
    caption = f"* searched once, as {', '.join({one.searched_as: '' for one in shared})}" if shared else None
    table = Table(title="Everything that can happen, by firmware", box=SIMPLE_HEAD, caption=caption)
    table.add_column("profile", no_wrap=True)
    for name in ("states", "transitions", "depth", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("invariants")
    for one in explored:
        found = one.found
        table.add_row(
            f"{one.profile}{' *' if one in shared else ''}",
            f"{found.states:,}",
            f"{found.transitions:,}",
            str(found.depth),
            f"{found.seconds:.1f}",
            _verdict(found),
        )
    return table


def _verdict(found: Found) -> str:
    broken = ", ".join(f"{name} BROKEN" for name in found.violations) or f"{len(INVARIANTS)} ok"
    return broken if found.complete else f"NOT COMPLETE, {broken}"


def invariants() -> Table:
    """What the names mean."""
    table = Table("", "holds in every state and transition", box=SIMPLE_HEAD)
    for name, meaning in INVARIANTS.items():
        table.add_row(name, meaning)
    return table


def violation(profile: str, found: Violation) -> str:
    """The shortest way to a violation, as a story."""
    moves = "\n".join(f"  {number:>3}. {move}" for number, move in enumerate(found.story, 1))
    meaning = INVARIANTS[found.invariant]
    return f"{profile} breaks {found.invariant} ({meaning}):\n{moves}\n       {found.message}"


def story(told: Sequence[Told]) -> Table:
    """A story told again."""
    table = Table("", "what happens", "what stands then", "breaks")
    for number, one in enumerate(told, 1):
        broken = "\n".join(f"{name}: {message}" for name, message in one.broken)
        table.add_row(str(number), one.move, one.stands, broken)
    return table


def mutants(hunted: Sequence[Hunted]) -> Table:
    """How many defects were found, by where they were planted."""
    table = Table(title="Planted defects")
    table.add_column("where")
    for name in ("planted", "equivalent", "caught", "survived"):
        table.add_column(name, justify="right")
    for site in Site:
        fates = Counter(one.fate for one in hunted if one.site is site)
        if total := fates.total():
            counts = (
                total,
                *(
                    fates[fate]
                    for fate in (MutantResult.EQUIVALENT, MutantResult.CAUGHT, MutantResult.SURVIVED)
                ),
            )
            table.add_row(site.value, *map(str, counts))
    return table


def summary(hunted: Sequence[Hunted]) -> dict[str, Any]:
    """The same for machines. `rate` is the share of caught among those that are not equivalent."""
    fates = Counter(one.fate for one in hunted)
    caught, survived = fates[MutantResult.CAUGHT], fates[MutantResult.SURVIVED]
    by = Counter(name for one in hunted for name in one.invariants)
    duties = [one for one in hunted if one.invariants and all(n.startswith("D") for n in one.invariants)]
    return {
        "planted": len(hunted),
        "equivalent": fates[MutantResult.EQUIVALENT],
        "caught": caught,
        "caught_by_duties_alone": len(duties),
        "survived": survived,
        "rate": round(caught / (caught + survived), 4) if caught + survived else 1.0,
        "caught_by": {name: by[name] for name in (*INVARIANTS, CRASH) if by[name]},
    }
