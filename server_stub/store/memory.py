"""A store in memory, for a lab in one process: as atomic as the other, not durable."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from server_stub.challenges import SpendableNonce
from server_stub.store.records import Device, NonceSpentError, VerdictRecord


class MemoryStore:
    """Implements `Store`. Keeps the newest `keep` verdict records."""

    def __init__(self, keep: int = 1000) -> None:
        self._lock = Lock()
        self._devices: dict[str, Device] = {}
        self._spent: dict[bytes, int] = {}
        self._records: deque[VerdictRecord] = deque(maxlen=keep)

    @property
    def records(self) -> tuple[VerdictRecord, ...]:
        """The newest records, oldest first."""
        return tuple(self._records)

    @contextmanager
    def transaction(self) -> Iterator["_Draft"]:
        """A draft that is applied where the block ends well."""
        with self._lock:
            draft = _Draft(self._devices, self._spent, self._records)
            yield draft
            self._apply(draft)

    def check(self) -> None:
        """Memory is always ready."""

    def close(self) -> None:
        """Memory holds nothing that needs giving back."""

    def _apply(self, draft: "_Draft") -> None:
        self._records.extend(draft.records)
        self._devices.update((device.sub, device) for device in draft.devices)
        for nonce, now in draft.spent:
            self._forget_expired(now)
            self._spent[nonce.octets] = nonce.until

    def _forget_expired(self, now: int) -> None:
        """Nonces are spent in the order of their expiry, nearly; what a late one hides goes with the next."""
        while self._spent and next(iter(self._spent.values())) <= now:
            del self._spent[next(iter(self._spent))]


class _Draft:
    """A transaction: what it reads is committed, what it writes waits."""

    def __init__(
        self, devices: dict[str, Device], spent: dict[bytes, int], records: deque[VerdictRecord]
    ) -> None:
        self._known = devices
        self._known_records = records
        self._known_spent = spent
        self.devices: list[Device] = []
        self.spent: list[tuple[SpendableNonce, int]] = []
        self.records: list[VerdictRecord] = []

    def spend(self, nonce: SpendableNonce, now: int) -> None:
        if nonce.octets in self._known_spent:
            raise NonceSpentError
        self.spent.append((nonce, now))

    def device(self, sub: str) -> Device | None:
        return self._known.get(sub)

    def remember(self, device: Device) -> None:
        self.devices.append(device)

    def key_of(self, sub: str, back: int) -> str | None:
        newest_first = (r.verdict.cnf.jkt for r in reversed(self._known_records) if r.verdict.sub == sub)
        keys = list(dict.fromkeys(newest_first))
        return keys[back] if back < len(keys) else None

    def record(self, record: VerdictRecord) -> None:
        self.records.append(record)
