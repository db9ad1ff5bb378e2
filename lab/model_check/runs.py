"""Exploring firmware profiles, two at a time, and what came of it as data."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

from firmware_profiles.loader import load_named
from lab.model_check.invariants import INVARIANTS
from lab.model_check.model import Model
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.search import Found, Search, Violation

WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found of one profile. Profiles with the same traits share a search, under the name `searched_as`."""

    profile: str
    searched_as: str
    found: Found

    @property
    def sound(self) -> bool:
        """Everything was seen, and every invariant holds."""
        return self.found.complete and not self.found.violations

    def as_json(self) -> dict[str, Any]:
        """For machines. An invariant is `ok`, or a story that `--replay` takes."""
        found = self.found
        return {
            "states": found.states,
            "transitions": found.transitions,
            "depth": found.depth,
            "seconds": round(found.seconds, 2),
            "complete": found.complete,
            "searched_as": self.searched_as,
            "invariants": {name: self._told(name) for name in INVARIANTS},
        }

    def _told(self, invariant: str) -> str | dict[str, Any]:
        violation = self.found.violations.get(invariant)
        return "ok" if violation is None else trace(violation, self.searched_as)


def trace(violation: Violation, profile: str, mutant: str | None = None) -> dict[str, Any]:
    """A violation as a file that `--replay` takes."""
    planted = {} if mutant is None else {"mutant": mutant}
    return {
        "profile": profile,
        **planted,
        "invariant": violation.invariant,
        "message": violation.message,
        "story": list(violation.story),
    }


def explore(traits: Traits) -> Found:
    """Search everything that can happen to a phone with `traits`."""
    return Search(Model(traits)).run()


def study(profiles: Sequence[str]) -> Iterator[Explored]:
    """Explore profiles, as they get ready; each group with the same traits once."""
    groups: dict[Traits, list[str]] = {}
    for name in profiles:
        groups.setdefault(traits_of(load_named(name)), []).append(name)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        searches = {pool.submit(explore, traits): names for traits, names in groups.items()}
        for search in as_completed(searches):
            names = searches[search]
            yield from (Explored(name, names[0], search.result()) for name in names)
