"""State of a device after an attack."""

from dataclasses import dataclass

from agent.core.screens import ScreenId
from agent.core.states import Lock


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a phone stands after an attack.

    `lock` is None where no agent runs, `screen` where the phone shows nothing. `last_code` is the last that the agent
    was told: the code of a failure, decision and reason of a verdict, or the fault that a boot found.
    """

    lock: Lock | None
    screen: ScreenId | None
    last_code: str

    def as_json(self) -> dict[str, str | None]:
        """The ending for machines."""
        return {
            "lock": self.lock.value if self.lock else None,
            "screen": self.screen.value if self.screen else None,
            "told": self.last_code,
        }

    def __str__(self) -> str:
        lock, screen = (part.value if part else "none" for part in (self.lock, self.screen))
        return f"{self.last_code}; lock {lock}, screen {screen}"
