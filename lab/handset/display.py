"""The display of an emulated device: what its user really sees.

A hook in the image, stated in its firmware profile, may suppress screens of the agent. As on real devices, the hook is
between the agent, which is not aware of it, and the display.
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
"""Screens that a hooked image suppresses."""


@dataclass
class EmulatedDisplay:
    """Implements `agent.ports.Display`. `suppresses_agent_screens` shows the home screen in place of ENFORCING ones.

    `current` is None before the first screen and while the device is off. `on_show` is called with each screen.
    """

    elapsed: Callable[[], float]
    on_show: Callable[[ScreenId, ScreenFacts], None]
    suppresses_agent_screens: bool = False
    history: list[Shown] = field(default_factory=list)
    current: Shown | None = None

    def turn_off(self) -> None:
        """Show nothing."""
        self.current = None

    def show(self, screen: ScreenId, facts: ScreenFacts) -> None:
        """Show a screen."""
        if self.suppresses_agent_screens and screen in ENFORCING:
            screen, facts = ScreenId.HOME, ScreenFacts()
        self.current = Shown(self.elapsed(), screen, facts)
        self.history.append(self.current)
        self.on_show(screen, facts)


class VirtualAlarm:
    """Implements `agent.ports.Alarm` on virtual time. `now` returns seconds and is not reset by a reboot."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.at: float | None = None

    def set(self, after: float) -> None:
        """Wake the agent once, `after` seconds from now; a new alarm replaces the old one."""
        self.at = self._now() + after

    def clear(self) -> None:
        """Cancel the alarm, as a power cut does."""
        self.at = None
