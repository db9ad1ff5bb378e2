"""The four state machines of the agent, as literal tables. `step` applies them and adds no rules.

Setup is the wizard of a new device: choose a language, accept the terms, connect, activate. It is DONE when a verdict
allows, announces a lock or releases. A denial leaves it at ACTIVATE.

Exchange is one request for a verdict. From IDLE it reads SIMs and network (COLLECTING), gets a nonce (CHALLENGING),
sends the evidence (AWAITING_VERDICT) and returns to IDLE. After a failure or a `defer` it waits in BACKOFF; a retry
starts again from COLLECTING. Only one exchange runs at a time.

Lock is the decision that applies. Each verdict sets it: `allow` ACTIVATED, `notice` NOTICE, `deny` LOCKED, `release`
RELEASED, and `defer` leaves it. Without a verdict it becomes LOCKED only when an announced lock or the offline limit
of a verdict is due; each verdict, also `defer`, renews that limit. RELEASED is final: the agent does nothing more. A
locked device also accepts a verdict outside an exchange, as an unlock code.

Attention selects the screen in front of the home screen: an announced lock (NOTICE), or an offline limit that will
soon be reached (WARNING), until the user continues. A `defer` ends the warning, because it renews the limit.

The machines run as a synchronous product (CSP). The alphabet of a machine is the set of event kinds that concern it.
An event happens in all machines with its kind in their alphabet, or in none of them if one rejects it. For each pair
of state and kind, the rows are tried in order, and the first whose guard holds for the state before the event is
taken. Each pair without a row, or with guards on all rows, has a named rejection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.core import timing
from agent.core.effects import EffectKind
from agent.core.events import EventKind
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Setup, State
from agent.core.timing import Context

K = EventKind
Guard = Callable[[State, Context], bool]


class Rejection(StrEnum):
    """Why an event cannot happen in a state."""

    NOT_DUE = "not-due"
    """Its time has not been reached."""
    SETUP_UNFINISHED = "setup-unfinished"
    """The setup wizard has not reached this step."""
    SETUP_PASSED = "setup-passed"
    """The setup wizard has passed this step."""
    EXCHANGE_RUNNING = "exchange-running"
    """An exchange with the server is already running."""
    NO_QUESTION = "no-question"
    """No request is pending that this could answer."""
    GIVEN_UP = "given-up"
    """The manufacturer has released this device; the agent does nothing more."""
    NOTHING_SHOWN = "nothing-shown"
    """No notice is shown that could be dismissed."""
    NOT_LOCKED = "not-locked"
    """The device is not locked, so there is nothing to unlock."""
    NOT_LOCKABLE = "not-lockable"
    """No verdict has set a deadline in this state."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state of a machine and the effects, if the guard holds."""

    target: Setup | Exchange | Lock | Attention
    do: tuple[EffectKind, ...] = ()
    guard: Guard | None = None


