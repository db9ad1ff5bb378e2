"""The guard of the server's clock, and its acceptance by an operator."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from server_stub.clock import ClockEvidence, GuardedClock, ServerClock
from server_stub.key_repository import (
    TIMESTAMP,
    KeyList,
    KeyRepository,
    KeyRepositoryError,
    Keyring,
    signed_at,
)
from server_stub.store.records import AuditEntry, StoreUnavailableError
from server_stub.store.transaction import Store


def guarded_clock(clock: ServerClock, store: Store) -> GuardedClock:
    """`clock`, compared with the newest record and the newest publication in `store`.

    Raises StoreUnavailableError, and KeyRepositoryError if the publication is damaged.
    """
    first = _evidence(store)

    def newer() -> ClockEvidence | None:
        with suppress(StoreUnavailableError, KeyRepositoryError):
            return _evidence(store)
        return None

    return GuardedClock(clock, first, newer)


def _evidence(store: Store) -> ClockEvidence:
    with store.reading() as reading:
        recorded, behind = reading.newest_at() or 0, reading.clock_behind()
        timestamp = reading.repository_file(TIMESTAMP)
    published, number = signed_at(timestamp) if timestamp else (0, 0)
    return ClockEvidence(max(recorded, published), behind, number)


def note_if_behind(guard: GuardedClock, store: Store) -> None:
    """At a start and at the end: let later starts know it, also when the time of the newest record has come.

    Raises StoreUnavailableError.
    """
    if guard.behind:
        with store.transaction() as transaction:
            transaction.note_clock_behind()


@dataclass(frozen=True, slots=True)
class ClockAdmin:
    """`guard` stops the signatures of `repository` and of verdicts while the clock is wrong. `keyring` signs them: the
    private keys that belong to a list.
    """

    guard: GuardedClock
    repository: KeyRepository
    keyring: Callable[[KeyList], Keyring]

    def accept(self, store: Store, *, reason: str, by: str) -> tuple[int, int]:
        """Take the wall clock as it is for right: sign all metadata again under the next clock number.

        Returns the time, in seconds since the epoch, and that number. Devices then lower their floor of the time to
        this time. The guards of all processes on this store follow once the transaction is committed. Raises
        KeyRepositoryError, StoreUnavailableError, and ClockError if the clock is out of range.
        """
        fault, now = self.guard.fault, self.guard.acceptable()
        with store.transaction() as transaction:
            transaction.accept_clock(now)
            number = self.repository.accept_clock(now, self.keyring, within=transaction)
            details = {"clock": number, "fault": fault}
            transaction.append_audit(AuditEntry(now, by, "clock.accept", "server", reason, details))
            transaction.after_commit(lambda: self.guard.accept(number))
        return now, number
