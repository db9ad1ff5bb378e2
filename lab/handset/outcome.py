"""What became of a phone, told from what a person in front of it could observe."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agent.verification.verdict import VerifiedVerdict


class Outcome(StrEnum):
    """How it ended."""

    ACTIVATED = "activated"
    """The server allowed it and the phone is at home."""
    LOCKED = "locked"
    """The lock screen stands."""
    PENDING = "pending"
    """The phone has no verdict that decides, and waits."""
    HOME = "home"
    """The firmware has no agent; the phone is at home and nobody was asked."""
    IGNORED = "ignored"
    """The phone is at home without a verdict that allows it."""
    NO_BOOT = "no-boot"
    """The bootloader refused the image."""
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
    """One phone's end. `usable`: its user is at home; `contacted`: a request left the phone."""

    profile: str
    place: str
    outcome: Outcome
    usable: bool
    contacted: bool
    verdict: VerdictSummary | None

    def as_json(self) -> dict[str, Any]:
        """The result for machines."""
        verdict = self.verdict and {
            "decision": self.verdict.decision,
            "reason": self.verdict.reason,
            "territory": self.verdict.territory,
        }
        return {
            "profile": self.profile,
            "place": self.place,
            "outcome": self.outcome.value,
            "usable": self.usable,
            "contacted": self.contacted,
            "verdict": verdict,
        }
