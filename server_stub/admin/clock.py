"""The guard of the server's clock, and its acceptance by an operator."""

from dataclasses import dataclass
from pathlib import Path

from server_stub.clock import GuardedClock, ServerClock
from server_stub.key_repository import KeyRepository, Keyring, newest_publication
from server_stub.store.records import AuditEntry
from server_stub.store.transaction import Store


def guarded_clock(clock: ServerClock, store: Store, keys: Path) -> GuardedClock:
    """`clock`, compared with the newest record in `store` and the newest publication in the folder `keys`.

    Raises StoreUnavailableError, and KeyRepositoryError if the folder is damaged.
    """
    with store.reading() as reading:
        times, behind = (reading.newest_at(), newest_publication(keys)), reading.clock_behind()
    newest = max((time for time in times if time is not None), default=None)
    return GuardedClock(clock, newest, behind=behind)


def note_if_behind(guard: GuardedClock, store: Store) -> None:
    """At a start and at the end: let later starts know it, also when the time of the newest record has come.

    Raises StoreUnavailableError.
    """
    if guard.behind:
        with store.transaction() as transaction:
            transaction.note_clock_behind()


@dataclass(frozen=True, slots=True)
class ClockAdmin:
    """`guard` stops the signatures of `repository` and of verdicts while the clock is wrong. `keyring` signs them."""

    guard: GuardedClock
    repository: KeyRepository
    keyring: Keyring

    def accept(self, store: Store, *, reason: str, by: str) -> tuple[int, int]:
        """Take the wall clock as it is for right: sign all metadata again under the next clock number.

        Returns the time, in seconds since the epoch, and that number. Devices then lower their floor of the time to
        this time. Call `guard.accept` after the transaction: if it is not committed, nothing more is signed, and the
        number is not used again. Raises KeyRepositoryError, StoreUnavailableError, and ClockError if the clock is out
        of range.
        """
        fault, now = self.guard.fault, self.guard.acceptable()
        with store.transaction() as transaction:
            transaction.accept_clock(now)
            details = {"clock": self.repository.clock_number + 1, "fault": fault}
            transaction.append_audit(AuditEntry(now, by, "clock.accept", "server", reason, details))
            return now, self.repository.accept_clock(now, self.keyring)
