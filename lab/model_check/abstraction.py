"""The abstraction: states that differ only in values that decide nothing become one canonical state.

Trusted time is always `NOW` and elapsed time 0. Of a deadline only matters whether it is set and whether it is reached;
of the warning before the offline limit also whether it was shown (then it is after the limit). So any deadline can be
the next one. Serials and the bounds of trusted time keep whether there are any. Whether the floor is ahead of the true
time decides nothing before the next exchange, so each exchange is explored after every such past (`transitions`).
Values that only fill a sentence on a screen (message, case, territory, trouble, IMEI, what the modem lacks) are
dropped. A test checks that `step` commutes with this: no row, guard, deadline or effect depends on a dropped value.
"""

from dataclasses import replace
from typing import Any, Final

from agent.core.screens import Trouble
from agent.core.states import Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.timing import Context, trusted_now
from agent.verification.bounds import TimestampBounds
from lab.model_check import specification
from lab.model_check.publications import KNOWN, NOW, UNIT

SERIAL: Final = 1000
"""The serial of every device that has received a verdict."""
VERSION: Final = 5
BACKOFF: Final = 60.0
"""Seconds until a retry that is not due yet."""
HERE: Final = Context(elapsed=0.0, fraction=0.0)
LANGUAGE: Final = "en"
ACCEPTED: Final = "accepted"

_TEXTS: Final[dict[str, Any]] = dict.fromkeys(("jti", "imei", "thumbprint", "case", "territory"), "")
_TO_COME: Final = {"check_in_at": 1, "lock_at": 2, "warn_at": 3, "offline_at": 4}
_WARNED: Final = 5
"""The instants of deadlines that are not reached, in `UNIT`, and that of `warn_at` after the warning was shown."""
_REACHED: Final = {"check_in_at": 0, "lock_at": 0, "warn_at": -1, "offline_at": 0}
DEADLINES: Final = tuple(_TO_COME)


def canonical(state: State, elapsed: float = 0.0) -> State:
    """The canonical state of `state`, `elapsed` seconds after its time anchor."""
    backoff = state.exchange is Exchange.BACKOFF
    # The only relevant property of a failure: whether the exchange is retried when a network comes up.
    on_network = state.trouble in specification.RETRIED_ON_NETWORK
    return replace(
        state,
        memory=_memory(state.memory, trusted_now(state, Context(elapsed, 0.0))),
        attempts=0,
        retry_at=BACKOFF if backoff and state.retry_at > elapsed else 0.0,
        trouble=(Trouble.UNREACHABLE if on_network else Trouble.BUSY) if backoff else None,
        imei="",
        refusal="",
        modem=None,
    )


def reach(state: State, name: str) -> State:
    """A canonical state in which the deadline `name` is reached, and the warning too if it precedes that deadline."""
    memory = state.memory
    reached = {name}
    if name == "offline_at" and memory.warn_at == _instant(_TO_COME["warn_at"]):
        reached.add("warn_at")
    changes: dict[str, Any] = {each: _instant(_REACHED[each]) for each in reached}
    return canonical(replace(state, memory=replace(memory, **changes)))


def to_come(state: State) -> tuple[str, ...]:
    """The deadlines of a canonical state that can be the next one. A warning that was shown is not."""
    memory = state.memory
    ahead = (name for name in DEADLINES if (at := getattr(memory, name)) is not None and at > NOW)
    return tuple(name for name in ahead if getattr(memory, name) != _instant(_WARNED))


def sealed(state: State) -> State:
    """The part of a canonical state that a record persists."""
    return State(memory=state.memory, setup=state.setup, lock=state.lock)


def skeleton(state: State) -> tuple[object, ...]:
    """The values that must be equal in memory and in the record, whatever the age of the record."""
    memory = state.memory
    unset = tuple(getattr(memory, name) is None for name in DEADLINES)
    return (state.setup, state.lock, memory.cause, memory.serial, memory.terms_version, memory.bounds, unset)


def unreadable(state: State) -> State:
    """The state that replaces a record which no device may read any more: locked, or the best for an attacker."""
    memory = Memory(TimeAnchor(NOW), KNOWN, terms_version=ACCEPTED, serial=SERIAL, policy_version=VERSION)
    lock = Lock.LOCKED if state.lock is Lock.LOCKED else Lock.ACTIVATED
    return State(memory=memory, setup=Setup.DONE, lock=lock)


def _instant(units: int) -> int:
    return NOW + units * UNIT


def _memory(memory: Memory, now: int) -> Memory:
    deadlines: dict[str, Any] = {name: _deadline(memory, name, now) for name in DEADLINES}
    return replace(
        memory,
        time=TimeAnchor(NOW),
        bounds=KNOWN if memory.bounds.root else TimestampBounds(NOW),
        locale=LANGUAGE,
        terms_version=ACCEPTED if memory.terms_version else "",
        serial=SERIAL if memory.serial else 0,
        policy_version=VERSION if memory.policy_version else 0,
        message=None,
        args=(),
        boots=0,
        **_TEXTS,
        **deadlines,
    )


def _deadline(memory: Memory, name: str, now: int) -> int | None:
    at: int | None = getattr(memory, name)
    if at is None:
        return None
    if at <= now:
        return _instant(_REACHED[name])
    if name == "warn_at" and memory.offline_at is not None and at > memory.offline_at:
        return _instant(_WARNED)
    return _instant(_TO_COME[name])
