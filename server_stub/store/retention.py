"""Which records a store prunes, and in which steps.

A verdict is pruned of its inputs: what the device sent, its appraisal and its judgement. Its serial, decision, rule,
key and digest stay. Audit entries are deleted, and verdicts about unattested devices, which earlier releases recorded.

An open case keeps all its records. It is a device that an operator has restricted, whose newest verdict is a notice or
a deny, or that is locked and got a defer since. A device that is locked only because it has been silent is none.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

KEEP_DAYS: Final = 184
"""Six months: so long may a person complain about a decision (Regulation (EU) 2022/2065, article 20(1))."""

KEEP_DAYS_MAX: Final = 36_500

STEP_MAX: Final = 200
"""How many records one step reads: on SQLite a verdict waits for a step for a few milliseconds."""


class RecordKind(StrEnum):
    """The kinds of records that become old."""

    VERDICTS = "verdicts"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class RetentionStep:
    """One step: up to `limit` records of `kind` from before `before`, after the one at the time `at` with `id`.

    `now` and `before` are seconds since the epoch.
    """

    kind: RecordKind
    before: int
    now: int
    at: int = -1
    id: int = 0
    limit: int = STEP_MAX

    def after(self, at: int, number: int) -> "RetentionStep":
        """The step that begins after this record."""
        return replace(self, at=at, id=number)


@dataclass(frozen=True, slots=True)
class PruneResult:
    """How many records a step pruned, how many it kept for open cases, and the next step of this kind, if any."""

    pruned: int
    kept: int
    next: RetentionStep | None = None
