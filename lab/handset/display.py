"""The panel of an emulated phone: what its user really sees, which a hook in the image may keep from being the agent's.

A hook is a property of the image, stated in its firmware profile. It sits where such hooks sit on real
phones: between the agent, which believes that it has shown its screen, and the panel.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.core.screens import ScreenFacts, ScreenId


@dataclass(frozen=True, slots=True)
class Shown:
    """One screen as the user saw it, `elapsed` seconds after boot."""

    elapsed: float
    screen: ScreenId
    facts: ScreenFacts


ENFORCING = frozenset(
    {
        ScreenId.ACTIVATING,
        ScreenId.WAITING,
        ScreenId.NOTICE,
        ScreenId.OFFLINE_WARNING,
        ScreenId.LOCKED,
    }
)
"""Screens that a hooked image does not let through."""


@dataclass
class EmulatedDisplay:
    """Implements `agent.ports.Display`. `suppresses_agent_screens` swallows every screen that keeps the user from
    the home screen."""

    elapsed: Callable[[], float]
    watcher: Callable[[ScreenId, ScreenFacts], None]
    suppresses_agent_screens: bool = False
    shown: list[Shown] = field(default_factory=list)
    now: Shown | None = None
    """What the user sees at this moment; nothing before the first screen, and on a phone that is off."""

    def turn_off(self) -> None:
        """Show nothing any more."""
        self.now = None

    def show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Put a screen before the user."""
        if self.suppresses_agent_screens and screen in ENFORCING:
            screen, facts = ScreenId.HOME, ScreenFacts()
        self.now = Shown(self.elapsed(), screen, facts)
        self.shown.append(self.now)
        self.watcher(screen, facts)
