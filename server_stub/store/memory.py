"""A store in memory, for a lab in one process: as atomic as the others, not durable."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeVar

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store.entities import (
    AuditEntry,
    CampaignPeriod,
    Device,
    IdempotentAnswer,
    InForce,
    PolicyVersion,
    Shipment,
    VerdictRecord,
)
from server_stub.store.errors import NonceSpentError, PolicyFixedError
from server_stub.store.matching import Newest, entry_matches, matches
from server_stub.store.queries import (
    AuditQuery,
    DeviceQuery,
    Page,
    check_limit,
    decode_cursor,
    decode_number,
    encode_cursor,
)

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")


@dataclass(slots=True)
class _State:
    """All that is remembered. `newest` outlives the records, of which only some are kept."""

    records: deque[VerdictRecord]
    devices: dict[str, Device] = field(default_factory=dict)
    newest: dict[str, Newest] = field(default_factory=dict)
    spent: dict[bytes, int] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    policies: dict[tuple[str, int], PolicyVersion] = field(default_factory=dict)
    in_force: list[InForce] = field(default_factory=list)
    campaigns: list[CampaignPeriod] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    answers: dict[str, IdempotentAnswer] = field(default_factory=dict)
    admin_token: dict[str, str] = field(default_factory=dict)


class MemoryStore:
    """Implements `Store`. Keeps the newest `keep` verdict records."""

    def __init__(self, keep: int = 1000) -> None:
        self._lock = Lock()
        self._state = _State(deque(maxlen=keep))

    @property
    def records(self) -> tuple[VerdictRecord, ...]:
        """The newest records, oldest first."""
        return tuple(self._state.records)

    @contextmanager
    def transaction(self) -> Iterator["_MemoryTransaction"]:
        """Everything in it is undone where the block ends badly."""
        with self._lock, ExitStack() as unless_it_ends_well:
            transaction = _MemoryTransaction(self._state)
            unless_it_ends_well.callback(transaction.undo)
            yield transaction
            unless_it_ends_well.pop_all()

    @contextmanager
    def reading(self) -> Iterator["_MemoryReading"]:
        """What was committed, while nobody writes."""
        with self._lock:
            yield _MemoryReading(self._state)

    def check(self) -> None:
        """Memory is always ready."""

    def close(self) -> None:
        """Memory holds nothing that needs giving back."""


class _MemoryReading:
    """Implements `Reading`."""

    def __init__(self, state: _State) -> None:
        self._state = state

    def device(self, sub: str) -> Device | None:
        return self._state.devices.get(sub)

    def devices(self, query: DeviceQuery, *, after: str | None = None, limit: int = 100) -> Page[Device]:
        check_limit(limit)
        devices, newest = self._state.devices, self._state.newest
        begin = "" if after is None else decode_cursor(after)
        subs = sorted(
            sub for sub, one in devices.items() if sub > begin and matches(one, newest.get(sub), query)
        )
        return _page(subs[: limit + 1], limit, devices.__getitem__, str)

    def key_of(self, sub: str, back: int) -> str | None:
        newest_first = (r.verdict.cnf.jkt for r in reversed(self._state.records) if r.verdict.sub == sub)
        keys = list(dict.fromkeys(newest_first))
        return keys[back] if back < len(keys) else None

    def history(self, sub: str, *, after: str | None = None, limit: int = 100) -> Page[VerdictRecord]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        found = [
            record
            for record in reversed(self._state.records)
            if record.verdict.sub == sub and (before is None or record.verdict.serial < before)
        ]
        return _page(found[: limit + 1], limit, _itself, lambda record: record.verdict.serial)

    def audit(self, query: AuditQuery, *, after: str | None = None, limit: int = 100) -> Page[AuditEntry]:
        check_limit(limit)
        before = None if after is None else decode_number(after)
        found = [
            entry
            for entry in reversed(self._state.audit)
            if (before is None or entry.id < before) and entry_matches(entry, query)
        ]
        return _page(found[: limit + 1], limit, _itself, lambda entry: entry.id)

    def policies(self) -> tuple[PolicyVersion, ...]:
        return tuple(version for _, version in sorted(self._state.policies.items()))

    def policy(self, policy_id: str, version: int) -> PolicyVersion | None:
        return self._state.policies.get((policy_id, version))

    def in_force(self) -> InForce | None:
        return self._state.in_force[-1] if self._state.in_force else None

    def in_force_history(self) -> tuple[InForce, ...]:
        return tuple(self._state.in_force)

    def campaigns(self) -> tuple[CampaignPeriod, ...]:
        newest = {period.id: period for period in self._state.campaigns}
        return tuple(newest[each] for each in sorted(newest))

    def revision(self) -> int:
        return len(self._state.in_force) + len(self._state.campaigns)

    def shipment_of(self, tac: str, serial: int) -> Shipment | None:
        newest_first = reversed(self._state.shipments)
        return next((s for s in newest_first if s.tac == tac and s.first <= serial <= s.last), None)

    def answer_for(self, key: str) -> IdempotentAnswer | None:
        return self._state.answers.get(key)

    def admin_token_hash(self) -> str | None:
        return self._state.admin_token.get("hash")


class _MemoryTransaction(_MemoryReading):
    """Implements `Transaction`: writes at once, and knows how to take each write back."""

    def __init__(self, state: _State) -> None:
        super().__init__(state)
        self._undo: list[Callable[[], object]] = []

    def undo(self) -> None:
        """Take everything back, the newest first."""
        while self._undo:
            self._undo.pop()()

    def spend(self, nonce: SpendableNonce, now: int) -> None:
        if nonce.octets in self._state.spent:
            raise NonceSpentError
        self._forget_expired(now)
        self._put(self._state.spent, nonce.octets, nonce.until)

    def remember(self, device: Device) -> None:
        known = self._state.devices.get(device.sub)
        if known and known.last_serial > device.last_serial:
            device = replace(device, last_serial=known.last_serial)
        self._put(self._state.devices, device.sub, device)

    def record(self, record: VerdictRecord) -> None:
        records, verdict = self._state.records, record.verdict
        pushed_out = records[0] if len(records) == records.maxlen else None
        self._append(records, record)
        if pushed_out is not None:
            self._undo.insert(-1, lambda: records.appendleft(pushed_out))
        self._put(self._state.newest, verdict.sub, Newest(verdict.decision, verdict.territory))

    def append_audit(self, entry: AuditEntry) -> None:
        self._append(self._state.audit, replace(entry, id=len(self._state.audit) + 1))

    def put_policy(self, version: PolicyVersion) -> None:
        name = (version.id, version.version)
        known = self._state.policies.get(name)
        fixed = any((entry.policy_id, entry.version) == name for entry in self._state.in_force)
        if known and fixed and known.text != version.text:
            raise PolicyFixedError(
                f"{version.id} {version.version} has been in force; give it a higher version"
            )
        self._put(self._state.policies, name, version)

    def put_in_force(self, entry: InForce) -> None:
        self._append(self._state.in_force, entry)

    def put_campaign(self, period: CampaignPeriod) -> None:
        self._append(self._state.campaigns, period)

    def add_shipments(self, shipments: Iterable[Shipment]) -> None:
        for shipment in shipments:
            self._append(self._state.shipments, shipment)

    def keep_answer(self, answer: IdempotentAnswer) -> None:
        self._put(self._state.answers, answer.key, answer)

    def forget_answers(self, now: int) -> None:
        for key in [key for key, answer in self._state.answers.items() if answer.until <= now]:
            self._take(self._state.answers, key)

    def set_admin_token_hash(self, hashed: str) -> None:
        self._put(self._state.admin_token, "hash", hashed)

    def _forget_expired(self, now: int) -> None:
        """Nonces are spent in the order of their expiry, nearly; what a late one hides goes with the next."""
        spent = self._state.spent
        while spent and next(iter(spent.values())) <= now:
            del spent[next(iter(spent))]

    def _put(self, kept: dict[K, V], key: K, value: V) -> None:
        if key in kept:
            was = kept[key]
            self._undo.append(lambda: kept.__setitem__(key, was))
        else:
            self._undo.append(lambda: kept.pop(key))
        kept[key] = value

    def _take(self, kept: dict[K, V], key: K) -> None:
        was = kept.pop(key)
        self._undo.append(lambda: kept.__setitem__(key, was))

    def _append(self, kept: list[V] | deque[V], value: V) -> None:
        kept.append(value)
        self._undo.append(kept.pop)


def _page(found: list[Any], limit: int, item: Callable[[Any], T], key: Callable[[Any], str | int]) -> Page[T]:
    """One more was looked for than is answered: it tells whether there is a next page."""
    kept = found[:limit]
    return Page(
        tuple(item(each) for each in kept), encode_cursor(key(kept[-1])) if len(found) > limit else None
    )


def _itself(value: Any) -> Any:
    return value
