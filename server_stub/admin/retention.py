"""Retention: what is older than `keep_days` is pruned in steps, each of which is a short transaction.

`server_stub.store.retention` says what is pruned and what is kept. `now` is the time of the machine, never that of an
injected or a test clock, which could be years ahead.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from server_stub.store.records import STEP_MAX, AuditEntry, PruneResult, RecordKind, RetentionStep
from server_stub.store.transaction import Store

ACTION: Final = "records.prune"

_DAY: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Expired:
    """How many records are too old, and how many of them open cases keep, both by kind."""

    prunable: Mapping[RecordKind, int]
    kept: Mapping[RecordKind, int]
    steps: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Prunes the records in `store`. Every method raises StoreUnavailableError; `now` is in seconds since the epoch."""

    store: Store
    keep_days: int

    def before(self, now: int) -> int:
        """Records from before this time are pruned. It changes once a day."""
        return now - now % _DAY - self.keep_days * _DAY

    def expired(self, now: int) -> Expired:
        """What `steps` would prune. Changes nothing."""
        with self.store.reading() as reading:
            found = {kind: reading.old(kind, self.before(now), now) for kind in RecordKind}
        return Expired(
            {kind: result.pruned for kind, result in found.items()},
            {kind: result.kept for kind, result in found.items()},
            sum(max(1, ceil((result.pruned + result.kept) / STEP_MAX)) for result in found.values()),
        )

    def steps(self, now: int) -> Iterator[tuple[RecordKind, PruneResult]]:
        """Prune everything that is too old, one transaction at a time, and return what each did."""
        for kind in RecordKind:
            step: RetentionStep | None = RetentionStep(kind, self.before(now), now)
            while step is not None:
                with self.store.transaction() as transaction:
                    result = transaction.prune(step)
                yield kind, result
                step = result.next

    def oldest(self, kind: RecordKind, now: int) -> int | None:
        """The time of the oldest record that can be pruned."""
        with self.store.reading() as reading:
            return reading.oldest(kind, now)

    def record(self, pruned: Counter[RecordKind], now: int, by: str, reason: str) -> None:
        """Append an audit entry about what was pruned, if anything was."""
        if pruned.total() == 0:
            return
        details = {"keep_days": self.keep_days, "before": self.before(now)}
        counts = {kind.value: pruned[kind] for kind in RecordKind}
        with self.store.transaction() as transaction:
            transaction.append_audit(AuditEntry(now, by, ACTION, "records", reason, details | counts))
