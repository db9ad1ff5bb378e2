"""The abstraction: states that differ only in numbers and words which decide nothing become one state.

Trusted time is always `NOW` and elapsed time 0; what has passed is `NOW` or `None` for good, and the deadlines to
come keep their order and nothing else: the first is one `UNIT` away, the second two. Serials keep whether there is
one. What only fills a sentence on a screen (message, case, territory, trouble, IMEI) is dropped. A test holds that
`step` commutes with this: no row, guard, deadline or effect depends on what is dropped.
"""

from dataclasses import replace
from typing import Any, Final

from agent.core.screens import Trouble
from agent.core.states import Exchange, Lock, Memory, Setup, State, TimeAnchor
from agent.core.timing import Context, trusted_now
from lab.model_check import specification

UNIT: Final = 10 * 86_400
"""Seconds between one deadline and the next. Longer than any skew or lifetime of a verdict."""
NOW: Final = 1_700_000_000
SERIAL: Final = 1000
"""The serial of every phone that has seen a verdict."""
VERSION: Final = 5
BACKOFF: Final = 60.0
"""Seconds until a retry that is not due yet."""
HERE: Final = Context(elapsed=0.0, fraction=0.0)
LANGUAGE: Final = "en"
ACCEPTED: Final = "accepted"

_WORDS_OF_STATE: Final[dict[str, Any]] = {"imei": "", "refusal": ""}
_WORDS_OF_MEMORY: Final[dict[str, Any]] = dict.fromkeys(
    ("jti", "imei", "thumbprint", "case", "territory"), ""
)

DEADLINES: Final = ("check_in_at", "warn_at", "lock_at", "offline_at")


def canonical(state: State, elapsed: float = 0.0) -> State:
    """The one state that stands for all like `state`, seen `elapsed` seconds after the last canonical instant."""
    context = Context(elapsed, 0.0)
    backoff = state.exchange is Exchange.BACKOFF
    return replace(
        state,
        memory=_memory(state.memory, trusted_now(state, context)),
        attempts=0,
        retry_at=BACKOFF if backoff and state.retry_at > elapsed else 0.0,
        trouble=_trouble(state.trouble) if backoff else None,
        **_WORDS_OF_STATE,
    )


def _trouble(trouble: Trouble | None) -> Trouble:
    """Of a failure only this matters: whether a network that comes up may mend it."""
    return Trouble.UNREACHABLE if trouble in specification.MENDED_BY_A_NETWORK else Trouble.BUSY


def sealed(state: State) -> State:
    """What of a canonical state a record keeps."""
    return State(memory=state.memory, setup=state.setup, lock=state.lock)


def skeleton(state: State) -> tuple[object, ...]:
    """What must be equal in the phone's memory and in its record, however long ago the record was written."""
    memory = state.memory
    silent = tuple(getattr(memory, name) is None for name in DEADLINES)
    return (state.setup, state.lock, memory.cause, memory.serial, memory.terms_version, silent)


def faded(state: State) -> State:
    """What remains of a record that no phone may read any more: a lock, or the best that an attacker could wish for."""
    memory = Memory(time=TimeAnchor(NOW, 0.0), terms_version=ACCEPTED, serial=SERIAL, policy_version=VERSION)
    lock = Lock.LOCKED if state.lock is Lock.LOCKED else Lock.ACTIVATED
    return State(memory=memory, setup=Setup.DONE, lock=lock)


def _memory(memory: Memory, now: int) -> Memory:
    coming = sorted({at for name in DEADLINES if (at := getattr(memory, name)) is not None and at > now})
    rank = {at: NOW + UNIT * (index + 1) for index, at in enumerate(coming)}
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
        **_WORDS_OF_MEMORY,
        **deadlines,
    )
