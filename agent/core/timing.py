"""Trusted time, deadlines and backoff.

The clock that the user can set is not consulted. Trusted time is what the newest verdict said plus the time
that has passed since, sleep included; after a reboot it goes on from what was sealed last. It is therefore never
ahead of the truth, and never goes back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from agent.core.events import EventKind
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Memory, Setup, State, TimeAnchor
from wire import limits


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

CHECK_IN_LEAST: Final = 60
"""Seconds between two check-ins, whatever a verdict asks for."""

BACKOFF_JITTER: Final = 0.5
"""Retries are spread over this share of their delay."""

HEARTBEAT: Final = 6 * 3600.0
"""Trusted time is sealed at least this often, so that pulling the battery gains no more than this."""

HEARTBEAT_FIRST: Final = 600.0
"""Trusted time is sealed for the first time so soon after a boot, and again when twice as much time has passed. Who
pulls the battery again and again gains half of the time that the phone was on, not all of it."""

WARNING_SHARE: Final = 4
"""The offline warning comes when one part in so many of the offline limit is left."""

MOST_DOUBLINGS: Final = 16


def trusted_now(state: State, context: Context) -> int:
    """Trusted time in whole seconds since the epoch."""
    anchor = state.memory.time
    return anchor.epoch + int(context.elapsed - anchor.elapsed)


def advance_anchor(anchor: TimeAnchor, context: Context, at_least: int = 0) -> TimeAnchor:
    """The anchor moved to this instant. It tells `at_least` then, and never less than it told before."""
    passed = int(context.elapsed - anchor.elapsed)
    if anchor.epoch + passed < at_least:
        return TimeAnchor(at_least, context.elapsed)
    return TimeAnchor(anchor.epoch + passed, anchor.elapsed + passed)


def delay(trouble: Trouble, attempts: int, fraction: float, retry_after: int | None) -> float:
    """Seconds until the next try after `attempts` failures in a row. What the server asked for is a
    minimum, up to the longest wait that a server may impose."""
    row = BACKOFF[trouble]
    wait = min(row.most, row.first * 2.0 ** min(attempts - 1, MOST_DOUBLINGS))
    asked = min(retry_after or 0, limits.RETRY_AFTER_MAX)
    return max(wait, float(asked)) * (1 + BACKOFF_JITTER * fraction)


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


@dataclass(frozen=True, slots=True)
class Timer:
    """A deadline that a phone may be waiting for: the event, when it counts, and the seconds that are left."""

    kind: EventKind
    counts: Callable[[State], bool]
    left: Callable[[State, Context], float | None]


def _until(deadline: Callable[[Memory], int | None]) -> Callable[[State, Context], float | None]:
    def left(state: State, context: Context) -> float | None:
        at = deadline(state.memory)
        return None if at is None else at - trusted_now(state, context)

    return left


def _to_heartbeat(sealed: float, context: Context) -> float:
    """Seconds until trusted time, last sealed `sealed` seconds after boot, is sealed again."""
    return sealed + min(HEARTBEAT, max(HEARTBEAT_FIRST, sealed)) - context.elapsed


def _may_ask(state: State, exchange: Exchange) -> bool:
    return state.exchange is exchange and state.setup in (Setup.ACTIVATE, Setup.DONE)


TIMERS: Final = (
    Timer(EventKind.LOCK_DUE, lambda state: state.lock is Lock.NOTICE, _until(lambda memory: memory.lock_at)),
    Timer(
        EventKind.OFFLINE_DUE,
        lambda state: state.lock in (Lock.ACTIVATED, Lock.NOTICE),
        _until(lambda memory: memory.offline_at),
    ),
    Timer(
        EventKind.WARNING_DUE,
        lambda state: state.attention is not Attention.WARNING,
        _until(lambda memory: memory.warn_at),
    ),
    Timer(
        EventKind.HEARTBEAT,
        lambda _: True,
        lambda state, context: _to_heartbeat(state.memory.time.elapsed, context),
    ),
    Timer(
        EventKind.RETRY_DUE,
        lambda state: _may_ask(state, Exchange.BACKOFF),
        lambda state, context: state.retry_at - context.elapsed,
    ),
    Timer(
        EventKind.CHECK_IN_DUE,
        lambda state: _may_ask(state, Exchange.IDLE),
        _until(lambda memory: memory.check_in_at),
    ),
)
"""The most urgent first. What is due and when to wake up both follow from this table, so they cannot disagree."""


def due(state: State, context: Context) -> EventKind | None:
    """The most urgent timed event that the machines would accept now, or None."""
    return next((kind for kind, left in _running(state, context) if left <= 0), None)


def alarm(state: State, context: Context) -> float:
    """Seconds until something is due, at least 1 and at most `HEARTBEAT`."""
    return min([HEARTBEAT, *(max(1.0, float(ceil(left))) for _, left in _running(state, context))])


def _running(state: State, context: Context) -> Iterator[tuple[EventKind, float]]:
    """The timers that count in this state, with the seconds that are left."""
    if state.lock is Lock.RELEASED:
        return
    for timer in TIMERS:
        left = timer.left(state, context) if timer.counts(state) else None
        if left is not None:
            yield timer.kind, left
