"""The test clock: the clock of the machine, ahead by a number of seconds in the store, which only grows.

It is one value for all processes on a database, read with each decision. Verdicts, nonces, campaigns and the key
repository follow it. A database has a test clock from its first start on, or never.
"""

from contextlib import suppress
from typing import Final

from server_stub.clock import ClockReading, ServerClock
from server_stub.store.records import AuditEntry, StoreUnavailableError
from server_stub.store.transaction import Store

MOVED: Final = "clock.move"
"""The action of the audit entry of a move."""


class LabDatabaseError(Exception):
    """The database cannot be used in this way: with a test clock, or without one."""


class ClockBackwardsError(Exception):
    """The test clock only goes forward. `now` is what it shows."""

    def __init__(self, now: int) -> None:
        super().__init__(
            f"the test clock shows {now} and only goes forward; start with a new database to go back"
        )
        self.now = now


class LabClock:
    """Implements `server_stub.clock.ServerClock` by `machine` and the seconds in `store`.

    `store` should have connections of its own: the clock is read in transactions of another store on the database.
    If it cannot be read, the last known value counts: what needs the store fails anyway.
    """

    def __init__(self, store: Store, machine: ServerClock) -> None:
        self.store = store
        self._machine = machine
        self._ahead = 0

    def read(self) -> ClockReading:
        """Both clocks of the machine, as if the seconds had passed."""
        ahead, now = self.ahead(), self._machine.read()
        return ClockReading(now.wall + ahead, now.elapsed + ahead)

    def ahead(self) -> int:
        """Seconds by which it is ahead of the real clock."""
        with suppress(StoreUnavailableError), self.store.reading() as reading:
            self._ahead = max(self._ahead, reading.test_clock() or 0)
        return self._ahead

    def move(self, store: Store, now: int, *, reason: str, by: str) -> int:
        """Let the clock show `now` in every process, and return how far it is ahead. Raises ClockBackwardsError."""
        with store.transaction() as transaction:
            ahead = transaction.test_clock() or 0
            before = int(self._machine.read().wall) + ahead
            if now < before:
                raise ClockBackwardsError(before)
            ahead += now - before
            transaction.set_test_clock(ahead)
            details = {"from": before, "to": now}
            transaction.append_audit(AuditEntry(before, by, MOVED, "test clock", reason, details))
        return ahead


def adopt_database(store: Store) -> None:
    """Give a new database a test clock. Raises LabDatabaseError for one that a server has used without."""
    with store.transaction() as transaction:
        if transaction.test_clock() is not None:
            return
        if transaction.in_force() is not None:
            raise LabDatabaseError(
                "it was not created with --lab, and its devices must not see a test clock; name a new --db"
            )
        transaction.set_test_clock(0)
