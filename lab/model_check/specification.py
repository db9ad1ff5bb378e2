"""What each event is to mean, said a second time and in another way than the tables: as what becomes of the phone.

The invariants say what must never happen; most defects of a table break a promise without breaking those. `meaning`
gives the states after an event, or None for an event that must be refused. Kinds that are unknown here mean nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.core import timing
from agent.core.events import EventKind
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Setup, State
from agent.core.timing import Context

K = EventKind
VERDICTS: Final = frozenset({K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED})
FAVOURABLE: Final = frozenset({K.ALLOWED, K.NOTICED, K.RELEASED})
RESTING: Final = (Exchange.IDLE, Exchange.BACKOFF)
LOCKABLE: Final = (Lock.ACTIVATED, Lock.NOTICE)
UNLOCKED: Final = (*LOCKABLE, Lock.RELEASED)
MENDED_BY_A_NETWORK: Final = (Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.NO_KEYS)
IGNORED_WHEN_RELEASED: Final = VERDICTS | {
    K.LOCK_DUE, K.OFFLINE_DUE, K.WARNING_DUE, K.HEARTBEAT, K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """Where the four machines stand after an event."""

    setup: Setup
    exchange: Exchange
    lock: Lock
    attention: Attention


def meaning(state: State, kind: EventKind, context: Context) -> ExpectedState | None:
    """Where `kind` leads from `state`, or None where it must be refused."""
    if not _admitted(state, kind, context):
        return None
    return ExpectedState(
        _setup(state, kind),
        _exchange(state, kind, context),
        _lock(state, kind),
        _attention(state, kind),
    )


def known(kind: EventKind) -> bool:
    """Whether this page says what `kind` means."""
    return kind in _KNOWN


def may_ask(state: State) -> bool:
    """The wizard has come to the question, and the vendor has not given the phone up."""
    return state.setup in (Setup.ACTIVATE, Setup.DONE) and state.lock is not Lock.RELEASED


def _admitted(state: State, kind: EventKind, context: Context) -> bool:
    if state.lock is Lock.RELEASED and kind in IGNORED_WHEN_RELEASED:
        return False
    if kind in VERDICTS:
        return _answers(state, kind)
    condition = _CONDITIONS.get(kind)
    return condition is None or condition(state, context)


def _answers(state: State, kind: EventKind) -> bool:
    """A verdict answers a question, or the challenge on the lock screen, and then only in the user's favour."""
    if not may_ask(state):
        return False
    code = state.lock is Lock.LOCKED and state.exchange in RESTING and kind in FAVOURABLE
    return code or state.exchange is Exchange.AWAITING_VERDICT


def _may_ask_now(state: State, _: Context) -> bool:
    return may_ask(state) and state.exchange in RESTING


_CONDITIONS: Final[dict[EventKind, Callable[[State, Context], bool]]] = {
    K.BOOTED: lambda s, _: s.exchange is Exchange.IDLE,
    K.TERMS_ACCEPTED: lambda s, _: s.setup not in (Setup.LANGUAGE, Setup.CONNECT),
    K.TERMS_DECLINED: lambda s, _: s.setup is Setup.TERMS,
    K.CONTINUE: lambda s, _: s.attention is not Attention.CLEAR,
    K.RETRY: _may_ask_now,
    K.CHECK_IN_DUE: lambda s, c: (
        may_ask(s) and s.exchange is Exchange.IDLE and timing.reached(s.memory.check_in_at, s, c)
    ),
    K.RETRY_DUE: lambda s, c: may_ask(s) and s.exchange is Exchange.BACKOFF and c.elapsed >= s.retry_at,
    K.WARNING_DUE: lambda s, c: (
        s.attention is not Attention.WARNING and timing.reached(s.memory.warn_at, s, c)
    ),
    K.LOCK_DUE: lambda s, c: s.lock is Lock.NOTICE and timing.reached(s.memory.lock_at, s, c),
    K.OFFLINE_DUE: lambda s, c: s.lock in LOCKABLE and timing.reached(s.memory.offline_at, s, c),
    K.COLLECTED: lambda s, _: s.exchange is Exchange.COLLECTING,
    K.CHALLENGED: lambda s, _: s.exchange is Exchange.CHALLENGING,
    K.FAILED: lambda s, _: s.exchange not in RESTING,
    K.CODE_REFUSED: lambda s, _: s.lock is Lock.LOCKED,
}
"""When an event is admitted at all; one that is not listed always is."""

