"""Several servers, or several threads of one, on one database."""

import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import psycopg
import pytest
import requests
from sqlalchemy.exc import IntegrityError

from firmware_profiles.model import KeyStorage
from server_stub.admin.context import device_admin
from server_stub.evidence.challenges import SpendableNonce
from server_stub.server import ServerThread
from server_stub.store.migrate import _LOCK
from server_stub.store.records import (
    CampaignPeriod,
    Device,
    DeviceQuery,
    IdempotentAnswer,
    InForce,
    StoreFault,
    StoreUnavailableError,
)
from server_stub.store.sql import CONNECTIONS, SqlStore
from server_stub.store.transaction import Transaction
from server_stub.verdicts.observer import JudgingStep, _NullObserver
from server_stub.verdicts.service import ServiceError, VerdictRequest
from tests.support.postgresql import own_server
from tests.support.records import device, entry, fault, policy, record
from tests.support.server_phone import Phone, facts, service
from tests.support.stores import KINDS, open_store, place_of, schema_url
from wire import media
from wire.codes import Decision, ProblemCode
from wire.verdict import Verdict

T = TypeVar("T")

SUB = device(1).sub


@contextmanager
def opened(place: str, count: int) -> Iterator[list[SqlStore]]:
    with ExitStack() as stack:
        stores = [open_store(place) for _ in range(count)]
        for store in stores:
            stack.callback(store.close)
        yield stores


@pytest.fixture(params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SqlStore]]:
    """Two servers' stores on one database."""
    with place_of(request.param, tmp_path) as place, opened(place, 2) as stores:
        yield stores


