"""The abstraction: states that differ only in values that decide nothing become one canonical state.

Trusted time is always `NOW` and elapsed time 0. A past deadline is `NOW`; future deadlines keep only their order:
the first is one `UNIT` away, the second two. Serials keep whether there is one. Values that only fill a sentence on a
screen (message, case, territory, trouble, IMEI) are dropped. A test checks that `step` commutes with this: no row,
guard, deadline or effect depends on a dropped value.
"""

from dataclasses import replace
from typing import Any, Final

from agent.core.screens import Trouble
from agent.core.states import Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.timing import Context, trusted_now
from lab.model_check import specification

UNIT: Final = 10 * 86_400
"""Seconds between two deadlines; longer than any clock skew or lifetime of a verdict."""
NOW: Final = 1_700_000_000
SERIAL: Final = 1000
"""The serial of every device that has received a verdict."""
VERSION: Final = 5
BACKOFF: Final = 60.0
"""Seconds until a retry that is not due yet."""
HERE: Final = Context(elapsed=0.0, fraction=0.0)
LANGUAGE: Final = "en"
ACCEPTED: Final = "accepted"

_TEXTS: Final[dict[str, Any]] = dict.fromkeys(("jti", "imei", "thumbprint", "case", "territory"), "")
DEADLINES: Final = ("check_in_at", "warn_at", "lock_at", "offline_at")


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
    )


def sealed(state: State) -> State:
    """The part of a canonical state that a record persists."""
    return State(memory=state.memory, setup=state.setup, lock=state.lock)


def skeleton(state: State) -> tuple[object, ...]:
    """The values that must be equal in memory and in the record, whatever the age of the record."""
    memory = state.memory
    unset = tuple(getattr(memory, name) is None for name in DEADLINES)
    return (state.setup, state.lock, memory.cause, memory.serial, memory.terms_version, unset)


def unreadable(state: State) -> State:
    """The state that replaces a record which no device may read any more: locked, or the best for an attacker."""
    memory = Memory(time=TimeAnchor(NOW, 0.0), terms_version=ACCEPTED, serial=SERIAL, policy_version=VERSION)
    lock = Lock.LOCKED if state.lock is Lock.LOCKED else Lock.ACTIVATED
    return State(memory=memory, setup=Setup.DONE, lock=lock)


def _memory(memory: Memory, now: int) -> Memory:
    future = sorted({at for name in DEADLINES if (at := getattr(memory, name)) is not None and at > now})
    rank = {at: NOW + UNIT * (index + 1) for index, at in enumerate(future)}
    deadlines: dict[str, Any] = {
        name: None if (at := getattr(memory, name)) is None else rank.get(at, NOW) for name in DEADLINES
    }
    return replace(
        memory,
        time=TimeAnchor(NOW, 0.0),
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
