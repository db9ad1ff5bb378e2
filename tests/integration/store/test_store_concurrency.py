"""Several servers on one database, or several workers in one: whoever is first wins, and nobody wins twice."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from server_stub.evidence.challenges import SpendableNonce
from server_stub.store.records import (
    CampaignPeriod,
    DeviceQuery,
    IdempotentAnswer,
    InForce,
    NonceSpentError,
    StoreUnavailableError,
    Transaction,
)
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import ServiceError
from tests.support.postgresql import own_server
from tests.support.records import device, entry, policy, record
from tests.support.server_phone import Phone, service
from tests.support.stores import KINDS, place_of, schema_url
from wire.codes import ProblemCode

T = TypeVar("T")

SUB = device(1).sub


@contextmanager
def opened(place: str, count: int) -> Iterator[list[SqlStore]]:
    with ExitStack() as stack:
        stores = [SqlStore(place) for _ in range(count)]
        for store in stores:
            stack.callback(store.close)
        yield stores


@pytest.fixture(params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SqlStore]]:
    """Two servers' stores on one database."""
    with place_of(request.param, tmp_path) as place, opened(place, 2) as stores:
        yield stores


def at_once(work: Callable[[int], T], count: int) -> list[T]:
    """The results of `work(0)`, `work(1)`… which begin at the same moment, each on a thread of its own."""
    barrier = threading.Barrier(count)

    def one(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def number_one(store: SqlStore) -> int:
    """What a verdict does: read the device, take the next serial, record, remember."""
    with store.transaction() as transaction:
        known = transaction.device(SUB) or device(1, last_serial=0)
        serial = known.last_serial + 1
        transaction.append_verdict(record(SUB, serial))
        transaction.put_device(replace(known, last_serial=serial))
    return serial


def test_no_serial_is_given_twice_though_all_begin_with_an_unknown_phone(two: list[SqlStore]) -> None:
    """A phone that is new has no row that could be locked; its first serials must differ too."""
    given = at_once(lambda number: [number_one(two[number % 2]) for _ in range(5)], 8)
    serials = sorted(serial for some in given for serial in some)
    assert serials == list(range(1, 41))
    assert two[0].count() == 40


def test_of_many_that_spend_one_nonce_one_succeeds(two: list[SqlStore]) -> None:
    """Evidence that is sent to two hosts at once is answered by one of them."""
    nonce = SpendableNonce(b"n" * 33, until=100)

    def spend(number: int) -> bool:
        try:
            with two[number % 2].transaction() as transaction:
                transaction.spend_nonce(nonce, 1)
                time.sleep(0.02)
        except NonceSpentError:
            return False
        return True

    assert at_once(spend, 8).count(True) == 1


def test_a_nonce_whose_spender_failed_goes_to_the_one_who_waited(two: list[SqlStore]) -> None:
    """The second one waits for the first one's end before it judges."""
    nonce, first_has_it = SpendableNonce(b"n" * 33, until=100), threading.Event()

    def fail() -> None:
        with suppress(InterruptedError), two[0].transaction() as transaction:
            spend_and_fail(transaction)

    def spend_and_fail(transaction: Transaction) -> None:
        transaction.spend_nonce(nonce, 1)
        first_has_it.set()
        time.sleep(0.05)
        raise InterruptedError

    failing = threading.Thread(target=fail)
    failing.start()
    first_has_it.wait(5)
    with two[1].transaction() as transaction:
        transaction.spend_nonce(nonce, 1)
    failing.join()


def test_expired_nonces_are_forgotten_without_waiting_for_each_other(two: list[SqlStore]) -> None:
    """Both servers sweep the same table."""
    with two[0].transaction() as transaction:
        for number in range(20):
            transaction.spend_nonce(SpendableNonce(bytes([number]) * 33, until=100), 1)
    at_once(lambda n: [spend_one(two[n % 2], bytes([100 + n, i]) * 16, 1_000 + 100 * i) for i in range(5)], 4)
    with two[0]._engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT min(until) FROM spent_nonces").scalar_one()
    assert left > 1_000


def spend_one(store: SqlStore, value: bytes, now: int) -> None:
    with store.transaction() as transaction:
        transaction.spend_nonce(SpendableNonce(value, now + 300), now)


def test_evidence_sent_to_two_servers_is_answered_once(two: list[SqlStore]) -> None:
    """The whole service over each store: one verdict, one replay."""
    servers = [service(store) for store in two]
    for server in servers:  # which would otherwise draw the same octets, and give two verdicts one name
        server._random = secrets.token_bytes
    for _ in range(5):
        token = Phone().evidence(servers[0].challenge().nonce)

        def judge(number: int, token: bytes = token) -> object:
            try:
                return servers[number].judge(token)[0].serial
            except ServiceError as error:
                return error.code

        answers = at_once(judge, 2)
        assert answers.count(ProblemCode.CHALLENGE_SPENT) == 1, answers
    assert two[0].count() == 5


def test_an_operator_over_many_devices_loses_no_serial(two: list[SqlStore]) -> None:
    """A lock in bulk rewrites the row of a phone that is being judged at that moment."""
    with two[0].transaction() as transaction:
        for number in range(1, 20):
            transaction.put_device(device(number, last_serial=0, override=None))

    def bulk() -> None:
        for turn in range(10):
            with two[0].transaction() as transaction:
                for each in transaction.devices(DeviceQuery(), limit=50).items:
                    time.sleep(0.0002)
                    transaction.put_device(replace(each, batch=f"{turn}"))

    operator = threading.Thread(target=bulk)
    operator.start()
    serials = [number_one(two[1]) for _ in range(30)]
    operator.join()
    assert serials == list(range(1, 31))
    with two[0].reading() as reading:
        judged = reading.device(SUB)
    assert judged
    assert (judged.batch, judged.last_serial) == ("9", 30)


def test_an_operator_who_waited_for_a_verdict_sees_what_it_wrote(two: list[SqlStore]) -> None:
    """What is searched for in order to be changed is read after the wait, not before it."""
    number_one(two[0])

    def search() -> int | None:
        with two[1].transaction() as transaction:
            [found] = transaction.devices(DeviceQuery()).items
        return found.last_seen

    with ThreadPoolExecutor(1) as pool:
        with two[0].transaction() as judging:
            assert judging.device(SUB)
            waiting = pool.submit(search)
            time.sleep(0.1)
            judging.put_device(device(1, last_seen=99))
        assert waiting.result(10) == 99


def test_of_two_equal_requests_at_once_the_second_finds_the_answer(two: list[SqlStore]) -> None:
    """A client that repeats a write which is still under way must not have it done twice."""

    def ask(number: int) -> bool:
        with two[number % 2].transaction() as transaction:
            if transaction.answer("key"):
                return False
            time.sleep(0.02)
            transaction.put_answer(IdempotentAnswer("key", "r", 200, {}, b"", 100))
            return True

    assert at_once(ask, 6).count(True) == 1


def test_only_one_of_two_first_starts_makes_the_admin_token(two: list[SqlStore]) -> None:
    """Otherwise one of them would show a token that is not good."""

    def start(number: int) -> bool:
        with two[number % 2].transaction() as transaction:
            if transaction.admin_token_hash():
                return False
            time.sleep(0.02)
            transaction.set_admin_token_hash(f"{number}")
            return True

    assert at_once(start, 4).count(True) == 1


def test_a_server_sees_by_the_revision_what_another_put_in_force(two: list[SqlStore]) -> None:
    """Words of operators count in the order of their commits, so none is missed."""
    at_once(lambda number: put(two[number % 2], number), 8)
    with two[0].reading() as reading:
        assert reading.revision() == 8
        history = reading.in_force_history()
        assert reading.in_force() == history[-1]
    assert {word.version for word in history} == set(range(8))


def put(store: SqlStore, version: int) -> None:
    with store.transaction() as transaction:
        transaction.put_in_force(InForce("export", version, 1, "alice", ""))


def test_reading_is_one_state_and_makes_nobody_wait(two: list[SqlStore]) -> None:
    """An export that takes minutes neither blocks phones nor sees half of a change."""
    with two[0].reading() as reading:
        assert reading.device(SUB) is None
        assert number_one(two[1]) == 1
        assert reading.device(SUB) is None
        assert reading.history(SUB).items == ()
    with two[0].reading() as reading:
        assert reading.device(SUB)


def test_on_postgresql_different_phones_go_side_by_side() -> None:
    """While one transaction holds a phone, another phone is judged; the same phone waits, and gets the next serial."""
    with schema_url() as url, opened(url, 1) as [store], ThreadPoolExecutor(2) as pool:
        number_one(store)
        with store.transaction() as holding:
            assert holding.device(SUB)
            assert pool.submit(keep_another, store).result(10) == 2
            same = pool.submit(number_one, store)
            time.sleep(0.1)
            assert not same.done()
        assert same.result(10) == 2


def keep_another(store: SqlStore) -> int:
    with store.transaction() as transaction:
        assert transaction.device(device(2).sub) is None
        transaction.put_device(device(2, last_serial=2))
        found = transaction.device(device(2).sub)
    return found.last_serial if found else 0


APPEND_ONLY: Final = {
    "verdicts": "serial = 1",
    "audit": "at = 1",
    "policies_in_force": "since = 1",
    "campaign_periods": "begins = 1",
}


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_database_itself_refuses_to_change_what_is_append_only(two: list[SqlStore], table: str) -> None:
    """Append-only must not rest on the good will of one program."""
    fill(two[0])
    engine = two[0]._engine
    changes = [f"DELETE FROM {table}", f"UPDATE {table} SET {APPEND_ONLY[table]}"]
    if engine.dialect.name == "postgresql":
        changes.append(f"TRUNCATE {table}")
    else:
        changes.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    for change in changes:
        with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(change)
    with engine.begin() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1


def test_the_database_itself_refuses_another_text_for_a_policy_that_was_in_force(two: list[SqlStore]) -> None:
    """The text of a draft may change."""
    fill(two[0])
    with two[0]._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE policy_versions SET text = 'other' WHERE version = 2")
    with pytest.raises(IntegrityError, match="in force"), two[0]._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE policy_versions SET text = 'other' WHERE version = 1")


def fill(store: SqlStore) -> None:
    """One row in each table that is append-only, and a draft."""
    with store.transaction() as transaction:
        transaction.append_verdict(record(SUB, 1))
        transaction.append_audit(entry(1))
        transaction.put_policy(policy(1))
        transaction.put_policy(policy(2))
        transaction.put_in_force(InForce("export", 1, 5, "alice", ""))
        transaction.put_campaign(CampaignPeriod("grey", 5, None, "alice", ""))


def test_a_database_that_was_restarted_is_found_again_without_an_error() -> None:
    """Connections of before are dead; the next transaction takes a new one, and nothing committed is lost."""
    with own_server() as server, opened(server.url, 1) as [store]:
        at_once(lambda _: number_one(store), 3)
        server.restart()
        assert [number_one(store) for _ in range(3)] == [4, 5, 6]
        with store.reading() as reading:
            assert len(reading.history(SUB).items) == 6


def test_a_database_that_goes_away_in_a_transaction_makes_the_server_unavailable_and_no_more() -> None:
    """503 with Retry-After; nothing of that transaction is there afterwards, and the next one succeeds."""
    with schema_url() as url, opened(url, 2) as [store, other]:
        server = service(store)
        token = Phone().evidence(server.challenge().nonce)
        with pytest.raises(StoreUnavailableError), store.transaction() as transaction:
            lose(transaction, other, url)
        assert server.judge(token)[0].serial == 1
        assert other.count() == 1


def lose(transaction: Transaction, other: SqlStore, url: str) -> None:
    """Write something, then have the connection ended by the server of databases."""
    transaction.append_verdict(record(SUB, 1))
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle in transaction' AND application_name = 'verdict-server'"
        )
    transaction.put_device(device(1))


