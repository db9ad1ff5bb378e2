"""The events that the environment can cause in each state of a running agent, with their names."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from agent.core.events import (
    ChallengeReceived,
    CodeRefused,
    Collected,
    Event,
    EventKind,
    Failed,
    LanguageChosen,
    SimpleEvent,
    TermsAccepted,
)
from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.core.states import Exchange, Lock, Memory, State
from lab.model_check import specification, verdict_factory
from lab.model_check.abstraction import ACCEPTED, SERIAL
from lab.model_check.invariants import Broken
from lab.model_check.memoized_step import StatePool
from lab.model_check.publications import NOW, UNIT
from lab.model_check.server_answers import PossibleAnswer, answers, on_time
from lab.model_check.specification import RESTING
from lab.model_check.verdict_factory import Refusal, ServerAnswer, Token, Verifier, serial_of
from lab.model_check.world_state import Memo
from wire.codes import Decision

SPECIAL: Final[dict[EventKind, Event]] = {
    EventKind.LANGUAGE_CHOSEN: LanguageChosen("fr"),
    EventKind.TERMS_ACCEPTED: TermsAccepted(ACCEPTED),
    EventKind.COLLECTED: Collected("350000000000006"),
    EventKind.CODE_REFUSED: CodeRefused("explored"),
}
TIMERS: Final = (
    EventKind.CHECK_IN_DUE, EventKind.RETRY_DUE, EventKind.WARNING_DUE,
    EventKind.LOCK_DUE, EventKind.OFFLINE_DUE, EventKind.HEARTBEAT,
)  # fmt: skip
TAPS: Final = (
    EventKind.LANGUAGE_CHOSEN, EventKind.TERMS_ACCEPTED, EventKind.TERMS_DECLINED,
    EventKind.CONTINUE, EventKind.IMEI_REQUESTED,
)  # fmt: skip
_ACTIONS: Final = {
    Action.LANGUAGE: EventKind.LANGUAGE_CHOSEN,
    Action.ACCEPT_TERMS: EventKind.TERMS_ACCEPTED,
    Action.DECLINE_TERMS: EventKind.TERMS_DECLINED,
    Action.RETRY: EventKind.RETRY,
    Action.SHOW_IMEI: EventKind.IMEI_REQUESTED,
    Action.CONTINUE: EventKind.CONTINUE,
}
_CONTINUES: Final = {ScreenId.LANGUAGE: EventKind.LANGUAGE_CHOSEN, ScreenId.CONNECT: EventKind.CONNECTED}
"""Screens whose "continue" button is not the event CONTINUE."""


class PossibleEvent(NamedTuple):
    """An event that can occur; `event` is a number into the pool. `broken` is what the verifiers broke."""

    name: str
    event: int
    helpful: bool
    broken: tuple[Broken, ...] = ()


def tap(screen: ScreenId, action: Action) -> EventKind | None:
    """The event of an action of a screen, or None if it causes none."""
    if action is Action.CONTINUE:
        return _CONTINUES.get(screen, EventKind.CONTINUE)
    return _ACTIONS.get(action)


class EventSource:
    """The possible events. `found` has those of each state, by its number, computed once."""

    def __init__(self, pool: StatePool) -> None:
        self._pool = pool
        self._verifier = Verifier()
        self.found: Memo[int, tuple[PossibleEvent, ...]] = Memo(
            lambda number: tuple(self._outside(pool.states[number]))
        )

    def kind(self, kind: EventKind) -> int:
        """The number of an event without further content."""
        return self._pool.event(kind, SPECIAL.get(kind) or SimpleEvent(kind))

    def failure(self, trouble: Trouble) -> int:
        """The number of a failed exchange."""
        return self._pool.event(("failed", trouble), Failed(trouble, "explored"))

    def _outside(self, state: State) -> Iterator[PossibleEvent]:
        """The events that modem, network, server, support and attacker can cause in this state."""
        if state.exchange is Exchange.COLLECTING:
            yield PossibleEvent(
                "modem: SIMs and network are read", self.kind(EventKind.COLLECTED), helpful=True
            )
            for trouble in ModemTrouble:
                event = self._pool.event(("collected", trouble), Collected("", trouble))
                yield PossibleEvent(f"modem: {trouble}", event, helpful=True)
        if state.exchange is Exchange.CHALLENGING:
            fresh = self._pool.event(verdict_factory.FRESH, ChallengeReceived(verdict_factory.FRESH))
            replayed = self._pool.event(verdict_factory.REPLAYED, ChallengeReceived(verdict_factory.REPLAYED))
            yield PossibleEvent("server: a fresh challenge", fresh, helpful=True)
            yield PossibleEvent("attacker: an earlier challenge again", replayed, helpful=False)
            yield from self._failures()
        if state.exchange is Exchange.AWAITING_VERDICT:
            yield from self._failures()
            yield self._failure("flash: the disk is full, and the keys cannot be stored", Trouble.NO_STORAGE)
            for possible in answers(state.memory, state.nonce):
                yield self._answered(possible, state)
            for name, token in verdict_factory.stolen(state.nonce):
                yield self._answered(PossibleAnswer(f"attacker: {name}", ServerAnswer(token)), state)
        if state.lock is Lock.LOCKED and state.exchange in RESTING:
            yield from self._codes(state.memory)

    def _failures(self) -> Iterator[PossibleEvent]:
        yield self._failure("network: the answer is lost", Trouble.UNREACHABLE)
        yield self._failure("server: refuses to answer", Trouble.REFUSED)
        yield self._failure("server: busy, or its disk is full, or its clock was stepped", Trouble.BUSY)

    def _failure(self, name: str, trouble: Trouble, broken: tuple[Broken, ...] = ()) -> PossibleEvent:
        return PossibleEvent(name, self.failure(trouble), helpful=False, broken=broken)

    def _answered(self, possible: PossibleAnswer, state: State) -> PossibleEvent:
        """The end of an exchange. An honest answer is accepted, whatever happened before."""
        name, answer = possible.name, possible.answer
        result = self._verifier.exchange(answer, state.memory, state.nonce)
        code = result.code if isinstance(result, Refusal) else ""
        broken: tuple[Broken, ...] = ()
        if possible.code is not None and code != possible.code:
            invariant = "I7" if possible.honest else "D1"
            expected, found = (each or "accepted" for each in (possible.code, code))
            broken = ((invariant, f"the answer must be {expected}, and is {found}"),)
        if isinstance(result, Refusal):
            return self._failure(f"{name}: refused, {code}", result.trouble, broken)
        bounds = specification.bounds_after(state.memory.bounds, answer.publication.shown)
        if result.bounds != bounds:
            broken += (("I4", f"the bounds must be {bounds}, and are {result.bounds}"),)
        event = self._pool.event((answer.token, result.bounds), result)
        helpful = possible.honest and answer.token.decision is Decision.ALLOW
        return PossibleEvent(name, event, helpful, broken)

    def _codes(self, memory: Memory) -> Iterator[PossibleEvent]:
        """Unlock codes, checked by the production verifier of codes."""
        shown = verdict_factory.SHOWN
        tokens = [(f"support: {name}", answer.token) for name, answer in on_time(memory, shown)]
        later = Token("allow", shown, serial=serial_of(memory, SERIAL), issued=NOW + UNIT)
        tokens.append(("support: allow, and it is later than the phone knew", later))
        tokens += [(f"attacker: {name}", token) for name, token in verdict_factory.stolen(shown)]
        for name, token in tokens:
            result = self._verifier.code(token, memory)
            if isinstance(result, Refusal):
                refused = f"{name}, as a code: refused, {result.code}"
                yield PossibleEvent(refused, self.kind(EventKind.CODE_REFUSED), helpful=False)
            else:
                yield PossibleEvent(f"{name}, as a code", self._pool.event(token, result), helpful=False)