def at_once(work: Callable[[int], T], count: int) -> list[T]:
    """The results of `work(0)`, `work(1)`… which start together, each on its own thread."""
    barrier = threading.Barrier(count)

    def one(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def record_verdict(store: SqlStore) -> int:
    """The writes of a verdict: read the device, take the next serial, record it, update the device."""
    with store.transaction() as transaction:
        known = transaction.device(SUB) or device(1, last_serial=0)
        serial = known.last_serial + 1
        transaction.append_verdict(record(SUB, serial))
        transaction.put_device(replace(known, last_serial=serial))
    return serial


def test_concurrent_verdicts_of_a_new_device_get_different_serials(two: list[SqlStore]) -> None:
    """A new device has no row that could be locked."""
    given = at_once(lambda number: [record_verdict(two[number % 2]) for _ in range(5)], 8)
    serials = sorted(serial for some in given for serial in some)
    assert serials == list(range(1, 41))
    assert two[0].count() == 40


def test_devices_of_a_group_are_locked_in_their_order_also_new_ones(two: list[SqlStore]) -> None:
    """The second transaction must not hold the known device while it waits for the new one before it."""
    new, known = device(1, last_serial=0), device(2)
    with two[0].transaction() as transaction:
        transaction.put_device(known)

    def both() -> dict[str, Device]:
        with two[1].transaction() as transaction:
            return transaction.known_devices({known.sub, new.sub})

    with ThreadPoolExecutor(1) as pool:
        with two[0].transaction() as first:
            assert first.device(new.sub) is None
            waiting = pool.submit(both)
            time.sleep(0.1)
            assert not waiting.done()
            assert first.device(known.sub) == known
            first.put_device(new)
        assert waiting.result(60) == {new.sub: new, known.sub: known}


def test_only_one_of_concurrent_transactions_spends_a_nonce(two: list[SqlStore]) -> None:
    nonce = SpendableNonce(b"n" * 33, until=100)

    def spend(number: int) -> bool:
        with two[number % 2].transaction() as transaction:
            spent = transaction.spend_nonces([nonce], 1)
            time.sleep(0.02)
        return bool(spent)

    assert at_once(spend, 8).count(True) == 1


def test_nonce_of_a_rolled_back_transaction_is_spent_by_the_waiting_one(two: list[SqlStore]) -> None:
    nonce, first_has_it = SpendableNonce(b"n" * 33, until=100), threading.Event()

    def fail() -> None:
        with suppress(InterruptedError), two[0].transaction() as transaction:
            spend_and_fail(transaction)

    def spend_and_fail(transaction: Transaction) -> None:
        transaction.spend_nonces([nonce], 1)
        first_has_it.set()
        time.sleep(0.05)
        raise InterruptedError

    failing = threading.Thread(target=fail)
    failing.start()
    first_has_it.wait(60)
    with two[1].transaction() as transaction:
        assert transaction.spend_nonces([nonce], 1)
    failing.join()
    with two[0].transaction() as transaction:
        assert not transaction.spend_nonces([nonce], 1)


def test_two_servers_delete_expired_nonces_concurrently(two: list[SqlStore]) -> None:
    with two[0].transaction() as transaction:
        transaction.spend_nonces([SpendableNonce(bytes([number]) * 33, 100) for number in range(20)], 1)
    at_once(lambda n: [spend_one(two[n % 2], bytes([100 + n, i]) * 16, 1_000 + 100 * i) for i in range(5)], 4)
    with two[0]._engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT min(until) FROM spent_nonces").scalar_one()
    assert left > 1_000


def spend_one(store: SqlStore, value: bytes, now: int) -> None:
    with store.transaction() as transaction:
        transaction.spend_nonces([SpendableNonce(value, now + 300)], now)


def test_evidence_sent_to_two_servers_gets_one_verdict(two: list[SqlStore]) -> None:
    servers = [service(store) for store in two]
    for server in servers:  # otherwise both draw the same bytes, and two verdicts have one jti
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


@pytest.mark.slow
@pytest.mark.parametrize("same", ["devices", "nonces and devices"])
def test_groups_of_two_servers_in_opposite_orders_cannot_deadlock(two: list[SqlStore], same: str) -> None:
    """PostgreSQL finds a deadlock after a second, which is answered with 503. Half of the devices are new each time."""
    servers = [service(store) for store in two]
    for server in servers:
        server._random = secrets.token_bytes
    judged = Counter[int | ProblemCode]()
    for turn in range(12):
        numbers = (*range(3), *range(10 * turn + 10, 10 * turn + 13))
        phones = [Phone(boot=facts(imeis=(f"{number:015}",))) for number in numbers]
        phones += [Phone(KeyStorage.SOFTWARE)]
        groups = [[VerdictRequest(each.evidence(servers[0].challenge().nonce)) for each in phones]] * 2
        if same == "devices":
            groups[1] = [VerdictRequest(each.evidence(servers[0].challenge().nonce)) for each in phones]
        groups[1] = groups[1][::-1]
        for answers in at_once(lambda number, groups=groups: servers[number].judge_group(groups[number]), 2):
            judged.update(
                answer.code if isinstance(answer, ServiceError) else len(answer) for answer in answers
            )
    both = 12 * len(phones)
    expected = {2: 2 * both} if same == "devices" else {2: both, ProblemCode.CHALLENGE_SPENT: both}
    assert judged == expected
    assert two[0].count() == (2 if same == "devices" else 1) * 12 * 6


def test_next_answer_decides_one_of_simultaneous_requests_and_survives_a_failed_commit(
    two: list[SqlStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = [service(store) for store in two]
    for server in servers:
        server._random = secrets.token_bytes

    def ask(number: int) -> Verdict:
        return servers[number % 2].judge(Phone().evidence(servers[0].challenge().nonce))[0]

    sub = ask(0).sub
    admin = device_admin(servers[0])
    for decision in (Decision.NOTICE, Decision.DEFER):
        admin.decide_once(sub, decision, reason="a test")
        with monkeypatch.context() as patch:
            patch.setattr(Transaction, "put_devices", _fail)
            with pytest.raises(ServiceError):
                ask(0)
        answers = Counter(verdict.decision for verdict in at_once(ask, 6))
        assert answers == {decision: 1, Decision.DENY: 5}


def _fail(*_: object) -> None:
    raise StoreUnavailableError


def test_fault_is_used_at_most_count_times_by_all_servers(two: list[SqlStore]) -> None:
    with two[0].transaction() as transaction:
        known = transaction.add_fault(fault(count=7))
        other = transaction.add_fault(fault(device="d-1"))

    def use(number: int) -> int:
        taken = 0
        for _ in range(3):
            with two[number % 2].transaction() as transaction:
                taken += transaction.use_fault(known.id)
        return taken

    assert sum(at_once(use, 6)) == 7
    with two[1].transaction() as transaction:
        assert transaction.faults() == (other,)
        transaction.delete_fault(other.id)
        assert not transaction.use_fault(other.id)
        assert transaction.faults() == ()


def test_bulk_change_during_verdicts_keeps_every_serial(two: list[SqlStore]) -> None:
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
    serials = [record_verdict(two[1]) for _ in range(30)]
    operator.join()
    assert serials == list(range(1, 31))
    with two[0].reading() as reading:
        judged = reading.device(SUB)
    assert judged
    assert (judged.batch, judged.last_serial) == ("9", 30)


def test_search_in_a_transaction_reads_devices_after_waiting_for_their_locks(two: list[SqlStore]) -> None:
    record_verdict(two[0])

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
        assert waiting.result(60) == 99


def test_second_of_two_equal_concurrent_requests_finds_the_stored_response(two: list[SqlStore]) -> None:
    def ask(number: int) -> bool:
        with two[number % 2].transaction() as transaction:
            if transaction.answer("key"):
                return False
            time.sleep(0.02)
            transaction.put_answer(IdempotentAnswer("key", "r", 200, {}, b"", 100))
            return True

    assert at_once(ask, 6).count(True) == 1


def test_only_one_of_concurrent_first_starts_creates_the_admin_token(two: list[SqlStore]) -> None:
    def start(number: int) -> bool:
        with two[number % 2].transaction() as transaction:
            if transaction.admin_token_hash():
                return False
            time.sleep(0.02)
            transaction.set_admin_token_hash(f"{number}")
            return True

    assert at_once(start, 4).count(True) == 1


def test_concurrent_moves_of_the_test_clock_are_added(two: list[SqlStore]) -> None:
    def move(number: int) -> None:
        with two[number % 2].transaction() as transaction:
            ahead = transaction.test_clock() or 0
            time.sleep(0.02)
            transaction.set_test_clock(ahead + 60)

    at_once(move, 4)
    with two[0].reading() as reading:
        assert reading.test_clock() == 240


def test_revision_counts_every_policy_put_in_force_by_any_server(two: list[SqlStore]) -> None:
    at_once(lambda number: put(two[number % 2], number), 8)
    with two[0].reading() as reading:
        assert reading.revision() == 8
        history = reading.in_force_history()
        assert reading.in_force() == history[-1]
    assert {word.version for word in history} == set(range(8))


def put(store: SqlStore, version: int) -> None:
    with store.transaction() as transaction:
        transaction.put_in_force(InForce("export", version, 1, "alice", ""))


def test_reading_is_a_snapshot_that_does_not_block_writers(two: list[SqlStore]) -> None:
    with two[0].reading() as reading:
        assert reading.device(SUB) is None
        assert record_verdict(two[1]) == 1
        assert reading.device(SUB) is None
        assert reading.history(SUB).items == ()
    with two[0].reading() as reading:
        assert reading.device(SUB)


def test_postgresql_blocks_only_transactions_about_the_same_device() -> None:
    with schema_url() as url, opened(url, 1) as [store], ThreadPoolExecutor(2) as pool:
        record_verdict(store)
        with store.transaction() as holding:
            assert holding.device(SUB)
            assert pool.submit(put_second_device, store).result(60) == 2
            same = pool.submit(record_verdict, store)
            time.sleep(0.1)
            assert not same.done()
        assert same.result(60) == 2


def put_second_device(store: SqlStore) -> int:
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
def test_database_rejects_changes_of_append_only_tables(two: list[SqlStore], table: str) -> None:
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


def test_database_rejects_another_text_for_a_policy_that_was_in_force(two: list[SqlStore]) -> None:
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


def test_store_reconnects_after_a_restart_of_the_database() -> None:
    """Also without an error of the first transaction."""
    with own_server() as server, opened(server.url, 1) as [store]:
        at_once(lambda _: record_verdict(store), 3)
        server.restart()
        assert [record_verdict(store) for _ in range(3)] == [4, 5, 6]
        with store.reading() as reading:
            assert len(reading.history(SUB).items) == 6


def test_connection_lost_in_a_transaction_rolls_it_back_and_the_next_one_succeeds() -> None:
    with schema_url() as url, opened(url, 2) as [store, other]:
        server = service(store)
        token = Phone().evidence(server.challenge().nonce)
        with pytest.raises(StoreUnavailableError), store.transaction() as transaction:
            lose(transaction, other, url)
        assert server.judge(token)[0].serial == 1
        assert other.count() == 1


def lose(transaction: Transaction, other: SqlStore, url: str) -> None:
    """Write, then let the database server close the connection."""
    transaction.append_verdict(record(SUB, 1))
    close_connections(url)
    transaction.put_device(device(1))


def close_connections(url: str) -> None:
    """Let the database server close the connections of all transactions of servers."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE state = 'idle in transaction' AND application_name = 'verdict-server'"
        )


def test_group_whose_connection_is_lost_fails_and_gets_verdicts_by_the_same_evidence() -> None:
    with schema_url() as url, opened(url, 1) as [store]:
        server, closing = service(store), ClosingObserver(url)
        tokens = [Phone().evidence(server.challenge().nonce) for _ in range(4)]
        group = [*map(VerdictRequest, tokens[:3]), VerdictRequest(tokens[3], closing)]
        for answer in server.judge_group(group):
            assert isinstance(answer, ServiceError)
            assert answer.status == 503
        assert store.count() == 0
        answers = server.judge_group([VerdictRequest(token) for token in tokens])
        assert [answer[0].serial for answer in answers if isinstance(answer, tuple)] == [1, 2, 3, 4]


class ClosingObserver(_NullObserver):
    """Closes the connections when its verdict is signed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def record_step(self, step: JudgingStep) -> None:
        if step is JudgingStep.SIGN:
            close_connections(self._url)


def test_service_reports_unavailable_while_a_table_is_missing(tmp_path: Path) -> None:
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


@pytest.mark.slow
def test_verdict_that_waits_too_long_for_a_row_is_unavailable_and_spends_no_nonce(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server_stub.store.sql._BUSY_SECONDS", 0.05)
    with schema_url() as url, opened(url, 1) as [store], ServerThread(service(store)) as server:

        def send(token: bytes) -> requests.Response:
            headers = {"Content-Type": media.EVIDENCE}
            return requests.post(server.origin + media.VERDICTS_PATH, token, headers=headers, timeout=60)

        def evidence() -> bytes:
            challenge = requests.post(server.origin + media.CHALLENGES_PATH, timeout=60)
            return Phone().evidence(challenge.json()["nonce"])

        assert send(evidence()).status_code == 200
        token = evidence()
        with psycopg.connect(url) as other:
            other.execute("SELECT * FROM devices FOR UPDATE")
            refused = send(token)
            assert (refused.status_code, refused.json()["code"]) == (503, ProblemCode.UNAVAILABLE)
            assert store.count() == 1
        assert send(token).status_code == 200
        assert store.count() == 2


@pytest.mark.parametrize(
    ("option", "limits"),
    [
        ("", ("5s", "4s", "10")),
        ("%20-clock_timeout%3D70000", ("70s", "4s", "10")),
        ("%20-clock_timeout%3D0", ("0", "4s", "10")),
        ("%20-cidle_in_transaction_session_timeout%3D0", ("5s", "0", "10")),
        ("%20-ctcp_keepalives_idle%3D99", ("5s", "4s", "99")),
    ],
)
def test_postgresql_limits_waits_and_connections_unless_the_url_does(
    option: str, limits: tuple[str, ...]
) -> None:
    names = ("lock_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_idle")
    with schema_url() as url, opened(url + option, 1) as [store], store.reading() as reading:
        for name, limit in zip(names, limits, strict=True):
            reading._cursor.execute(f"SHOW {name}")
            assert reading._cursor.fetchone() == (limit,)


_STOPS_IN_A_TRANSACTION = """
import os, signal, sys
from server_stub.store.sql import SqlStore
with SqlStore(sys.argv[1]).transaction() as transaction:
    transaction.revision()
    transaction.note_clock_behind()
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.slow
def test_process_that_stops_in_a_transaction_does_not_block_others_for_long() -> None:
    """Not even a publication, which waits for all that sign, and a row that the process has changed."""
    with schema_url() as url, opened(url, 1) as [store]:
        command = [sys.executable, "-c", _STOPS_IN_A_TRANSACTION, url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                assert process.stdout.readline() == "locked\n"
                with store.transaction() as transaction:
                    transaction.begin_publication()
                    transaction.note_clock_behind()
            finally:
                process.kill()
        with store.reading() as reading:
            assert reading.clock_behind()


def test_start_waits_for_a_migration_longer_than_for_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server_stub.store.sql._BUSY_SECONDS", 0.01)
    with schema_url() as url, ThreadPoolExecutor(1) as pool:
        with psycopg.connect(url) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            starting = pool.submit(open_store, url)
            time.sleep(0.1)
            assert not starting.done()
        starting.result(60).close()


def test_postgresql_commits_are_synchronous_whatever_the_default_is() -> None:
    with schema_url() as url:
        place = f"{url}%20-csynchronous_commit%3Doff"
        with opened(place, 1) as [store], store._engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_postgresql_isolation_is_read_committed_whatever_the_default_is() -> None:
    """After waiting for a lock, a transaction must see what the other one wrote."""
    with schema_url() as url:
        place = f"{url}%20-cdefault_transaction_isolation%3Dserializable"
        with opened(place, 1) as [store], store.transaction() as transaction:
            cursor = transaction._cursor
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)


@pytest.mark.parametrize("kind", KINDS)
def test_transaction_that_waits_too_long_raises_unavailable(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server_stub.store.sql.WAIT_SECONDS", 0.05)
    with place_of(kind, tmp_path) as place, opened(place, 1) as [store]:
        with ExitStack() as held:
            for _ in range(CONNECTIONS if store.database.is_postgresql else 1):
                held.enter_context(store.transaction())
            with pytest.raises(StoreUnavailableError) as caught, store.transaction():
                pass
            assert caught.value.fault is StoreFault.LOCKED
        store.check()


def test_failed_transactions_leave_usable_connections(two: list[SqlStore]) -> None:
    for _ in range(30):
        with pytest.raises(StoreUnavailableError), two[0].transaction() as transaction:
            transaction._cursor.execute("SELECT nothing FROM nowhere")
        with suppress(InterruptedError), two[0].transaction() as transaction:
            transaction.put_device(device(1))
            raise InterruptedError
    assert record_verdict(two[0]) == 1