def test_without_its_database_the_service_says_unavailable(tmp_path: Path) -> None:
    """An answer that a phone understands, over either kind of database."""
    with schema_url() as url, opened(url, 1) as [store]:
        server = service(store)
        token = Phone().evidence(server.challenge().nonce)
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE verdicts RENAME TO away")
        with pytest.raises(ServiceError) as caught:
            server.judge(token)
        assert (caught.value.code, caught.value.status) == (ProblemCode.UNAVAILABLE, 503)
        with psycopg.connect(url) as connection:
            connection.execute("ALTER TABLE away RENAME TO verdicts")
        assert server.judge(token)[0].serial == 1


def test_a_commit_on_postgresql_waits_for_the_disk_whatever_the_database_prefers() -> None:
    """A role or a database may be set to lose its newest commits in a power cut; verdicts are worth more."""
    with schema_url() as url:
        place = f"{url}%20-csynchronous_commit%3Doff"
        with opened(place, 1) as [store], store._engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_the_isolation_is_the_one_that_the_locks_are_made_for() -> None:
    """READ COMMITTED sees what the one that it waited for has written, whatever the database's default is."""
    with schema_url() as url:
        place = f"{url}%20-cdefault_transaction_isolation%3Dserializable"
        with opened(place, 1) as [store], store.transaction() as transaction:
            cursor = transaction._cursor
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)


def test_a_transaction_that_does_not_get_its_turn_says_so(
    two: list[SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone is better told to come back than kept waiting, and the turn is not lost."""
    monkeypatch.setattr("server_stub.store.sql.WAIT_SECONDS", 0.05)
    store = two[0]
    store._writers = threading.Semaphore(1)
    with store.transaction(), pytest.raises(StoreUnavailableError, match="waiting"), store.transaction():
        pass
    store.check()


def test_a_failed_transaction_gives_its_session_back(two: list[SqlStore]) -> None:
    """Whatever failed, the next one finds a session that works."""
    for _ in range(30):
        with pytest.raises(StoreUnavailableError), two[0].transaction() as transaction:
            transaction._cursor.execute("SELECT nothing FROM nowhere")
        with suppress(InterruptedError), two[0].transaction() as transaction:
            transaction.put_device(device(1))
            raise InterruptedError
    assert number_one(two[0]) == 1
