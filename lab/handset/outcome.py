"""The outcome of a device, by what a person in front of it can observe."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from agent.verification.verdict import VerifiedVerdict


class Outcome(StrEnum):
    """The state that a user observes."""

    ACTIVATED = "activated"
    """The server allowed it, and the home screen is shown."""
    LOCKED = "locked"
    """The lock screen is shown."""
    PENDING = "pending"
    """The device waits for a verdict."""
    HOME = "home"
    """The firmware has no agent; the home screen is shown."""
    IGNORED = "ignored"
    """The home screen is shown without a verdict that allows it."""
    NO_BOOT = "no-boot"
    """The bootloader rejected the image."""
    OFF = "off"
    """It is switched off."""


@dataclass(frozen=True, slots=True)
class VerdictSummary:
    """The part of a verdict that a table shows."""

    decision: str
    reason: str
    territory: str | None

    @classmethod
    def of(cls, verdict: VerifiedVerdict) -> "VerdictSummary":
        """The summary of a verdict."""
        return cls(verdict.decision.value, verdict.reason.value, verdict.claims.territory)


@dataclass(frozen=True, slots=True)
class Result:
    """One device. `usable`: the home screen can be reached; `contacted`: the device sent a request."""

    profile: str
    place: str
    outcome: Outcome
    usable: bool
    contacted: bool
    verdict: VerdictSummary | None

    def as_json(self) -> dict[str, Any]:
        """The members of the JSON output."""
        return asdict(self)
