"""Trusted time, deadlines and backoff.

The clock that the user can set is not consulted. Trusted time is what the newest verdict said plus the time
that has passed since, sleep included; after a reboot it goes on from what was sealed last. It is therefore never
ahead of the truth, and never goes back.
"""

from dataclasses import dataclass
from typing import Final

from agent.core.events import Kind
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Reckoned, Setup, State


@dataclass(frozen=True, slots=True)
class Context:
    """What is true at this instant. `elapsed`: seconds since boot; `fraction`: uniform in [0, 1), for jitter."""

    elapsed: float
    fraction: float


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the first failure, and at most."""

    first: float
    most: float


BACKOFF: Final[dict[Trouble, Backoff]] = {
    Trouble.UNREACHABLE: Backoff(15, 3600),
    Trouble.BUSY: Backoff(60, 6 * 3600),
    Trouble.REFUSED: Backoff(3600, 24 * 3600),
    Trouble.UNTRUSTED: Backoff(300, 6 * 3600),
    Trouble.NO_TELEPHONY: Backoff(30, 3600),
    Trouble.NO_KEYS: Backoff(300, 6 * 3600),
    Trouble.NO_STORAGE: Backoff(60, 3600),
    Trouble.CODE_REFUSED: Backoff(60, 3600),
}
"""By who can mend it: a lost network comes back soon, a refusal does not change within the hour."""

CHECK_IN_JITTER: Final = 0.1
"""Check-ins are spread over this share of their interval, so that a fleet does not come at once."""

BACKOFF_JITTER: Final = 0.5
"""Retries are spread over this share of their delay."""

HEARTBEAT: Final = 6 * 3600
"""Trusted time is sealed at least this often, so that pulling the battery gains no more than this."""

WARNING_SHARE: Final = 4
"""The offline warning comes when one part in so many of the offline limit is left."""

MOST_DOUBLINGS: Final = 16


def trusted_now(state: State, context: Context) -> int:
    """Trusted time in whole seconds since the epoch."""
    anchor = state.memory.time
    return anchor.epoch + int(context.elapsed - anchor.elapsed)


def advanced(anchor: Reckoned, context: Context, at_least: int = 0) -> Reckoned:
    """The anchor moved to this instant. It tells `at_least` then, and never less than it told before."""
    passed = int(context.elapsed - anchor.elapsed)
    if anchor.epoch + passed < at_least:
        return Reckoned(at_least, context.elapsed)
    return Reckoned(anchor.epoch + passed, anchor.elapsed + passed)


def delay(trouble: Trouble, attempts: int, fraction: float, retry_after: int | None) -> float:
    """Seconds until the next try after `attempts` failures in a row. What the server asked for is a minimum."""
    row = BACKOFF[trouble]
    wait = min(row.most, row.first * 2.0 ** min(attempts - 1, MOST_DOUBLINGS))
    return max(wait, float(retry_after or 0)) * (1 + BACKOFF_JITTER * fraction)


def reached(deadline: int | None, state: State, context: Context) -> bool:
    """Whether a deadline is set and has come."""
    return deadline is not None and trusted_now(state, context) >= deadline


def lock_is_due(state: State, context: Context) -> bool:
    """An announced lock has reached its date."""
    return reached(state.memory.lock_at, state, context)


def offline_is_due(state: State, context: Context) -> bool:
    """The offline limit of the newest verdict has run out."""
    return reached(state.memory.offline_at, state, context)


def warning_is_due(state: State, context: Context) -> bool:
    """The offline limit is about to run out."""
    return reached(state.memory.warn_at, state, context)


def check_in_is_due(state: State, context: Context) -> bool:
    """The newest verdict asked for a check-in by now."""
    return reached(state.memory.check_in_at, state, context)


def retry_is_due(state: State, context: Context) -> bool:
    """The backoff has run out."""
    return context.elapsed >= state.retry_at


def due(state: State, context: Context) -> Kind | None:
    """The most urgent timed event that the machines would accept now, or None."""
    if state.lock is Lock.RELEASED:
        return None
    if state.lock is Lock.NOTICE and lock_is_due(state, context):
        return Kind.LOCK_DUE
    if state.lock in (Lock.ACTIVATED, Lock.NOTICE) and offline_is_due(state, context):
        return Kind.OFFLINE_DUE
    if state.attention is not Attention.WARNING and warning_is_due(state, context):
        return Kind.WARNING_DUE
    return _question_due(state, context) if state.setup in (Setup.ACTIVATE, Setup.DONE) else None


def _question_due(state: State, context: Context) -> Kind | None:
    if state.exchange is Exchange.BACKOFF and retry_is_due(state, context):
        return Kind.RETRY_DUE
    if state.exchange is Exchange.IDLE and check_in_is_due(state, context):
        return Kind.CHECK_IN_DUE
    return None


def alarm(state: State, context: Context) -> float:
    """Seconds until something may be due, at most `HEARTBEAT`."""
    memory, now = state.memory, trusted_now(state, context)
    deadlines = [d - now for d in (memory.lock_at, memory.offline_at, memory.warn_at) if d is not None]
    if state.exchange is Exchange.BACKOFF:
        deadlines.append(int(state.retry_at - context.elapsed) + 1)
    elif memory.check_in_at is not None:
        deadlines.append(memory.check_in_at - now)
    return float(min([HEARTBEAT, *(max(1, d) for d in deadlines)]))
