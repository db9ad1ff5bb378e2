"""Hunting mutants: is each found, by which invariant, and what of those that are not.

A breadth-first search of a mutant goes as the search of the production tables goes until the first step that
differs. So the steps of the production search are taken again, in their order. If none differs, the mutant cannot be
told from the production agent by anything that can happen: it is equivalent. If what the first different step
does is a violation, the mutant is caught. Only otherwise is the mutant searched from the beginning.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import get_context
from typing import Any, Final

from agent.core.events import EventKind
from agent.core.states import State
from firmware_profiles.loader import load_named
from lab.model_check.memoized_step import Stepper
from lab.model_check.model import Model
from lab.model_check.mutants import Mutant, Site, all_mutants
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.search import Search, Violation

PROFILE: Final = "official-global"
"""The firmware that mutants are hunted on: it enforces, and it is woken by everything."""
SHARES: Final = 2
CRASH: Final = "crash"
"""In place of an invariant: the defect ends in an exception, which no boot may."""


SURVIVORS: Final = {
    r"booted: row 1 lacks set-alarm": "a boot that leaves something to wait for asks at once, and each end of a"
    " question sets the alarm",
    r"idle, connected: row 1 lacks show": "where this row is taken the screen stays the same, or the wizard's own row"
    " shows it",
    r"released: row 1 lacks set-alarm": "a phone that the vendor has given up waits for nothing",
}
"""Why a defect that nothing catches does no harm, by what its name matches."""


class MutantResult(StrEnum):
    """What became of a mutant."""

    CAUGHT = "caught"
    EQUIVALENT = "equivalent"
    """Every step that can happen is the same as without the defect."""
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Hunted:
    """The fate of one mutant; `invariants` are those that caught it."""

    id: str
    site: Site
    fate: MutantResult
    invariants: tuple[str, ...] = ()

    @property
    def explanation(self) -> str:
        """Why it was not caught; empty where it was."""
        if self.fate is MutantResult.CAUGHT:
            return ""
        if self.fate is MutantResult.EQUIVALENT:
            return "no step that can happen differs"
        known = (why for pattern, why in SURVIVORS.items() if re.search(pattern, self.id))
        return next(known, "nobody has explained this one yet: an invariant may be missing")

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "id": self.id,
            "site": self.site.value,
            "fate": self.fate.value,
            "invariants": list(self.invariants),
            "explanation": self.explanation,
        }


class MutantRunner:
    """Hunts on a phone with `traits`, after one search of the production agent on it."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._model = Model(traits)
        if Search(self._model).run().violations:
            raise ValueError(
                "the production tables break an invariant themselves; mend them before hunting mutants"
            )

    def run_mutant(self, mutant: Mutant) -> Hunted:
        """The fate of a mutant. One that ends in an exception is caught by that."""
        try:
            return self._hunt(mutant)
        except (TypeError, ValueError, KeyError, AttributeError):
            return Hunted(mutant.id, mutant.site, MutantResult.CAUGHT, (CRASH,))

    def _hunt(self, mutant: Mutant) -> Hunted:
        broken = self._first_difference(mutant)
        if broken is None:
            return Hunted(mutant.id, mutant.site, MutantResult.EQUIVALENT)
        if broken:
            return Hunted(mutant.id, mutant.site, MutantResult.CAUGHT, broken)
        found = self.search(mutant)
        fate = MutantResult.CAUGHT if found else MutantResult.SURVIVED
        return Hunted(mutant.id, mutant.site, fate, tuple(violation.invariant for violation in found))

    def search(self, mutant: Mutant) -> tuple[Violation, ...]:
        """Search a mutant until something is broken; the shortest stories to it, or nothing."""
        return tuple(Search(Model(self._traits, mutant.plan), first=True).run().violations.values())

    def _first_difference(self, mutant: Mutant) -> tuple[str, ...] | None:
        """What the first step that differs breaks: invariants, or nothing. None where no step differs."""
        if mutant.site is Site.SEALING:
            return None if self._model.flash.agrees(mutant.plan.recover) else ()
        stepper, pool = Stepper(mutant.plan, self._model.pool), self._model.pool
        for (state, event), outcome in list(self._model.body.stepper.taken.items()):
            if not _concerned(mutant, pool.states[state], pool.events[event].kind):
                continue
            mutated = stepper.outcome(state, event)
            if mutated.told() != outcome.told():
                return tuple(dict.fromkeys(name for name, _ in mutated.broken))
        return None


def _concerned(mutant: Mutant, state: State, kind: EventKind) -> bool:
    if mutant.concerns is None:
        return True
    return kind is mutant.concerns[1] and getattr(state, mutant.machine) is mutant.concerns[0]


def share(number: int, shares: int, ids: Sequence[str]) -> list[Hunted]:
    """The fates of every `shares`-th mutant among `ids`, from `number` on."""
    mutants = {mutant.id: mutant for mutant in all_mutants()}
    hunter = MutantRunner(traits_of(load_named(PROFILE)))
    return [hunter.run_mutant(mutants[name]) for name in ids[number::shares]]


def hunt_all(ids: Sequence[str], shares: int = SHARES) -> Iterator[Hunted]:
    """The fates of mutants, as they get known."""
    with ProcessPoolExecutor(shares, mp_context=get_context("spawn")) as pool:
        hunts = [pool.submit(share, number, shares, ids) for number in range(shares)]
        for done in as_completed(hunts):
            yield from done.result()
