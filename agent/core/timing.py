"""Trusted time, deadlines and backoff.

The clock that the user can set is not used. A verdict of an exchange sets trusted time to its time of issue, or to the
floor if that is later (see `agent.verification.bounds`). Both then advance with the time that passes, including sleep.
After a reboot both continue from the last sealed values, or from the build date of the image if that is later. A later
verdict can set trusted time back, not below the floor.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from agent.core.events import EventKind
from agent.core.screens import Trouble
from agent.core.states import Attention, Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.verification.bounds import TimestampBounds
from wire import limits


@dataclass(frozen=True, slots=True)
class Context:
    """The current instant. `elapsed`: seconds since boot; `fraction`: random in [0, 1), for jitter."""

    elapsed: float
    fraction: float


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait: after the first failure, and at most."""

    first: float
    most: float


BACKOFF: Final[dict[Trouble, Backoff]] = {
    Trouble.UNREACHABLE: Backoff(15, 3600),
    Trouble.BUSY: Backoff(60, 6 * 3600),
    Trouble.REFUSED: Backoff(3600, 24 * 3600),
    Trouble.UNTRUSTED: Backoff(300, 6 * 3600),
    Trouble.NO_KEYS: Backoff(300, 6 * 3600),
    Trouble.NO_STORAGE: Backoff(60, 3600),
    Trouble.CODE_REFUSED: Backoff(60, 3600),
}
"""A lost network is likely to return soon; a rejection is unlikely to change within an hour."""

CHECK_IN_JITTER: Final = 0.1
"""Check-ins are spread over this share of their interval, so that many devices do not check in at the same time."""

CHECK_IN_LEAST: Final = 60
"""The shortest interval of check-ins in seconds, even if a verdict requests a shorter one."""

BACKOFF_JITTER: Final = 0.5
"""Retries are spread over this share of their delay."""

HEARTBEAT: Final = 6 * 3600.0
"""Trusted time is sealed at least at this interval: removing the battery loses at most this much of it."""

HEARTBEAT_FIRST: Final = 600.0
"""Trusted time is sealed this soon after boot, and again each time that the uptime has doubled. Removing the battery
repeatedly thus loses at most half of the time that the device was on."""

WARNING_SHARE: Final = 4
"""The offline warning is shown when one part in this many of the offline limit remains."""

OFFLINE_LIMIT_UNKNOWN: Final = 30 * 86_400
"""The offline limit in seconds that a `defer` renews if a record of an earlier release lacks it."""

MOST_DOUBLINGS: Final = 16


def trusted_now(state: State, context: Context) -> int:
    """Trusted time in whole seconds since the epoch."""
    return state.memory.time.epoch + _passed(state.memory, context)


def bounds_now(memory: Memory, context: Context) -> TimestampBounds:
    """The bounds with their floor at this instant."""
    return memory.bounds.later(_passed(memory, context))


def advance(memory: Memory, context: Context) -> Memory:
    """`memory` with trusted time and its floor at this instant."""
    time, passed = memory.time, _passed(memory, context)
    anchor = TimeAnchor(time.epoch + passed, time.elapsed + passed)
    return replace(memory, time=anchor, bounds=memory.bounds.later(passed))


def _passed(memory: Memory, context: Context) -> int:
    """Whole seconds since the instant of `memory.time`."""
    return int(context.elapsed - memory.time.elapsed)


def set_time(memory: Memory, bounds: TimestampBounds, issued: int, context: Context) -> Memory:
    """`memory` after a verdict that was issued at `issued`, in an exchange whose key repository showed `bounds`.

    If trusted time goes back, so do the deadlines: an earlier verdict had set them from a time that was too late.
    """
    present = advance(memory, context)
    bounds = bounds.after(present.bounds)
    epoch = max(bounds.floor, issued)
    moved = memory.with_deadlines_moved(min(0, epoch - present.time.epoch))
    return replace(moved, time=TimeAnchor(epoch, context.elapsed), bounds=bounds)


def delay(trouble: Trouble, attempts: int, fraction: float, retry_after: int | None) -> float:
    """Seconds until the next retry, after `attempts` failures in a row. At least `retry_after`, which the server
    requested, up to `limits.RETRY_AFTER_MAX`."""
    backoff = BACKOFF[trouble]
    wait = min(backoff.most, backoff.first * 2.0 ** min(attempts - 1, MOST_DOUBLINGS))
    requested = min(retry_after or 0, limits.RETRY_AFTER_MAX)
    return max(wait, float(requested)) * (1 + BACKOFF_JITTER * fraction)


def reached(deadline: int | None, state: State, context: Context) -> bool:
    """Whether a deadline is set and is reached."""
    return deadline is not None and trusted_now(state, context) >= deadline


def lock_is_due(state: State, context: Context) -> bool:
    """The time of an announced lock is reached."""
    return reached(state.memory.lock_at, state, context)


def offline_is_due(state: State, context: Context) -> bool:
    """The offline limit of the newest verdict is reached."""
    return reached(state.memory.offline_at, state, context)


def warning_is_due(state: State, context: Context) -> bool:
    """The offline limit will soon be reached."""
    return reached(state.memory.warn_at, state, context)


def check_in_is_due(state: State, context: Context) -> bool:
    """The check-in that the newest verdict requested is due."""
    return reached(state.memory.check_in_at, state, context)


def retry_is_due(state: State, context: Context) -> bool:
    """The backoff is over."""
    return context.elapsed >= state.retry_at


@dataclass(frozen=True, slots=True)
class Timer:
    """A deadline: its event, the states in which it runs, and the seconds until it is due (None: not set)."""

    kind: EventKind
    runs: Callable[[State], bool]
    left: Callable[[State, Context], float | None]


def _until(deadline: Callable[[Memory], int | None]) -> Callable[[State, Context], float | None]:
    def left(state: State, context: Context) -> float | None:
        at = deadline(state.memory)
        return None if at is None else at - trusted_now(state, context)

    return left


def _until_heartbeat(state: State, context: Context) -> float:
    sealed = state.memory.time.elapsed
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
    Timer(EventKind.HEARTBEAT, lambda _: True, _until_heartbeat),
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
"""The most urgent first. `due` and `alarm` both use this table, so they are consistent."""


def due(state: State, context: Context) -> EventKind | None:
    """The most urgent timed event that is due and that the machines accept, or None."""
    return next((kind for kind, left in _running(state, context) if left <= 0), None)


def alarm(state: State, context: Context) -> float:
    """Seconds until something is due, at least 1 and at most `HEARTBEAT`."""
    return min([HEARTBEAT, *(max(1.0, float(ceil(left))) for _, left in _running(state, context))])


def _running(state: State, context: Context) -> Iterator[tuple[EventKind, float]]:
    """The timers that run in this state, with the seconds until they are due."""
    if state.lock is Lock.RELEASED:
        return
    for timer in TIMERS:
        left = timer.left(state, context) if timer.runs(state) else None
        if left is not None:
            yield timer.kind, left
