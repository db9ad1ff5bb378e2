"""The state of the model: one device, its storage and counter, and whether a verdict permits its use."""

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Generic, NamedTuple, TypeVar

from agent.core.screens import ScreenId

K = TypeVar("K")
V = TypeVar("V")

NOT_RUNNING: Final = -1
"""In place of the number of a state: the agent does not run."""
GARBAGE: Final = -2
"""In place of the number of a state: bytes that this device has not sealed."""

NEWEST: Final = 0
AHEAD: Final = 1
STALE: Final = -1
LOST: Final = 2


class Memo(dict[K, V], Generic[K, V]):
    """Values by key, each computed when it is first read."""

    def __init__(self, compute: Callable[[K], V]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, key: K) -> V:
        value = self[key] = self._compute(key)
        return value


class UserEntitlement(IntEnum):
    """The newest decision about the user that took effect; recorded by the model, not by the device."""

    NONE = 0
    """No decision yet."""
    GRANTED = 1
    """A verified verdict permits use of the device."""
    BARRED = 2
    """The device was locked, and no verdict has permitted its use since."""


class StateFile(NamedTuple):
    """A state file: the number of the sealed state, and the distance of its counter value from the device's counter.

    `gap` is `NEWEST`, `AHEAD` (the counter has not been incremented yet), `STALE` (any older value) or `LOST` (the
    counter was reset).
    """

    content: int
    gap: int


class PendingEffect(NamedTuple):
    """An effect outside the agent; power can fail before and after it.

    `grants` is set on the first write of a step that accepts a verdict in the user's favour.
    """

    name: str
    screen: ScreenId | None = None
    grants: bool = False


class WorldState(NamedTuple):
    """One state of the model. States of the agent are numbers in the model's `StatePool`.

    `before` is the state that the agent restores if it cannot persist; `todo` the effects of the last step that are not
    done yet; `panel` the visible screen; `stash` the attacker's copy of the state file; `provisioned` whether the
    system considers the setup wizard finished; `up` whether the boot has been persisted.
    """

    agent: int = NOT_RUNNING
    powered: bool = False
    before: int = NOT_RUNNING
    todo: tuple[PendingEffect, ...] = ()
    panel: ScreenId | None = None
    alarm: bool = False
    disk: StateFile | None = None
    stash: StateFile | None = None
    provisioned: bool = False
    entitlement: UserEntitlement = UserEntitlement.NONE
    up: bool = False

    @property
    def quiet(self) -> bool:
        """Whether the agent runs and has no effect left to do."""
        return self.agent >= 0 and not self.todo


class WorldTransition(NamedTuple):
    """One transition, by its readable name.

    `helpful` marks transitions of a co-operative environment without an attacker, `cut` a power cut within a step.
    """

    name: str
    after: WorldState
    helpful: bool = False
    broken: tuple[tuple[str, str], ...] = ()
    cut: bool = False
