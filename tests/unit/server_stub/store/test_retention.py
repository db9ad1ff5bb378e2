"""What retention prunes and what it keeps, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_stub.evidence.challenges import SpendableNonce
from server_stub.policy.overrides import Override
from server_stub.store.records import (
    AuditQuery,
    Device,
    RecordKind,
    RetentionStep,
    StoreUnavailableError,
    VerdictRecord,
)
from server_stub.store.sql import SqlStore
from tests.support.profiles import examples
from tests.support.records import device, entry, policy, record, shipment
from tests.support.stores import KINDS, opened
from wire.codes import Decision
from wire.verdict import Verdict

DAY: Final = 86_400
NOW: Final = 1_000_000
CLAIMS: Final[dict[Decision, dict[str, Any]]] = {
    Decision.ALLOW: {"offline_limit": DAY},
    Decision.NOTICE: {"offline_limit": DAY, "not_before_lock": NOW + DAY},
    Decision.DENY: {},
    Decision.DEFER: {"check_in": None, "retry_after": 60},
    Decision.RELEASE: {"check_in": None},
}
RESTRICTING: Final = {Decision.DENY, Decision.NOTICE}
OVERRIDES: Final = [
    Override(decision, "asked for", "SLV-1", 2_000) for decision in (Decision.DENY, Decision.ALLOW)
]


def decided(sub: str, serial: int, decision: Decision, iat: int) -> VerdictRecord:
    """A record of a verdict with this decision."""
    whole = record(sub, serial)
    claims = {**whole.verdict.model_dump(), "decision": decision, "iat": iat, **CLAIMS[decision]}
    present = {name: value for name, value in claims.items() if value is not None}
    return replace(whole, verdict=Verdict.model_validate(present))


@contextmanager
def opened_quickly(kind: str, folder: Path) -> Iterator[SqlStore]:
    """An empty store of `kind`, in memory instead of a file."""
    if kind == "sqlite":
        store = SqlStore()
        yield store
        store.close()
    else:
        with opened(kind, folder) as made:
            yield made


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    with opened(request.param, tmp_path) as made:
        yield made


@dataclass(frozen=True)
class Life:
    """A device with the verdicts about it, oldest first."""

    device: Device
    records: tuple[VerdictRecord, ...]

    @property
    def open_case(self) -> bool:
        newest = self.records[-1].verdict.decision
        locked = self.device.locks_at is not None and self.device.locks_at <= NOW
        override = self.device.override
        if override is not None and override.decision in RESTRICTING:
            return True
        return newest in RESTRICTING or (locked and newest is Decision.DEFER)

    def keeps(self, record: VerdictRecord, before: int) -> bool:
        """The rule in other words: whether the inputs of `record` stay."""
        if record.verdict.iat >= before:
            return True
        return self.open_case


@st.composite
def lives(draw: st.DrawFn, number: int) -> Life:
    decisions = draw(st.lists(st.sampled_from(list(Decision)), min_size=1, max_size=6))
    start = draw(st.integers(NOW - 100, NOW))
    sub = device(number).sub
    records = tuple(
        decided(sub, serial, decision, start + 10 * serial) for serial, decision in enumerate(decisions, 1)
    )
    locks_at = draw(st.sampled_from([None, NOW - 1, NOW + 1]))
    override = draw(st.sampled_from([None, *OVERRIDES]))
    return Life(
        device(number, last_serial=len(records), locks_at=locks_at, override=override),
        records,
    )


def fill(store: SqlStore, many: list[Life]) -> None:
    with store.transaction() as transaction:
        for life in many:
            transaction.put_device(life.device)
            for each in life.records:
                transaction.append_verdict(each)
                transaction.append_audit(entry(each.verdict.iat, subject=life.device.sub))


def prune(store: SqlStore, before: int, *, limit: int = 200, now: int = NOW) -> dict[RecordKind, int]:
    """Prune every kind step by step, as a server does."""
    pruned = dict.fromkeys(RecordKind, 0)
    for kind in RecordKind:
        step: RetentionStep | None = RetentionStep(kind, before, now, limit=limit)
        while step is not None:
            with store.transaction() as transaction:
                result = transaction.prune(step)
            pruned[kind] += result.pruned
            assert result.pruned + result.kept <= limit
            step = result.next
    return pruned


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(24))
@pytest.mark.parametrize("kind", KINDS)
def test_pruning_removes_what_is_old_except_what_explains_open_cases(
    kind: str, tmp_path: Path, data: st.DataObject
) -> None:
    with opened_quickly(kind, tmp_path) as store:
        many = [data.draw(lives(number)) for number in range(data.draw(st.integers(1, 3)))]
        before, limit = data.draw(st.integers(NOW - 100, NOW + 100)), data.draw(st.integers(1, 5))
        fill(store, many)
        keys = {life.device.sub: key_of(store, life) for life in many}
        with store.reading() as reading:
            foreseen = {each: reading.old(each, before, NOW).pruned for each in RecordKind}
        assert prune(store, before, limit=limit) == foreseen
        for life in many:
            holds_what_it_must(store, life, before)
            assert key_of(store, life) == keys[life.device.sub]
        assert sum(prune(store, before).values()) == 0, "a second pass finds nothing"


def key_of(store: SqlStore, life: Life) -> str | None:
    with store.reading() as reading:
        return reading.key_of(life.device.sub, 0)


def holds_what_it_must(store: SqlStore, life: Life, before: int) -> None:
    with store.reading() as reading:
        assert reading.device(life.device.sub) == life.device
        found = reading.history(life.device.sub).items
        entries = reading.audit(AuditQuery(subject=life.device.sub)).items
    assert len(found) == len(life.records), "serials and decisions stay"
    for kept, was in zip(reversed(found), life.records, strict=True):
        if life.keeps(was, before):
            assert kept == was
            continue
        assert (kept.inputs, kept.appraisal, kept.judgement) == ({}, {}, {})
        assert kept.inputs_pruned_at == NOW
        assert (kept.token_digest, kept.identity) == (was.token_digest, was.identity)
        for name in (
            "jti",
            "sub",
            "serial",
            "iat",
            "exp",
            "decision",
            "reason",
            "territory",
            "policy",
            "cnf",
        ):
            assert getattr(kept.verdict, name) == getattr(was.verdict, name)
    times = [each.verdict.iat for each in life.records]
    expected = times if life.open_case else [at for at in times if at >= before]
    assert sorted(each.at for each in entries) == expected


def test_pruning_leaves_everything_else(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.spend_nonces([SpendableNonce(b"n", NOW + 60)], NOW)
        transaction.put_policy(policy(1))
        transaction.add_shipments([shipment(1, 2, "Caravel")])
        transaction.put_device(device(1))
        serial = transaction.next_unattested_serial()
    prune(store, NOW + 100 * DAY)
    with store.transaction() as transaction:
        assert not transaction.spend_nonces([SpendableNonce(b"n", NOW + 60)], NOW)
        assert transaction.policy("export", 1) == policy(1)
        assert transaction.shipments_of([("00101012", 1)])
        assert transaction.device(device(1).sub) == device(1)
        assert transaction.next_unattested_serial() == serial + 1


def test_verdicts_about_unattested_devices_of_earlier_releases_are_deleted_when_old(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.append_verdict(record("u-1", 1, iat=NOW - DAY))
        transaction.append_verdict(record("u-1", 2, iat=NOW + DAY))
    assert prune(store, NOW)[RecordKind.VERDICTS] == 1
    with store.reading() as reading:
        assert [each.verdict.serial for each in reading.history("u-1").items] == [2]


def test_oldest_ignores_open_cases(store: SqlStore) -> None:
    locked, free = device(1, override=None, locks_at=NOW - 1), device(2, override=None, locks_at=None)
    fill(
        store,
        [Life(locked, (record(locked.sub, 1),)), Life(free, (decided(free.sub, 1, Decision.ALLOW, 2000),))],
    )
    with store.reading() as reading:
        assert reading.oldest(RecordKind.VERDICTS, NOW) == 2000
        assert reading.oldest(RecordKind.AUDIT, NOW) == 2000
    prune(store, NOW)
    with store.reading() as reading:
        assert reading.oldest(RecordKind.VERDICTS, NOW) is None
        assert reading.oldest(RecordKind.AUDIT, NOW) is None


EMPTY: Final = "inputs = '{}', appraisal = '{}', judgement = '{}', claims = NULL, inputs_pruned_at = 5"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'mallory'",
        "DELETE FROM verdicts",
        "UPDATE verdicts SET decision = 'allow'",
        f"UPDATE verdicts SET {EMPTY}",
        f"UPDATE verdicts SET {EMPTY}, serial = 9 WHERE serial = 1",
        f"UPDATE verdicts SET {EMPTY}, decision = 'allow' WHERE serial = 1",
        f"UPDATE verdicts SET {EMPTY}, token_digest = 'x' WHERE serial = 1",
        "UPDATE verdicts SET inputs = '{}' WHERE serial = 1",
        "UPDATE verdicts SET inputs_pruned_at = 5 WHERE serial = 1",
        "DELETE FROM verdicts WHERE serial = 1",
    ],
)
def test_database_refuses_every_other_change_of_records(store: SqlStore, change: str) -> None:
    """Serial 1 is old enough to be pruned, serial 2 is not."""
    life = Life(device(1), (record(device(1).sub, 1, iat=10), record(device(1).sub, 2, iat=NOW)))
    fill(store, [life])
    with store.transaction() as transaction:
        transaction.prune(RetentionStep(RecordKind.AUDIT, NOW, NOW, at=NOW))  # opens the time before NOW
    with pytest.raises(StoreUnavailableError), store.transaction() as transaction:
        transaction._cursor.execute(change)
    with store.reading() as reading:
        assert reading.history(life.device.sub).items == tuple(reversed(life.records))
        assert len(reading.audit(AuditQuery()).items) == 2


def test_pruned_inputs_are_not_changed_again(store: SqlStore) -> None:
    free = device(1, override=None, locks_at=None)
    fill(store, [Life(free, (decided(free.sub, 1, Decision.ALLOW, 10),))])
    prune(store, NOW)
    with pytest.raises(StoreUnavailableError), store.transaction() as transaction:
        transaction._cursor.execute(f"UPDATE verdicts SET {EMPTY}")


def test_time_that_was_pruned_once_stays_open_and_never_moves_back(store: SqlStore) -> None:
    prune(store, NOW)
    prune(store, NOW - DAY)
    with store.transaction() as transaction:
        transaction.append_audit(replace(entry(NOW - 1), subject="nobody"))
        transaction._cursor.execute("DELETE FROM audit")
        assert not transaction.audit(AuditQuery()).items


def test_two_servers_that_prune_at_the_same_time_prune_each_record_once(tmp_path: Path) -> None:
    with opened("postgresql", tmp_path) as store:
        free = device(1, override=None, locks_at=None)
        fill(store, [Life(free, tuple(decided(free.sub, n, Decision.ALLOW, n) for n in range(1, 7)))])
        with store.transaction() as transaction:
            transaction.prune(RetentionStep(RecordKind.AUDIT, NOW, NOW, at=NOW))  # opens the time before NOW
        step = RetentionStep(RecordKind.VERDICTS, NOW, NOW, limit=3)
        with store.transaction() as one, store.transaction() as two:
            first, second = one.prune(step), two.prune(step)
        assert (first.pruned, second.pruned) == (3, 3)
        assert prune(store, NOW)[RecordKind.VERDICTS] == 0
