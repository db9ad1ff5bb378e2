"""The alarm of an emulated phone on virtual time."""

from collections.abc import Callable


class VirtualAlarm:
    """Implements `agent.ports.Alarm`. `now` tells seconds on a clock that a reboot does not reset."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.at: float | None = None

    def set(self, after: float) -> None:
        """Wake the agent once, `after` seconds from now; a new alarm replaces the old."""
        self.at = self._now() + after

    def clear(self) -> None:
        """Forget the alarm, as a power cut does."""
        self.at = None