Pair = tuple[StrEnum, EventKind]


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `name` is its field of `State`."""

    name: str
    states: type[StrEnum]
    alphabet: frozenset[EventKind]
    rows: Mapping[Pair, tuple[Transition, ...]]
    rejects: Mapping[Pair, Rejection]


def may_ask(state: State, _: Context) -> bool:
    """The wizard has reached activation, and the device is not released."""
    return state.lock is not Lock.RELEASED and state.setup in (Setup.ACTIVATE, Setup.DONE)


def wants_contact(state: State, context: Context) -> bool:
    """A new connection is used immediately to activate, if locked, and if a check-in is overdue."""
    if state.lock is Lock.RELEASED or state.setup in (Setup.LANGUAGE, Setup.TERMS):
        return False
    return (
        state.setup is not Setup.DONE or state.lock is Lock.LOCKED or timing.check_in_is_due(state, context)
    )


def network_may_help(state: State, context: Context) -> bool:
    """The last failure may have been one of the network. A delay that the server requested is not shortened."""
    return may_ask(state, context) and state.trouble in _NETWORK_TROUBLES


_NETWORK_TROUBLES: Final = (Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.NO_KEYS)


def locked(state: State, _: Context) -> bool:
    """The lock screen is shown. Its challenge can be answered by an unlock code without a network."""
    return state.lock is Lock.LOCKED


def lock_is_announced(state: State, _: Context) -> bool:
    """A lock is announced."""
    return state.lock is Lock.NOTICE


def _always(target: Setup | Exchange | Lock | Attention, *do: EffectKind) -> tuple[Transition, ...]:
    return (Transition(target, do),)


P, S, A = EffectKind.PERSIST, EffectKind.SHOW, EffectKind.SET_ALARM
PSA = (P, S, A)

# --- Setup: the wizard -----------------------------------------------------------------------------------------

_SETUP: Final[dict[Pair, tuple[Transition, ...]]] = {
    (Setup.LANGUAGE, K.BOOTED): _always(Setup.LANGUAGE, P, S),
    (Setup.TERMS, K.BOOTED): _always(Setup.TERMS, P, S),
    (Setup.CONNECT, K.BOOTED): _always(Setup.CONNECT, P, S),
    (Setup.ACTIVATE, K.BOOTED): _always(Setup.ACTIVATE, *PSA),
    (Setup.DONE, K.BOOTED): _always(Setup.DONE, *PSA),
    (Setup.LANGUAGE, K.LANGUAGE_CHOSEN): _always(Setup.TERMS, P, S),
    (Setup.TERMS, K.LANGUAGE_CHOSEN): _always(Setup.TERMS, P, S),
    (Setup.CONNECT, K.LANGUAGE_CHOSEN): _always(Setup.CONNECT, P, S),
    (Setup.ACTIVATE, K.LANGUAGE_CHOSEN): _always(Setup.ACTIVATE, P, S),
    (Setup.DONE, K.LANGUAGE_CHOSEN): _always(Setup.DONE, P, S),
    (Setup.TERMS, K.TERMS_ACCEPTED): _always(Setup.CONNECT, P, S),
    (Setup.ACTIVATE, K.TERMS_ACCEPTED): _always(Setup.ACTIVATE, P, S),
    (Setup.DONE, K.TERMS_ACCEPTED): _always(Setup.DONE, P, S),
    (Setup.TERMS, K.TERMS_DECLINED): _always(Setup.LANGUAGE, P, S),
    (Setup.LANGUAGE, K.CONNECTED): _always(Setup.LANGUAGE),
    (Setup.TERMS, K.CONNECTED): _always(Setup.TERMS),
    (Setup.CONNECT, K.CONNECTED): _always(Setup.ACTIVATE, P, S),
    (Setup.ACTIVATE, K.CONNECTED): _always(Setup.ACTIVATE),
    (Setup.DONE, K.CONNECTED): _always(Setup.DONE),
    (Setup.ACTIVATE, K.RETRY): _always(Setup.ACTIVATE, S),
    (Setup.DONE, K.RETRY): _always(Setup.DONE, S),
    (Setup.ACTIVATE, K.CHECK_IN_DUE): _always(Setup.ACTIVATE),
    (Setup.DONE, K.CHECK_IN_DUE): _always(Setup.DONE),
    (Setup.ACTIVATE, K.RETRY_DUE): _always(Setup.ACTIVATE),
    (Setup.DONE, K.RETRY_DUE): _always(Setup.DONE),
    (Setup.LANGUAGE, K.IMEI_REQUESTED): _always(Setup.LANGUAGE, EffectKind.SHOW_IMEI),
    (Setup.TERMS, K.IMEI_REQUESTED): _always(Setup.TERMS, EffectKind.SHOW_IMEI),
    (Setup.CONNECT, K.IMEI_REQUESTED): _always(Setup.CONNECT, EffectKind.SHOW_IMEI),
    (Setup.ACTIVATE, K.IMEI_REQUESTED): _always(Setup.ACTIVATE, EffectKind.SHOW_IMEI),
    (Setup.DONE, K.IMEI_REQUESTED): _always(Setup.DONE, EffectKind.SHOW_IMEI),
    (Setup.ACTIVATE, K.ALLOWED): _always(Setup.DONE),
    (Setup.ACTIVATE, K.NOTICED): _always(Setup.DONE),
    (Setup.ACTIVATE, K.RELEASED): _always(Setup.DONE),
    (Setup.ACTIVATE, K.DENIED): _always(Setup.ACTIVATE),
    (Setup.ACTIVATE, K.DEFERRED): _always(Setup.ACTIVATE),
    (Setup.DONE, K.ALLOWED): _always(Setup.DONE),
    (Setup.DONE, K.NOTICED): _always(Setup.DONE),
    (Setup.DONE, K.RELEASED): _always(Setup.DONE),
    (Setup.DONE, K.DENIED): _always(Setup.DONE),
    (Setup.DONE, K.DEFERRED): _always(Setup.DONE),
}

_SETUP_REJECTS: Final[dict[Pair, Rejection]] = {
    (Setup.LANGUAGE, K.TERMS_ACCEPTED): Rejection.SETUP_UNFINISHED,
    (Setup.CONNECT, K.TERMS_ACCEPTED): Rejection.SETUP_PASSED,
    (Setup.LANGUAGE, K.TERMS_DECLINED): Rejection.SETUP_UNFINISHED,
    (Setup.CONNECT, K.TERMS_DECLINED): Rejection.SETUP_PASSED,
    (Setup.ACTIVATE, K.TERMS_DECLINED): Rejection.SETUP_PASSED,
    (Setup.DONE, K.TERMS_DECLINED): Rejection.SETUP_PASSED,
    **{
        (s, k): Rejection.SETUP_UNFINISHED
        for s in (Setup.LANGUAGE, Setup.TERMS, Setup.CONNECT)
        for k in (
            K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE, K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED,
        )
    },
}  # fmt: skip

# --- Exchange: one request for a verdict ---------------------------------------------------------------------

_ASK = Transition(Exchange.COLLECTING, (S, EffectKind.COLLECT))
_ASK_IF_MAY = Transition(Exchange.COLLECTING, (EffectKind.COLLECT,), may_ask)
_ASK_IF_WANTED = Transition(Exchange.COLLECTING, (S, EffectKind.COLLECT), wants_contact)
_FAIL = _always(Exchange.BACKOFF, S, A)

_EXCHANGE: Final[dict[Pair, tuple[Transition, ...]]] = {
    (Exchange.IDLE, K.BOOTED): (_ASK_IF_MAY, Transition(Exchange.IDLE)),
    (Exchange.IDLE, K.CONNECTED): (_ASK_IF_WANTED, Transition(Exchange.IDLE)),
    (Exchange.COLLECTING, K.CONNECTED): _always(Exchange.COLLECTING),
    (Exchange.CHALLENGING, K.CONNECTED): _always(Exchange.CHALLENGING),
    (Exchange.AWAITING_VERDICT, K.CONNECTED): _always(Exchange.AWAITING_VERDICT),
    (Exchange.BACKOFF, K.CONNECTED): (
        Transition(Exchange.COLLECTING, (S, EffectKind.COLLECT), network_may_help),
        Transition(Exchange.BACKOFF),
    ),
    (Exchange.IDLE, K.RETRY): (_ASK,),
    (Exchange.BACKOFF, K.RETRY): (_ASK,),
    **{(e, K.TERMS_ACCEPTED): _always(e) for e in Exchange},
    (Exchange.IDLE, K.TERMS_ACCEPTED): (_ASK_IF_MAY, Transition(Exchange.IDLE)),
    (Exchange.BACKOFF, K.TERMS_ACCEPTED): (_ASK_IF_MAY, Transition(Exchange.BACKOFF)),
    (Exchange.IDLE, K.SIM_CHANGED): (_ASK_IF_MAY, Transition(Exchange.IDLE)),
    (Exchange.COLLECTING, K.SIM_CHANGED): _always(Exchange.COLLECTING),
    (Exchange.CHALLENGING, K.SIM_CHANGED): _always(Exchange.CHALLENGING),
    (Exchange.AWAITING_VERDICT, K.SIM_CHANGED): _always(Exchange.AWAITING_VERDICT),
    (Exchange.BACKOFF, K.SIM_CHANGED): _always(Exchange.BACKOFF),
    (Exchange.IDLE, K.CHECK_IN_DUE): (
        Transition(Exchange.COLLECTING, (EffectKind.COLLECT,), timing.check_in_is_due),
    ),
    (Exchange.BACKOFF, K.RETRY_DUE): (
        Transition(Exchange.COLLECTING, (S, EffectKind.COLLECT), timing.retry_is_due),
    ),
    (Exchange.COLLECTING, K.COLLECTED): _always(Exchange.CHALLENGING, EffectKind.REQUEST_CHALLENGE),
    (Exchange.CHALLENGING, K.CHALLENGED): _always(Exchange.AWAITING_VERDICT, EffectKind.REQUEST_VERDICT),
    (Exchange.COLLECTING, K.FAILED): _FAIL,
    (Exchange.CHALLENGING, K.FAILED): _FAIL,
    (Exchange.AWAITING_VERDICT, K.FAILED): _FAIL,
    **{
        (e, k): (Transition(Exchange.IDLE, PSA, locked),)
        for e in (Exchange.IDLE, Exchange.BACKOFF)
        for k in (K.ALLOWED, K.NOTICED, K.RELEASED)
    },
    (Exchange.AWAITING_VERDICT, K.ALLOWED): _always(Exchange.IDLE, *PSA),
    (Exchange.AWAITING_VERDICT, K.NOTICED): _always(Exchange.IDLE, *PSA),
    (Exchange.AWAITING_VERDICT, K.DENIED): _always(Exchange.IDLE, *PSA),
    (Exchange.AWAITING_VERDICT, K.DEFERRED): _always(Exchange.BACKOFF, *PSA),
    (Exchange.AWAITING_VERDICT, K.RELEASED): _always(Exchange.IDLE, P, S),
}

_EXCHANGE_REJECTS: Final[dict[Pair, Rejection]] = {
    **{(e, K.BOOTED): Rejection.EXCHANGE_RUNNING for e in Exchange if e is not Exchange.IDLE},
    **{
        (e, k): Rejection.EXCHANGE_RUNNING
        for e in (Exchange.COLLECTING, Exchange.CHALLENGING, Exchange.AWAITING_VERDICT)
        for k in (K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE)
    },
    (Exchange.BACKOFF, K.CHECK_IN_DUE): Rejection.EXCHANGE_RUNNING,
    (Exchange.IDLE, K.RETRY_DUE): Rejection.NOT_DUE,
    **{(e, K.COLLECTED): Rejection.NO_QUESTION for e in Exchange if e is not Exchange.COLLECTING},
    **{(e, K.CHALLENGED): Rejection.NO_QUESTION for e in Exchange if e is not Exchange.CHALLENGING},
    **{(e, K.FAILED): Rejection.NO_QUESTION for e in (Exchange.IDLE, Exchange.BACKOFF)},
    **{
        (e, k): Rejection.NO_QUESTION
        for e in Exchange
        for k in (K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED)
        if e is not Exchange.AWAITING_VERDICT
    },
    (Exchange.IDLE, K.CHECK_IN_DUE): Rejection.NOT_DUE,
    (Exchange.BACKOFF, K.RETRY_DUE): Rejection.NOT_DUE,
}

# --- Lock: the decision that applies ---------------------------------------------------------------------------

_LOCK: Final[dict[Pair, tuple[Transition, ...]]] = {
    (Lock.UNPROVISIONED, K.ALLOWED): _always(Lock.ACTIVATED),
    (Lock.UNPROVISIONED, K.NOTICED): _always(Lock.NOTICE),
    (Lock.UNPROVISIONED, K.DENIED): _always(Lock.LOCKED),
    (Lock.UNPROVISIONED, K.DEFERRED): _always(Lock.UNPROVISIONED),
    (Lock.UNPROVISIONED, K.RELEASED): _always(Lock.RELEASED),
    (Lock.ACTIVATED, K.ALLOWED): _always(Lock.ACTIVATED),
    (Lock.ACTIVATED, K.NOTICED): _always(Lock.NOTICE),
    (Lock.ACTIVATED, K.DENIED): _always(Lock.LOCKED),
    (Lock.ACTIVATED, K.DEFERRED): _always(Lock.ACTIVATED),
    (Lock.ACTIVATED, K.RELEASED): _always(Lock.RELEASED),
    (Lock.NOTICE, K.ALLOWED): _always(Lock.ACTIVATED),
    (Lock.NOTICE, K.NOTICED): _always(Lock.NOTICE),
    (Lock.NOTICE, K.DENIED): _always(Lock.LOCKED),
    (Lock.NOTICE, K.DEFERRED): _always(Lock.NOTICE),
    (Lock.NOTICE, K.RELEASED): _always(Lock.RELEASED),
    (Lock.LOCKED, K.ALLOWED): _always(Lock.ACTIVATED),
    (Lock.LOCKED, K.NOTICED): _always(Lock.NOTICE),
    (Lock.LOCKED, K.DENIED): _always(Lock.LOCKED),
    (Lock.LOCKED, K.DEFERRED): _always(Lock.LOCKED),
    (Lock.LOCKED, K.RELEASED): _always(Lock.RELEASED),
    (Lock.LOCKED, K.CODE_REFUSED): _always(Lock.LOCKED, S),
    (Lock.NOTICE, K.LOCK_DUE): (Transition(Lock.LOCKED, PSA, timing.lock_is_due),),
    (Lock.ACTIVATED, K.OFFLINE_DUE): (Transition(Lock.LOCKED, PSA, timing.offline_is_due),),
    (Lock.NOTICE, K.OFFLINE_DUE): (Transition(Lock.LOCKED, PSA, timing.offline_is_due),),
    **{(s, K.HEARTBEAT): _always(s, P, A) for s in Lock if s is not Lock.RELEASED},
    **{
        (s, k): _always(s)
        for s in Lock
        for k in (K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE, K.WARNING_DUE)
        if s is not Lock.RELEASED
    },
}

_LOCK_REJECTS: Final[dict[Pair, Rejection]] = {
    **{(s, K.CODE_REFUSED): Rejection.NOT_LOCKED for s in Lock if s is not Lock.LOCKED},
    (Lock.UNPROVISIONED, K.LOCK_DUE): Rejection.NOT_LOCKABLE,
    (Lock.ACTIVATED, K.LOCK_DUE): Rejection.NOT_LOCKABLE,
    (Lock.LOCKED, K.LOCK_DUE): Rejection.NOT_LOCKABLE,
    (Lock.NOTICE, K.LOCK_DUE): Rejection.NOT_DUE,
    (Lock.ACTIVATED, K.OFFLINE_DUE): Rejection.NOT_DUE,
    (Lock.NOTICE, K.OFFLINE_DUE): Rejection.NOT_DUE,
    (Lock.UNPROVISIONED, K.OFFLINE_DUE): Rejection.NOT_LOCKABLE,
    (Lock.LOCKED, K.OFFLINE_DUE): Rejection.NOT_LOCKABLE,
    **{
        (Lock.RELEASED, k): Rejection.GIVEN_UP
        for k in (
            K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED, K.LOCK_DUE, K.OFFLINE_DUE, K.HEARTBEAT,
            K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE, K.WARNING_DUE,
        )
    },
}  # fmt: skip

# --- Attention: the screen in front of the home screen ----------------------------------------------------------

_ATTENTION: Final[dict[Pair, tuple[Transition, ...]]] = {
    **{
        (a, K.BOOTED): (Transition(Attention.NOTICE, (), lock_is_announced), Transition(Attention.CLEAR))
        for a in Attention
    },
    **{(a, K.NOTICED): _always(Attention.NOTICE) for a in Attention},
    **{(a, k): _always(Attention.CLEAR) for a in Attention for k in (K.ALLOWED, K.DENIED, K.RELEASED)},
    (Attention.CLEAR, K.DEFERRED): _always(Attention.CLEAR),
    (Attention.NOTICE, K.DEFERRED): _always(Attention.NOTICE),
    (Attention.WARNING, K.DEFERRED): (
        Transition(Attention.NOTICE, (), lock_is_announced),
        Transition(Attention.CLEAR),
    ),
    **{
        (a, K.WARNING_DUE): (Transition(Attention.WARNING, PSA, timing.warning_is_due),)
        for a in (Attention.CLEAR, Attention.NOTICE)
    },
    **{(a, k): _always(Attention.CLEAR) for a in Attention for k in (K.LOCK_DUE, K.OFFLINE_DUE)},
    **{(a, K.CONTINUE): _always(Attention.CLEAR, S) for a in (Attention.NOTICE, Attention.WARNING)},
}

_ATTENTION_REJECTS: Final[dict[Pair, Rejection]] = {
    (Attention.CLEAR, K.CONTINUE): Rejection.NOTHING_SHOWN,
    **{(a, K.WARNING_DUE): Rejection.NOT_DUE for a in Attention},
}

_VERDICTS = frozenset({K.ALLOWED, K.NOTICED, K.DENIED, K.DEFERRED, K.RELEASED})

SETUP: Final = Machine(
    "setup",
    Setup,
    _VERDICTS
    | {K.BOOTED, K.LANGUAGE_CHOSEN, K.TERMS_ACCEPTED, K.TERMS_DECLINED, K.IMEI_REQUESTED}
    | {K.CONNECTED, K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE},
    _SETUP,
    _SETUP_REJECTS,
)
EXCHANGE: Final = Machine(
    "exchange",
    Exchange,
    _VERDICTS
    | {K.BOOTED, K.CONNECTED, K.TERMS_ACCEPTED, K.RETRY, K.SIM_CHANGED, K.CHECK_IN_DUE, K.RETRY_DUE}
    | {K.COLLECTED, K.CHALLENGED, K.FAILED},
    _EXCHANGE,
    _EXCHANGE_REJECTS,
)
LOCK: Final = Machine(
    "lock",
    Lock,
    _VERDICTS
    | {K.LOCK_DUE, K.OFFLINE_DUE, K.HEARTBEAT, K.RETRY, K.CHECK_IN_DUE, K.RETRY_DUE, K.WARNING_DUE}
    | {K.CODE_REFUSED},
    _LOCK,
    _LOCK_REJECTS,
)
ATTENTION: Final = Machine(
    "attention",
    Attention,
    _VERDICTS | {K.BOOTED, K.WARNING_DUE, K.LOCK_DUE, K.OFFLINE_DUE, K.CONTINUE},
    _ATTENTION,
    _ATTENTION_REJECTS,
)

MACHINES: Final = (SETUP, EXCHANGE, LOCK, ATTENTION)