_KNOWN: Final = VERDICTS | _CONDITIONS.keys() | {
    K.LANGUAGE_CHOSEN, K.CONNECTED, K.IMEI_REQUESTED, K.SIM_CHANGED, K.HEARTBEAT,
}  # fmt: skip


def _setup(state: State, kind: EventKind) -> Setup:
    if kind in FAVOURABLE:
        return Setup.DONE
    moves = {
        (Setup.LANGUAGE, K.LANGUAGE_CHOSEN): Setup.TERMS,
        (Setup.TERMS, K.TERMS_ACCEPTED): Setup.CONNECT,
        (Setup.TERMS, K.TERMS_DECLINED): Setup.LANGUAGE,
        (Setup.CONNECT, K.CONNECTED): Setup.ACTIVATE,
    }
    return moves.get((state.setup, kind), state.setup)


def _exchange(state: State, kind: EventKind, context: Context) -> Exchange:
    if kind in _ANSWERED:
        return _ANSWERED[kind]
    if kind in (K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE):
        return Exchange.COLLECTING
    if kind in (K.BOOTED, K.SIM_CHANGED) and state.exchange is Exchange.IDLE and may_ask(state):
        return Exchange.COLLECTING
    if kind is K.TERMS_ACCEPTED and state.exchange in RESTING and may_ask(state):
        return Exchange.COLLECTING
    if kind is K.CONNECTED and _welcomes_network(state, context):
        return Exchange.COLLECTING
    return state.exchange


_ANSWERED: Final = {
    K.COLLECTED: Exchange.CHALLENGING,
    K.CHALLENGED: Exchange.AWAITING_VERDICT,
    K.FAILED: Exchange.BACKOFF,
    K.DEFERRED: Exchange.BACKOFF,
    K.ALLOWED: Exchange.IDLE,
    K.NOTICED: Exchange.IDLE,
    K.DENIED: Exchange.IDLE,
    K.RELEASED: Exchange.IDLE,
}


def _welcomes_network(state: State, context: Context) -> bool:
    """A network that comes up is used by a phone that wants in, is locked or overdue, or that it was missing."""
    if state.lock is Lock.RELEASED or state.exchange not in RESTING:
        return False
    if state.exchange is Exchange.BACKOFF:
        return may_ask(state) and state.trouble in MENDED_BY_A_NETWORK
    overdue = state.lock is Lock.LOCKED or timing.reached(state.memory.check_in_at, state, context)
    return state.setup in (Setup.CONNECT, Setup.ACTIVATE) or (state.setup is Setup.DONE and overdue)


def _lock(state: State, kind: EventKind) -> Lock:
    decided = {
        K.ALLOWED: Lock.ACTIVATED,
        K.NOTICED: Lock.NOTICE,
        K.DENIED: Lock.LOCKED,
        K.RELEASED: Lock.RELEASED,
        K.LOCK_DUE: Lock.LOCKED,
        K.OFFLINE_DUE: Lock.LOCKED,
    }
    return decided.get(kind, state.lock)


def _attention(state: State, kind: EventKind) -> Attention:
    if kind is K.BOOTED:
        return Attention.NOTICE if state.lock is Lock.NOTICE else Attention.CLEAR
    told = {
        K.NOTICED: Attention.NOTICE,
        K.WARNING_DUE: Attention.WARNING,
        **dict.fromkeys((K.ALLOWED, K.DENIED, K.RELEASED), Attention.CLEAR),
        **dict.fromkeys((K.LOCK_DUE, K.OFFLINE_DUE, K.CONTINUE), Attention.CLEAR),
    }
    return told.get(kind, state.attention)
