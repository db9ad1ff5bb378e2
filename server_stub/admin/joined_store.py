"""A store whose transactions are parts of one that is under way, so that desks which open their own can share it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server_stub.store.records import Reading, Transaction


@dataclass(frozen=True, slots=True)
class NestedTransactionStore:
    """Implements `Store` within `under_way`, which alone commits, or undoes everything."""

    under_way: Transaction

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The one that is under way. An error in the block must reach whoever began it."""
        yield self.under_way

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The one that is under way, with what it has written so far."""
        yield self.under_way

    def check(self) -> None:
        """A transaction is under way, so the store takes them."""

    def close(self) -> None:
        """The store is closed by whoever opened it."""
