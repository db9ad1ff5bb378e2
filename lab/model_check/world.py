"""A world of the exploration: one phone, its flash and its counter, and who has been authorised to use it."""

from enum import IntEnum
from typing import Final, NamedTuple

from agent.core.screens import ScreenId

NOBODY: Final = -1
"""In place of a state: the agent does not run."""
GARBAGE: Final = -2
"""In place of a state: octets that this phone has not sealed."""

NEWEST: Final = 0
AHEAD: Final = 1
STALE: Final = -1
LOST: Final = 2


class UserEntitlement(IntEnum):
    """What the newest decision that took effect says of the user, kept by the model and not by the phone."""

    NONE = 0
    """Nobody has decided."""
    GRANTED = 1
    """A verified verdict allows the phone to be used."""
    BARRED = 2
    """The phone was locked, and no verdict has allowed it since."""


class File(NamedTuple):
    """A state file: the sealed state, and how far its counter value is from the phone's counter.

    `gap`: 0 the newest, 1 written for a count that has not come yet, -1 any older, 2 any from a counter that was lost.
    """

    content: int
    gap: int


class Op(NamedTuple):
    """One thing that reaches outside of the agent; the power can go before and after it.

    `grants` stands on the first of a step that takes a verdict in the user's favour.
    """

    name: str
    screen: ScreenId | None = None
    grants: bool = False


class World(NamedTuple):
    """Everything. States are numbers into the model's pool.

    `before` is where the agent goes back to if it cannot seal; `todo` what the last step has still to cause; `panel`
    what the user sees; `stash` the attacker's copy of the state file; `provisioned` that the system knows of a
    finished setup wizard; `up` that the boot has been sealed.
    """

    agent: int = NOBODY
    powered: bool = False
    before: int = NOBODY
    todo: tuple[Op, ...] = ()
    panel: ScreenId | None = None
    alarm: bool = False
    disk: File | None = None
    stash: File | None = None
    provisioned: bool = False
    standing: UserEntitlement = UserEntitlement.NONE
    up: bool = False

    @property
    def quiet(self) -> bool:
        """The agent runs and has nothing left to do."""
        return self.agent >= 0 and not self.todo


class Move(NamedTuple):
    """One thing that can happen.

    `helpful` moves are what a co-operative world does, with no attacker in it; `cut` is a power cut within a step.
    """

    story: str
    after: World
    helpful: bool = False
    broken: tuple[tuple[str, str], ...] = ()
    cut: bool = False
