"""What can happen to a running agent: events with their story, by the state in which they can."""

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
from agent.core.screens import Action, ScreenId, Trouble
from agent.core.states import Exchange, Lock, State
from lab.model_check import verdict_factory
from lab.model_check.abstraction import ACCEPTED, SERIAL, UNIT
from lab.model_check.memoized_step import Pool
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
"""Where the button that leads on is another event than putting something away."""


class Happening(NamedTuple):
    """Something that can happen; `event` is a number into the pool."""

    story: str
    event: int
    helpful: bool


def tap(screen: ScreenId, action: Action) -> EventKind | None:
    """What a button of a screen tells the machine, or None where it is none of its business."""
    if action is Action.CONTINUE:
        return _CONTINUES.get(screen, EventKind.CONTINUE)
    return _ACTIONS.get(action)


class Happenings:
    """Finds what can happen, once for each state."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._found: dict[int, tuple[Happening, ...]] = {}

    def kind(self, kind: EventKind) -> int:
        """The number of an event that says all by its kind."""
        return self._pool.event(kind, SPECIAL.get(kind) or SimpleEvent(kind))

    def failure(self, trouble: Trouble) -> int:
        """The number of a failed exchange."""
        return self._pool.event(("failed", trouble), Failed(trouble, "explored"))

    def outside(self, number: int) -> tuple[Happening, ...]:
        """What modem, network, server, support and attacker can do to an agent in this state."""
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = tuple(self._outside(self._pool.states[number]))
        return found

    def _outside(self, state: State) -> Iterator[Happening]:
        if state.exchange is Exchange.COLLECTING:
            yield Happening("modem: SIMs and network are read", self.kind(EventKind.COLLECTED), helpful=True)
            yield Happening("modem: silent", self.failure(Trouble.NO_TELEPHONY), helpful=False)
        if state.exchange is Exchange.CHALLENGING:
            yield from self._challenges()
        if state.exchange is Exchange.AWAITING_VERDICT:
            yield from self._answers(state, state.nonce)
        if state.lock is Lock.LOCKED and state.exchange in RESTING:
            yield from self._codes(state)

    def _challenges(self) -> Iterator[Happening]:
        fresh = self._pool.event(verdict_factory.FRESH, ChallengeReceived(verdict_factory.FRESH))
        replayed = self._pool.event(verdict_factory.REPLAYED, ChallengeReceived(verdict_factory.REPLAYED))
        yield Happening("server: a fresh challenge", fresh, helpful=True)
        yield Happening("attacker: an earlier challenge again", replayed, helpful=False)
        yield from self._failures()

    def _failures(self) -> Iterator[Happening]:
        yield Happening("network: the answer is lost", self.failure(Trouble.UNREACHABLE), helpful=False)
        yield Happening("server: refuses to answer", self.failure(Trouble.REFUSED), helpful=False)
        yield Happening("server: busy", self.failure(Trouble.BUSY), helpful=False)

    def _answers(self, state: State, nonce: str) -> Iterator[Happening]:
        yield from self._failures()
        for story, token in self._honest(state, nonce):
            yield from self._delivered(f"server: {story}", token, state, nonce, helpful=story == "allow")
        for story, token in verdict_factory.stolen(nonce):
            yield from self._delivered(f"attacker: {story}", token, state, nonce, helpful=False)

    def _honest(self, state: State, nonce: str) -> Iterator[tuple[str, verdict_factory.Token]]:
        memories = {"": SERIAL, ", from a backup": SERIAL - 7, ", after lost answers": SERIAL + 7}
        for name in verdict_factory.DECISIONS:
            for story, remembered in memories.items():
                yield f"{name}{story}", verdict_factory.honest(name, state, nonce, remembered, 0)
            if not state.anchored:
                later = verdict_factory.honest(name, state, nonce, SERIAL, UNIT)
                yield f"{name}, and it is later than the phone knew", later

    def _delivered(
        self, story: str, token: verdict_factory.Token, state: State, nonce: str, *, helpful: bool
    ) -> Iterator[Happening]:
        verdict = verdict_factory.judge(token, state, nonce)
        if isinstance(verdict, str):
            refused = f"{story}: refused, {verdict}"
            yield Happening(refused, self.failure(Trouble.UNTRUSTED), helpful=False)
        else:
            yield Happening(story, self._pool.event(token, VerdictReceived(verdict)), helpful=helpful)

    def _codes(self, state: State) -> Iterator[Happening]:
        """Unlock codes, through the verifier that takes them."""
        tokens = [(f"support: {name}", t) for name, t in self._honest(state, verdict_factory.SHOWN)]
        tokens += [(f"attacker: {name}", t) for name, t in verdict_factory.stolen(verdict_factory.SHOWN)]
        for story, token in tokens:
            verdict = verdict_factory.judge(token, state, verdict_factory.SHOWN)
            if isinstance(verdict, str):
                told = f"{story}, as a code: refused, {verdict}"
                yield Happening(told, self.kind(EventKind.CODE_REFUSED), helpful=False)
            else:
                number = self._pool.event(token, VerdictReceived(verdict))
                yield Happening(f"{story}, as a code", number, helpful=False)
