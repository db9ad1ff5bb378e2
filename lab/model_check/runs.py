"""Exploration of firmware profiles in two processes, and its results as data."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

from firmware_profiles.loader import find
from lab.model_check.invariants import INVARIANTS
from lab.model_check.model import Model
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.replay import TransitionTrace
from lab.model_check.search import Search, SearchResult, Violation

WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class ExploredProfile:
    """The result for one profile. Profiles with the same traits share a search, under the name `searched_as`."""

    profile: str
    searched_as: str
    result: SearchResult

    @property
    def sound(self) -> bool:
        """Whether all states were found, and no invariant is broken."""
        return self.result.complete and not self.result.violations

    def as_json(self) -> dict[str, Any]:
        """The result as JSON. The value of an invariant is "ok", or a trace for `--replay`."""
        result = self.result
        broken = {name: trace(found, self.searched_as) for name, found in result.violations.items()}
        return {
            "states": result.states,
            "transitions": result.transitions,
            "depth": result.depth,
            "seconds": round(result.seconds, 2),
            "complete": result.complete,
            "searched_as": self.searched_as,
            "invariants": {name: broken.get(name, "ok") for name in INVARIANTS},
        }


def trace(found: Violation, profile: str, mutant: str | None = None) -> dict[str, Any]:
    """A violation in the file format of `--replay`."""
    made = TransitionTrace(
        profile=profile, mutant=mutant, invariant=found.invariant, message=found.message, story=found.trace
    )
    return made.model_dump(mode="json", exclude_none=True)


def explore(traits: Traits) -> SearchResult:
    """Search all states of a device with `traits`."""
    return Search(Model(traits)).run()


def explore_profiles(profiles: Sequence[str]) -> Iterator[ExploredProfile]:
    """Explore profiles, each group with the same traits once; yields in the order of completion."""
    groups: dict[Traits, list[str]] = {}
    for name in profiles:
        groups.setdefault(traits_of(find(name)), []).append(name)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        searches = {pool.submit(explore, traits): names for traits, names in groups.items()}
        for search in as_completed(searches):
            names = searches[search]
            yield from (ExploredProfile(name, names[0], search.result()) for name in names)
