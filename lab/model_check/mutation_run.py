"""Runs mutants: whether each is caught, by which invariant, and why not.

A breadth-first search of a mutant equals the search of the production tables up to the first step that differs. So the
steps of the production search are repeated with the mutant, in their order. A mutant that no reachable event
distinguishes from production is equivalent. If the first different step breaks an invariant, the mutant is caught.
Only otherwise is the mutant searched from the start.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import get_context
from typing import Any, Final

from agent.core.events import VerdictReceived
from firmware_profiles.loader import load_named
from lab.model_check.memoized_step import Stepper
from lab.model_check.model import Model
from lab.model_check.mutants import AgentMutant, MutationSite, all_mutants
from lab.model_check.profile_traits import Traits, traits_of
from lab.model_check.search import Search, Violation
from lab.model_check.transitions import EventSource

PROFILE: Final = "official-global"
"""The firmware for mutants: it enforces, and every event wakes its agent."""
SHARES: Final = 2
CRASH: Final = "crash"
"""In place of an invariant: the mutant ends in an exception, which no boot may."""


SURVIVORS: Final = {
    r"booted: row 1 lacks set-alarm": "a boot with something to wait for sends a request immediately, and each end of a"
    " request sets the alarm",
    r"idle, connected: row 1 lacks show": "where this row is taken the screen stays the same, or the wizard's own row"
    " shows it",
    r"(activate|done), terms-accepted: row 1 lacks": "the terms of the model have one version, so accepting them again"
    " changes nothing",
    r"released: row 1 lacks set-alarm": "a released device waits for nothing",
}
"""Why a mutant that survives does no harm, by a pattern of its id."""


class MutantResult(StrEnum):
    """The result of a mutant."""

    CAUGHT = "caught"
    EQUIVALENT = "equivalent"
    """Every reachable step is the same as without the mutation."""
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class MutantReport:
    """The result of one mutant; `invariants` are those that caught it."""

    id: str
    site: MutationSite
    result: MutantResult
    invariants: tuple[str, ...] = ()

    @property
    def explanation(self) -> str:
        """Why it was not caught; empty if it was."""
        if self.result is MutantResult.CAUGHT:
            return ""
        if self.result is MutantResult.EQUIVALENT:
            return "no reachable step differs"
        known = (why for pattern, why in SURVIVORS.items() if re.search(pattern, self.id))
        return next(known, "not explained yet: an invariant may be missing")

    def as_json(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "id": self.id,
            "site": self.site.value,
            "fate": self.result.value,
            "invariants": list(self.invariants),
            "explanation": self.explanation,
        }


class MutantRunner:
    """Runs mutants on a device with `traits`, after one search with the production agent."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._model = Model(traits)
        if Search(self._model).run().violations:
            raise ValueError("the production tables break an invariant; fix them before running mutants")

    def run_mutant(self, mutant: AgentMutant) -> MutantReport:
        """The result of a mutant. One that raises an exception is caught by that."""
        try:
            with mutant.variant.applied():
                broken = self._first_difference(mutant)
            if broken is None:
                return MutantReport(mutant.id, mutant.site, MutantResult.EQUIVALENT)
            caught_by = broken or tuple(violation.invariant for violation in self.search(mutant))
        except (TypeError, ValueError, KeyError, AttributeError):
            caught_by = (CRASH,)
        result = MutantResult.CAUGHT if caught_by else MutantResult.SURVIVED
        return MutantReport(mutant.id, mutant.site, result, caught_by)

    def search(self, mutant: AgentMutant) -> tuple[Violation, ...]:
        """Search a mutant until an invariant is broken. Returns the violations with their shortest traces."""
        return tuple(Search(Model(self._traits, mutant.variant), first=True).run().violations.values())

    def _first_difference(self, mutant: AgentMutant) -> tuple[str, ...] | None:
        """The invariants that the first different step breaks. None if no step differs."""
        if mutant.site is MutationSite.SEALING:
            return None if self._model.storage.agrees() else ()
        if mutant.site is MutationSite.TIME and (differing := self._other_events()) is not None:
            return differing
        pool = self._model.pool
        stepper = Stepper(mutant.variant, pool)
        for (state, event), outcome in list(self._model.agent.stepper.taken.items()):
            pair = (getattr(pool.states[state], mutant.machine, None), pool.events[event].kind)
            if mutant.concerns is not None and pair != mutant.concerns:
                continue
            if mutant.site is MutationSite.TIME and not isinstance(pool.events[event], VerdictReceived):
                continue
            mutated = stepper.taken[state, event]
            if mutated.observable() != outcome.observable():
                return tuple(dict.fromkeys(name for name, _ in mutated.broken))
        return None

    def _other_events(self) -> tuple[str, ...] | None:
        """The invariants that the first different result of the verifiers breaks. None if no result differs."""
        events = EventSource(self._model.pool)
        for number, found in list(self._model.agent.events.found.items()):
            mutated = events.found[number]
            if mutated != found:
                return tuple(dict.fromkeys(name for event in mutated for name, _ in event.broken))
        return None


def run_share(number: int, shares: int, ids: Sequence[str]) -> list[MutantReport]:
    """Run every `shares`-th mutant of `ids`, starting with index `number`."""
    mutants = {mutant.id: mutant for mutant in all_mutants()}
    runner = MutantRunner(traits_of(load_named(PROFILE)))
    return [runner.run_mutant(mutants[name]) for name in ids[number::shares]]


def run_all(ids: Sequence[str], shares: int = SHARES) -> Iterator[MutantReport]:
    """Run mutants; yields in the order of completion."""
    with ProcessPoolExecutor(shares, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run_share, number, shares, ids) for number in range(shares)]):
            yield from done.result()
