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
    VerdictReceived,
)
from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.core.states import Exchange, Lock, State
from agent.verification.bounds import TimestampBounds
from lab.model_check import verdict_factory
from lab.model_check.abstraction import ACCEPTED, NOW, SERIAL, UNIT
from lab.model_check.memoized_step import StatePool
from lab.model_check.specification import RESTING

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
    """An event that can occur; `event` is a number into the pool."""

    name: str
    event: int
    helpful: bool


def tap(screen: ScreenId, action: Action) -> EventKind | None:
    """The event of an action of a screen, or None if it causes none."""
    if action is Action.CONTINUE:
        return _CONTINUES.get(screen, EventKind.CONTINUE)
    return _ACTIONS.get(action)


class EventSource:
    """The possible events, computed once for each state."""

    def __init__(self, pool: StatePool) -> None:
        self._pool = pool
        self._found: dict[int, tuple[PossibleEvent, ...]] = {}

    def kind(self, kind: EventKind) -> int:
        """The number of an event without further content."""
        return self._pool.event(kind, SPECIAL.get(kind) or SimpleEvent(kind))

    def failure(self, trouble: Trouble) -> int:
        """The number of a failed exchange."""
        return self._pool.event(("failed", trouble), Failed(trouble, "explored"))

    def outside(self, number: int) -> tuple[PossibleEvent, ...]:
        """The events that modem, network, server, support and attacker can cause in this state."""
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = tuple(self._outside(self._pool.states[number]))
        return found

    def _outside(self, state: State) -> Iterator[PossibleEvent]:
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
            for name, token in self._honest(state, state.nonce):
                yield self._delivered(f"server: {name}", token, state, helpful=name == "allow")
            for name, token in verdict_factory.stolen(state.nonce):
                yield self._delivered(f"attacker: {name}", token, state, helpful=False)
        if state.lock is Lock.LOCKED and state.exchange in RESTING:
            yield from self._codes(state)

    def _failures(self) -> Iterator[PossibleEvent]:
        yield PossibleEvent("network: the answer is lost", self.failure(Trouble.UNREACHABLE), helpful=False)
        yield PossibleEvent("server: refuses to answer", self.failure(Trouble.REFUSED), helpful=False)
        yield PossibleEvent("server: busy", self.failure(Trouble.BUSY), helpful=False)

    def _honest(self, state: State, nonce: str) -> Iterator[tuple[str, verdict_factory.Token]]:
        memories = {"": SERIAL, ", from a backup": SERIAL - 7, ", after lost answers": SERIAL + 7}
        for decision in verdict_factory.DECISIONS:
            for name, remembered in memories.items():
                yield f"{decision}{name}", verdict_factory.honest(decision, state, nonce, remembered, 0)
            later = verdict_factory.honest(decision, state, nonce, SERIAL, UNIT)
            yield f"{decision}, and it is later than the phone knew", later

    def _delivered(
        self, name: str, token: verdict_factory.Token, state: State, *, helpful: bool
    ) -> PossibleEvent:
        verdict = verdict_factory.judge(token, state, state.nonce)
        if isinstance(verdict, str):
            return PossibleEvent(
                f"{name}: refused, {verdict}", self.failure(Trouble.UNTRUSTED), helpful=False
            )
        received = VerdictReceived(verdict, TimestampBounds(max(NOW, token.issued)))
        return PossibleEvent(name, self._pool.event(token, received), helpful=helpful)

    def _codes(self, state: State) -> Iterator[PossibleEvent]:
        """Unlock codes, checked by the production verifier of codes."""
        tokens = [(f"support: {name}", t) for name, t in self._honest(state, verdict_factory.SHOWN)]
        tokens += [(f"attacker: {name}", t) for name, t in verdict_factory.stolen(verdict_factory.SHOWN)]
        for name, token in tokens:
            verdict = verdict_factory.judge(token, state, verdict_factory.SHOWN)
            if isinstance(verdict, str):
                refused = f"{name}, as a code: refused, {verdict}"
                yield PossibleEvent(refused, self.kind(EventKind.CODE_REFUSED), helpful=False)
            else:
                number = self._pool.event(token, VerdictReceived(verdict))
                yield PossibleEvent(f"{name}, as a code", number, helpful=False)
