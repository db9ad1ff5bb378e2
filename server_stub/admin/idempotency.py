"""Writes that happen once: the deed, its audit entries and the answer to remember are one transaction.

A client that does not know whether its write arrived sends it again under the same idempotency key, and gets the first
answer. A write that failed changed nothing and is not remembered: sent again, it is tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from server_stub.admin.joined_store import NestedTransactionStore
from server_stub.store.records import IdempotentAnswer, Store, Transaction

REMEMBERED: Final = 24 * 3600
"""Seconds for which an answer is remembered under its key."""


class KeyReusedError(Exception):
    """Another request was made under this idempotency key."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The answer to a write. `after_commit` is what happens once the store has it: what no transaction can take
    back."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False
    after_commit: Callable[[], None] = _nothing


WriteOperation = Callable[[Store], WriteResult]
"""Does a write through the store that it is given, whose transactions are parts of one."""


@dataclass(frozen=True, slots=True)
class IdempotentWrites:
    """Does each write once. `clock` gives seconds since the epoch."""

    store: Store
    clock: Callable[[], int]

    def execute(self, deed: WriteOperation, *, key: str | None, request: str) -> WriteResult:
        """Do `deed`, or answer as before. `request` is a digest of all that was asked for under `key`.

        Of two equal requests at once, one waits and gets the other's answer. Raises KeyReusedError, whatever the deed
        raises, and StoreUnavailableError.
        """
        with self.store.transaction() as transaction:
            known = self._answered(transaction, key)
            if known is None:
                done = deed(NestedTransactionStore(transaction))
                if key is not None:
                    self._keep(transaction, key, request, done)
            elif known.request != request:
                raise KeyReusedError
            else:
                done = WriteResult(known.status, known.body, known.headers, replayed=True)
        done.after_commit()
        return done

    def _answered(self, transaction: Transaction, key: str | None) -> IdempotentAnswer | None:
        known = None if key is None else transaction.answer(key)
        return known if known and self.clock() < known.until else None

    def _keep(self, transaction: Transaction, key: str, request: str, done: WriteResult) -> None:
        now = self.clock()
        transaction.delete_expired_answers(now)
        answer = IdempotentAnswer(key, request, done.status, done.headers, done.body, now + REMEMBERED)
        transaction.put_answer(answer)
