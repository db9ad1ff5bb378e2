"""The store on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_stub.evidence.challenges import SpendableNonce
from server_stub.policy.policy import Activation
from server_stub.store.reading import Reading
from server_stub.store.records import (
    PAGE_MAX,
    AuditQuery,
    CampaignPeriod,
    ConstraintError,
    CursorError,
    Device,
    DeviceQuery,
    IdempotentAnswer,
    InForce,
    Page,
    PolicyFixedError,
    Shipment,
    VerdictRecord,
    encode_cursor,
)
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store, Transaction
from tests.support.profiles import examples
from tests.support.records import device, entry, policy, record, shipment
from tests.support.stores import KINDS, opened
from wire.codes import Decision, Reason

ALL = DeviceQuery()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path) as made:
        yield made


def keep(store: Store, *devices: Device, records: tuple[VerdictRecord, ...] = ()) -> None:
    with store.transaction() as transaction:
        for each in devices:
            transaction.put_device(each)
        for each_record in records:
            transaction.append_verdict(each_record)


def subs(page: Page[Device]) -> list[str]:
    return [each.sub for each in page.items]


class StopError(Exception):
    pass


@contextmanager
def abandoned(store: Store) -> Iterator[Transaction]:
    """A transaction that fails at its end."""
    with suppress(StopError), store.transaction() as transaction:
        yield transaction
        raise StopError


# One device, one verdict


@pytest.mark.parametrize("taken", [{"serial": 1}, {"jti": record(device(1).sub, 1).verdict.jti}])
def test_broken_constraint_is_an_error_of_its_own_and_rolls_everything_back(
    store: Store, taken: dict[str, object]
) -> None:
    first, second = record(device(1).sub, 1), record(device(1).sub, 2, jti="other")
    broken = replace(second, verdict=second.verdict.model_copy(update=taken))
    keep(store, records=(first,))
    with pytest.raises(ConstraintError):
        keep(store, device(1), records=(broken,))
    keep(store, records=(second,))
    with store.reading() as reading:
        assert reading.device(device(1).sub) is None
        assert reading.history(device(1).sub).items == (second, first)


def test_device_is_read_back_unchanged(store: Store) -> None:
    bare = Device("d-bare", None, "eea", None, 0)
    keep(store, device(1), bare)
    with store.reading() as reading:
        assert reading.device(device(1).sub) == device(1)
        assert reading.device("d-bare") == bare
        assert reading.device("d-nobody") is None


def test_put_device_never_decreases_the_serial(store: Store) -> None:
    """The caller may have read the device earlier."""
    keep(store, device(1, last_serial=9))
    keep(store, device(1, last_serial=4, model="Lark 2"))
    with store.reading() as reading:
        assert reading.device(device(1).sub) == device(1, last_serial=9, model="Lark 2")


def test_verdict_record_is_read_back_unchanged(store: Store) -> None:
    kept = record("d-1", 1)
    keep(store, records=(kept,))
    with store.reading() as reading:
        assert reading.history("d-1").items == (kept,)


def test_history_has_the_verdicts_of_one_device_newest_first(store: Store) -> None:
    keep(store, records=(record("d-1", 1), record("d-2", 1), record("d-1", 3), record("d-1", 8)))
    with store.reading() as reading:
        first = reading.history("d-1", limit=2)
        rest = reading.history("d-1", limit=2, after=first.next)
    assert [each.verdict.serial for each in first.items + rest.items] == [8, 3, 1]
    assert rest.next is None


def test_nonce_is_spent_once(store: Store) -> None:
    """A rolled back transaction does not spend it."""
    nonce = SpendableNonce(b"n" * 33, until=100)
    with abandoned(store) as transaction:
        assert transaction.spend_nonces([nonce], 10) == {nonce.value}
    other = SpendableNonce(b"o" * 33, until=100)
    for spent in ({nonce.value}, {other.value}, set()):
        nonces = [nonce, nonce] if nonce.value in spent else [other, nonce, other]
        with store.transaction() as transaction:
            assert transaction.spend_nonces(nonces, 11) == spent


def test_failed_transaction_undoes_every_kind_of_write(store: Store) -> None:
    keep(store, device(1), records=(record("d-1", 1),))
    before = everything(store)
    with abandoned(store) as transaction:
        transaction.put_device(device(1, last_serial=7, model="other"))
        transaction.put_device(device(2))
        transaction.append_verdict(record("d-1", 2))
        transaction.append_audit(entry(1))
        transaction.put_policy(policy(1))
        transaction.put_in_force(InForce("export", 1, 5, "alice", "first"))
        transaction.put_campaign(CampaignPeriod("grey", 5, None, "alice", "begun"))
        transaction.add_shipments([shipment(0, 9, "Caravel")])
        transaction.put_answer(IdempotentAnswer("k", "r", 200, {}, b"", 100))
        transaction.set_admin_token_hash("hash")
        transaction.set_test_clock(3600)
        assert everything_in(transaction) != before
    assert everything(store) == before


def everything(store: Store) -> tuple[object, ...]:
    with store.reading() as reading:
        return everything_in(reading)


def everything_in(reading: Reading) -> tuple[object, ...]:
    return (
        reading.devices(ALL).items,
        reading.history("d-1").items,
        reading.audit(AuditQuery()).items,
        reading.policies(),
        reading.in_force_history(),
        reading.campaigns(),
        reading.shipments_of([("00101012", 1)]),
        reading.answer("k"),
        reading.admin_token_hash(),
        reading.test_clock(),
        reading.revision(),
    )


def test_transaction_reads_its_own_writes(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_device(device(1))
        transaction.put_policy(policy(1))
        transaction.put_in_force(InForce("export", 1, 5, "alice", "first"))
        assert transaction.device(device(1).sub) == device(1)
        assert subs(transaction.devices(ALL)) == [device(1).sub]
        assert transaction.policy("export", 1) == policy(1)
        assert transaction.in_force() == InForce("export", 1, 5, "alice", "first")


# Searches and pages


def searched() -> tuple[tuple[Device, ...], tuple[VerdictRecord, ...]]:
    """Three devices that differ in everything, and their newest verdicts."""
    devices = (
        device(1),
        device(
            2,
            activation=Activation(2_000, "CU"),
            sale_region="eea",
            model="Lark 2",
            locks_at=None,
            override=None,
            batch="2021-08",
            distributor="Brig",
            last_serial=2,
        ),
        device(
            3, activation=None, sale_region="india", model=None, locks_at=9_000, batch=None, distributor=None
        ),
    )
    allowed = {"decision": Decision.ALLOW, "reason": Reason.TERRITORY_ELIGIBLE, "offline_limit": 9}
    records = (
        record(devices[0].sub, 1),
        record(devices[1].sub, 1),
        record(devices[1].sub, 2, territory="FR", **allowed),
    )
    return devices, records


QUERIES: Final = [
    (DeviceQuery(), [1, 2, 3]),
    (DeviceQuery(territory="CU"), [1]),
    (DeviceQuery(decision=Decision.ALLOW), [2]),
    (DeviceQuery(territory="FR", decision=Decision.DENY), []),
    (DeviceQuery(activation_territory="CU"), [2]),
    (DeviceQuery(sale_region="eea"), [2]),
    (DeviceQuery(model="Lark 1"), [1]),
    (DeviceQuery(batch="2021-07"), [1]),
    (DeviceQuery(distributor="Brig"), [2]),
    (DeviceQuery(locked_at=4_999), []),
    (DeviceQuery(locked_at=5_000), [1]),
    (DeviceQuery(locked_at=9_000), [1, 3]),
    (DeviceQuery(overridden=True), [1, 3]),
    (DeviceQuery(overridden=False), [2]),
    (DeviceQuery(activated_from=1_000), [1, 2]),
    (DeviceQuery(activated_from=1_001), [2]),
    (DeviceQuery(activated_until=2_000), [1]),
    (DeviceQuery(activated_from=1_000, activated_until=2_001, overridden=False), [2]),
    (DeviceQuery(model="lark 1"), []),
]


def test_devices_are_found_by_every_criterion(store: Store) -> None:
    """The newest verdict counts; `from` is inclusive and `until` exclusive."""
    devices, records = searched()
    keep(store, *devices, records=records)
    for query, found in QUERIES:
        with store.reading() as reading:
            assert subs(reading.devices(query)) == [device(number).sub for number in found], query
        with store.transaction() as transaction:
            assert subs(transaction.devices(query)) == [device(number).sub for number in found], query


@given(
    numbers=st.sets(st.integers(0, 2**64), max_size=30),
    limit=st.integers(1, 12),
    added=st.sets(st.integers(0, 2**64), max_size=5),
)
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_contain_every_device_once_while_others_are_added(
    numbers: set[int], limit: int, added: set[int]
) -> None:
    store = SqlStore()
    keep(store, *(device(number) for number in numbers))
    assert covers(store, limit, numbers, added)


@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_a_file_or_server_contain_every_device_once(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path) as store:
        keep(store, *(device(number * 7) for number in range(1, 60)))
        assert covers(store, 7, {number * 7 for number in range(1, 60)}, {1, 100, 1000})


def covers(store: Store, limit: int, numbers: set[int], added: set[int]) -> bool:
    seen: list[str] = []
    after: str | None = None
    while True:
        with store.reading() as reading:
            page = reading.devices(ALL, after=after, limit=limit)
        seen += subs(page)
        assert len(page.items) <= limit
        keep(store, *(device(number) for number in added - numbers))
        if (after := page.next) is None:
            break
    early = [device(number).sub for number in sorted(numbers)]
    return [sub for sub in seen if sub in early] == early and len(set(seen)) == len(seen)


def test_invalid_cursor_is_rejected(store: Store) -> None:
    for cursor in ("%", "d-17", "ZA==", "Zh", "_w", "AA", "ZC0xNw=", "Zm9v", "é", encode_cursor("9" * 19)):
        with store.reading() as reading:
            with pytest.raises(CursorError):
                reading.audit(AuditQuery(), after=cursor)
            with pytest.raises(CursorError):
                reading.history("d-1", after=cursor)


def test_page_length_out_of_range_is_rejected(store: Store) -> None:
    for limit in (0, -1, PAGE_MAX + 1):
        with store.reading() as reading:
            with pytest.raises(ValueError, match="1000"):
                reading.devices(ALL, limit=limit)
            with pytest.raises(ValueError, match="1000"):
                reading.history("d", limit=limit)
            with pytest.raises(ValueError, match="1000"):
                reading.audit(AuditQuery(), limit=limit)


# Audit


def test_audit_entries_are_numbered_and_found(store: Store) -> None:
    entries = [
        entry(10),
        entry(20, actor="bob", action="device.unlock"),
        entry(30, action="Device.lock"),
        entry(40, action="policy.in-force", subject="export 2"),
    ]
    with store.transaction() as transaction:
        for each in entries:
            transaction.append_audit(each)
    for query, found in (
        (AuditQuery(), [40, 30, 20, 10]),
        (AuditQuery(actor="bob"), [20]),
        (AuditQuery(action="device."), [20, 10]),
        (AuditQuery(action="device_"), []),
        (AuditQuery(action="policy.in-force"), [40]),
        (AuditQuery(subject="export 2"), [40]),
        (AuditQuery(since=20, until=40), [30, 20]),
    ):
        with store.reading() as reading:
            assert [each.at for each in reading.audit(query).items] == found
    with store.reading() as reading:
        first = reading.audit(AuditQuery(), limit=3)
        rest = reading.audit(AuditQuery(), limit=3, after=first.next)
    numbers = [each.id for each in first.items + rest.items]
    assert numbers == sorted(set(numbers), reverse=True)
    assert [replace(each, id=0) for each in first.items + rest.items] == entries[::-1]


# Policies and campaigns


def test_policy_version_can_change_until_it_has_been_in_force(store: Store) -> None:
    """Every verdict names the version that decided."""
    with store.transaction() as transaction:
        transaction.put_policy(policy(2))
        transaction.put_policy(policy(1, "draft"))
        transaction.put_policy(policy(1, "better draft"))
        transaction.put_in_force(InForce("export", 1, 5, "alice", "first"))
        transaction.put_policy(policy(1, "better draft"))
    with pytest.raises(PolicyFixedError, match="export 1"), store.transaction() as transaction:
        transaction.put_policy(policy(1, "changed"))
    with store.reading() as reading:
        assert reading.policies() == (policy(1, "better draft"), policy(2))
        assert reading.policy("export", 3) is None


def test_etag_of_a_policy_depends_on_its_text_only() -> None:
    assert policy(1, "a").etag == policy(2, "a").etag != policy(1, "b").etag


def test_newest_entry_is_in_force_and_all_entries_are_kept(store: Store) -> None:
    words = [InForce("export", number, 10 - number, "alice", f"{number}") for number in (1, 3, 2)]
    with store.reading() as reading:
        assert reading.in_force() is None
    for word in words:
        with store.transaction() as transaction:
            transaction.put_in_force(word)
    with store.reading() as reading:
        assert reading.in_force() == words[-1]
        assert reading.in_force_history() == tuple(words)


def test_newest_period_of_a_campaign_counts(store: Store) -> None:
    begun = CampaignPeriod("grey", 5, None, "alice", "begun")
    lifted = CampaignPeriod("grey", 5, 9, "bob", "lifted")
    other = CampaignPeriod("amber", 1, None, "bob", "other")
    with store.transaction() as transaction:
        for period in (begun, other, lifted):
            transaction.put_campaign(period)
    with store.reading() as reading:
        assert reading.campaigns() == (other, lifted)


def test_revision_rises_only_with_changes_that_affect_decisions(store: Store) -> None:
    def revision() -> int:
        with store.reading() as reading:
            return reading.revision()

    seen = [revision()]
    with store.transaction() as transaction:
        transaction.put_policy(policy(1))
        transaction.append_audit(entry(1))
        transaction.put_device(device(1))
    assert revision() == seen[0]
    with store.transaction() as transaction:
        transaction.put_in_force(InForce("export", 1, 5, "alice", ""))
    seen.append(revision())
    with store.transaction() as transaction:
        transaction.put_campaign(CampaignPeriod("grey", 5, None, "alice", ""))
    seen.append(revision())
    assert seen == sorted(set(seen))


# Shipments, responses, the token


def test_device_is_in_the_newest_shipment_that_contains_it(store: Store) -> None:
    """Both ends of a range are inclusive."""
    with store.transaction() as transaction:
        transaction.add_shipments(
            [shipment(10, 19, "Caravel"), shipment(20, 29, "Brig"), shipment(15, 15, "Sloop")]
        )
        transaction.add_shipments([shipment(10, 19, "Yawl", tac="00101013")])
    with store.reading() as reading:
        units = [("00101012", serial) for serial in (9, 10, 15, 19, 20, 29, 30)]
        found = [reading.shipments_of(units).get(unit) for unit in units]
    names = [each.distributor if each else None for each in found]
    assert names == [None, "Caravel", "Sloop", "Caravel", "Brig", "Brig", None]


@pytest.mark.parametrize(
    ("tac", "first", "last"),
    [
        ("0010101", 0, 1),
        ("0010101a", 0, 1),
        ("٠٠١٠١٠١٢", 0, 1),
        ("00101012", -1, 1),
        ("00101012", 2, 1),
        ("00101012", 0, 10**6),
    ],
)
def test_shipment_range_that_no_imei_can_be_in_is_rejected(tac: str, first: int, last: int) -> None:
    with pytest.raises(ValueError, match=r"digits|serial numbers"):
        Shipment(tac, first, last, "b", "d", "global", "Lark 1")


def test_idempotent_response_is_stored_replaced_and_deleted(store: Store) -> None:
    answers = [
        IdempotentAnswer("k", "r", 201, {"etag": '"é"'}, bytes(range(256)), until) for until in (50, 100)
    ]
    other = IdempotentAnswer("other", "r", 200, {}, b"", 99)
    with store.transaction() as transaction:
        assert transaction.answer("k") is None
        for answer in (*answers, other):
            transaction.put_answer(answer)
        assert transaction.answer("k") == answers[1]
        transaction.delete_expired_answers(99)
        assert transaction.answer("k") == answers[1]
        assert transaction.answer("other") is None
        transaction.delete_expired_answers(100)
        assert transaction.answer("k") is None


def test_admin_token_hash_is_replaced(store: Store) -> None:
    """None at first."""
    with store.transaction() as transaction:
        assert transaction.admin_token_hash() is None
        transaction.set_admin_token_hash("first")
    with store.transaction() as transaction:
        assert transaction.admin_token_hash() == "first"
        transaction.set_admin_token_hash("second")
    with store.reading() as reading:
        assert reading.admin_token_hash() == "second"


def test_test_clock_is_kept(store: Store) -> None:
    """None at first; a database without a test clock is not one whose clock was not moved."""
    with store.transaction() as transaction:
        assert transaction.test_clock() is None
        transaction.set_test_clock(0)
    with store.transaction() as transaction:
        assert transaction.test_clock() == 0
        transaction.set_test_clock(2**33)
    with store.reading() as reading:
        assert reading.test_clock() == 2**33
