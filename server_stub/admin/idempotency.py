"""Idempotent writes: the operation, its audit entries and the stored response are one transaction.

A client that does not know whether its write succeeded repeats it under the same idempotency key, and gets the first
response. A write that failed changed nothing and is not stored: a repetition is executed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from server_stub.store.reading import Reading
from server_stub.store.records import IdempotentAnswer
from server_stub.store.transaction import Store, Transaction

REMEMBERED: Final = 24 * 3600
"""Seconds for which a response is stored under its key."""


class KeyReusedError(Exception):
    """This idempotency key was used for a different request."""


@dataclass(frozen=True, slots=True)
class NestedTransactionStore:
    """Implements `Store` inside the transaction `outer`, which commits or rolls back everything."""

    outer: Transaction

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The outer transaction. An error in the block must also leave the outer block."""
        yield self.outer

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The outer transaction, with its writes so far."""
        yield self.outer

    def check(self) -> None:
        """Does nothing: the outer transaction has been begun."""

    def close(self) -> None:
        """Does nothing: the store is closed by its owner."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The response to a write."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


WriteOperation = Callable[[Store], WriteResult]
"""Executes a write on the store that it is given, whose transactions are parts of one."""


@dataclass(frozen=True, slots=True)
class IdempotentWrites:
    """Executes each write once. `clock` returns seconds since the epoch."""

    store: Store
    clock: Callable[[], int]

    def execute(self, operation: WriteOperation, *, key: str | None, request: str) -> WriteResult:
        """Execute `operation`, or return the stored response. `request` is a digest of the whole request.

        Of two equal simultaneous requests, the second waits and gets the response to the first. Raises KeyReusedError,
        what `operation` raises, and StoreUnavailableError.
        """
        with self.store.transaction() as transaction:
            now = self.clock()
            known = None if key is None else transaction.answer(key)
            if known is None or known.until <= now:
                result = operation(NestedTransactionStore(transaction))
                if key is not None:
                    transaction.delete_expired_answers(now)
                    transaction.put_answer(
                        IdempotentAnswer(
                            key, request, result.status, result.headers, result.body, now + REMEMBERED
                        )
                    )
            elif known.request != request:
                raise KeyReusedError
            else:
                result = WriteResult(known.status, known.body, known.headers, replayed=True)
        return result
