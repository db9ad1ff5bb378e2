"""Independent specification of the transitions, compared with the tables of the agent.

The invariants state what must never happen; most mutants of a table break no invariant, but do not do what they must.
`expected_state` returns the states after an event, or None for an event that must be rejected.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.core import timing
from agent.core.events import Event, EventKind, VerdictReceived
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Setup, State
from agent.core.timing import Context
from agent.verification.bounds import TimestampBounds

K = EventKind
VERDICTS: Final = frozenset({K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED})
FAVOURABLE: Final = frozenset({K.ALLOWED, K.NOTICED, K.RELEASED})
RESTING: Final = (Exchange.IDLE, Exchange.BACKOFF)
LOCKABLE: Final = (Lock.ACTIVATED, Lock.NOTICE)
UNLOCKED: Final = (*LOCKABLE, Lock.RELEASED)
RETRIED_ON_NETWORK: Final = (Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.NO_KEYS)
IGNORED_WHEN_RELEASED: Final = VERDICTS | {
    K.LOCK_DUE, K.OFFLINE_DUE, K.WARNING_DUE, K.HEARTBEAT, K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """The states of the four machines after an event."""

    setup: Setup
    exchange: Exchange
    lock: Lock
    attention: Attention

    def __str__(self) -> str:
        return f"{self.setup}, {self.exchange}, {self.lock}, {self.attention}"


def expected_state(state: State, kind: EventKind, context: Context) -> ExpectedState | None:
    """The states that `kind` leads to from `state`, or None if it must be rejected."""
    if not _accepted(state, kind, context):
        return None
    if kind is K.BOOTED or (kind is K.DEFERRED and state.attention is Attention.WARNING):
        attention = Attention.NOTICE if state.lock is Lock.NOTICE else Attention.CLEAR
    else:
        attention = _ATTENTION.get(kind, state.attention)
    setup = Setup.DONE if kind in FAVOURABLE else _SETUP.get((state.setup, kind), state.setup)
    return ExpectedState(setup, _exchange(state, kind, context), _LOCKS.get(kind, state.lock), attention)


def bounds_after(known: TimestampBounds, shown: TimestampBounds) -> TimestampBounds:
    """The bounds after an exchange: the floor is that of the timestamp, unless the known one is later and stays.

    It does not stay if the timestamp has a greater clock number, or if a key of the role was replaced. What
    no timestamp has set, the build date of the image, stays.
    """
    stays = known.root == 0 or (shown.clock <= known.clock and set(known.signers) <= set(shown.signers))
    return replace(shown, floor=known.floor) if stays and known.floor > shown.floor else shown


def time_after(state: State, event: Event, context: Context) -> tuple[int, int]:
    """The floor of trusted time and trusted time after an event. Only a verdict of an exchange sets them."""
    memory = state.memory
    passed = int(context.elapsed - memory.time.elapsed)
    if isinstance(event, VerdictReceived) and event.bounds is not None:
        known = replace(memory.bounds, floor=memory.bounds.floor + passed)
        floor = bounds_after(known, event.bounds).floor
        return floor, max(floor, event.verdict.claims.iat)
    return memory.bounds.floor + passed, memory.time.epoch + passed


def is_specified(kind: EventKind) -> bool:
    """Whether this specification covers `kind`."""
    return kind in _SPECIFIED


def may_ask(state: State) -> bool:
    """Whether the wizard has reached the activation, and the device is not released."""
    return state.setup in (Setup.ACTIVATE, Setup.DONE) and state.lock is not Lock.RELEASED


def _accepted(state: State, kind: EventKind, context: Context) -> bool:
    if state.lock is Lock.RELEASED and kind in IGNORED_WHEN_RELEASED:
        return False
    if kind in VERDICTS:
        # A verdict answers a request; as an unlock code, only a favourable one answers the lock screen's challenge.
        code = state.lock is Lock.LOCKED and state.exchange in RESTING and kind in FAVOURABLE
        return may_ask(state) and (code or state.exchange is Exchange.AWAITING_VERDICT)
    condition = _CONDITIONS.get(kind)
    return condition is None or condition(state, context)


_CONDITIONS: Final[dict[EventKind, Callable[[State, Context], bool]]] = {
    K.BOOTED: lambda s, _: s.exchange is Exchange.IDLE,
    K.TERMS_ACCEPTED: lambda s, _: s.setup not in (Setup.LANGUAGE, Setup.CONNECT),
    K.TERMS_DECLINED: lambda s, _: s.setup is Setup.TERMS,
    K.CONTINUE: lambda s, _: s.attention is not Attention.CLEAR,
    K.RETRY: lambda s, _: may_ask(s) and s.exchange in RESTING,
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
"""When an event is accepted; one that is not listed always is."""

_SPECIFIED: Final = VERDICTS | _CONDITIONS.keys() | {
    K.LANGUAGE_CHOSEN, K.CONNECTED, K.IMEI_REQUESTED, K.SIM_CHANGED, K.HEARTBEAT,
}  # fmt: skip


_SETUP: Final = {
    (Setup.LANGUAGE, K.LANGUAGE_CHOSEN): Setup.TERMS,
    (Setup.TERMS, K.TERMS_ACCEPTED): Setup.CONNECT,
    (Setup.TERMS, K.TERMS_DECLINED): Setup.LANGUAGE,
    (Setup.CONNECT, K.CONNECTED): Setup.ACTIVATE,
}
_EXCHANGES: Final = {
    K.COLLECTED: Exchange.CHALLENGING,
    K.CHALLENGED: Exchange.AWAITING_VERDICT,
    K.FAILED: Exchange.BACKOFF,
    K.DEFERRED: Exchange.BACKOFF,
    **dict.fromkeys((K.ALLOWED, K.NOTICED, K.DENIED, K.RELEASED), Exchange.IDLE),
    **dict.fromkeys((K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE), Exchange.COLLECTING),
}
_LOCKS: Final = {
    K.ALLOWED: Lock.ACTIVATED,
    K.NOTICED: Lock.NOTICE,
    K.RELEASED: Lock.RELEASED,
    **dict.fromkeys((K.DENIED, K.LOCK_DUE, K.OFFLINE_DUE), Lock.LOCKED),
}
_ATTENTION: Final = {
    K.NOTICED: Attention.NOTICE,
    K.WARNING_DUE: Attention.WARNING,
    **dict.fromkeys((K.ALLOWED, K.DENIED, K.RELEASED), Attention.CLEAR),
    **dict.fromkeys((K.LOCK_DUE, K.OFFLINE_DUE, K.CONTINUE), Attention.CLEAR),
}


def _exchange(state: State, kind: EventKind, context: Context) -> Exchange:
    if kind in _EXCHANGES:
        return _EXCHANGES[kind]
    if kind in (K.BOOTED, K.SIM_CHANGED) and state.exchange is Exchange.IDLE and may_ask(state):
        return Exchange.COLLECTING
    if kind is K.TERMS_ACCEPTED and state.exchange in RESTING and may_ask(state):
        return Exchange.COLLECTING
    if kind is K.CONNECTED and _asks_on_network(state, context):
        return Exchange.COLLECTING
    return state.exchange


def _asks_on_network(state: State, context: Context) -> bool:
    """A new network is used during activation, if locked or overdue, and if the last exchange failed without one."""
    if state.lock is Lock.RELEASED or state.exchange not in RESTING:
        return False
    if state.exchange is Exchange.BACKOFF:
        return may_ask(state) and state.trouble in RETRIED_ON_NETWORK
    overdue = state.lock is Lock.LOCKED or timing.reached(state.memory.check_in_at, state, context)
    return state.setup in (Setup.CONNECT, Setup.ACTIVATE) or (state.setup is Setup.DONE and overdue)
