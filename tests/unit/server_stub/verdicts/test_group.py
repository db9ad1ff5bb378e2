"""Verdicts that are judged together: one commit, and errors that fail one request only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event

from firmware_profiles.model import KeyStorage
from server_stub.key_repository import KeyList, VerdictSigner
from server_stub.store.reading import Reading
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Transaction
from server_stub.verdicts.group import Answer
from server_stub.verdicts.observer import JudgingStep, RateExceededError
from server_stub.verdicts.service import ServiceError, VerdictRequest, VerdictService
from tests.support.records import record
from tests.support.server_phone import MANUFACTURER, Clock, Phone, facts, service, ueid
from tests.support.stores import KINDS, open_store, opened, place_of
from wire.codes import ProblemCode

INSIDE = [
    each for each in JudgingStep if each not in (JudgingStep.WAIT, JudgingStep.STORE, JudgingStep.COMMIT)
]

IMEIS = ("490154203237518", "356938035643809", "352099001761481", "012345678901237")


class CountingStore(SqlStore):
    """Counts the transactions that were committed; `commit_fails` lets the next ones fail at their end, counted too."""

    commits = failures = 0
    commit_fails = False

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with super().transaction() as transaction:
            yield transaction
            if self.commit_fails:
                self.failures += 1
                raise StoreUnavailableError
        self.commits += 1


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CountingStore]:
    with place_of(request.param, tmp_path) as place:
        open_store(place).close()
        made = CountingStore(place)
        yield made
        made.close()


def phone(number: int) -> Phone:
    return Phone(boot=facts(imeis=(IMEIS[number],)))


def evidence(server: VerdictService, number: int | None, nonce: str | None = None) -> bytes:
    """Evidence of the phone with this number, or of one without attestation."""
    nonce = nonce or server.challenge().nonce
    if number is None:
        return Phone(KeyStorage.SOFTWARE).evidence(nonce)
    return phone(number).evidence(nonce, ueid=ueid(IMEIS[number]))


def judged(server: VerdictService, *tokens: bytes) -> list[int | ProblemCode | BaseException]:
    """For each its serial, the code of the problem, or the error."""
    return [result(answer) for answer in server.judge_group([VerdictRequest(token) for token in tokens])]


def result(answer: Answer | BaseException) -> int | ProblemCode | BaseException:
    if isinstance(answer, ServiceError):
        return answer.code
    return answer if isinstance(answer, BaseException) else answer[0].serial


def test_group_has_one_commit_and_verdicts_of_one_device_are_numbered_in_their_order(
    store: CountingStore,
) -> None:
    server = service(store)
    before = store.commits
    tokens = [evidence(server, number) for number in (2, 0, None, 1, 0, None, 2, 0)]
    assert judged(server, *tokens) == [1, 1, 1, 1, 2, 2, 2, 3]
    assert store.commits == before + 1
    assert store.count() == 6
    assert judged(server, evidence(server, 0), b"", evidence(server, 3)) == [
        4,
        ProblemCode.EVIDENCE_MALFORMED,
        1,
    ]
    assert judged(server) == []
    assert store.commits == before + 2


def test_nonce_that_is_spent_fails_only_its_request_and_the_first_by_arrival_spends_it(
    store: CountingStore,
) -> None:
    server = service(store)
    old = evidence(server, 0)
    server.judge(old)
    twice = server.challenge().nonce
    group = [evidence(server, number, twice) for number in (3, 1, 2)]
    spent = ProblemCode.CHALLENGE_SPENT
    assert judged(server, old, group[0], *group, evidence(server, 1)) == [spent, 1, spent, spent, spent, 1]
    assert judged(server, *group) == [spent] * 3
    assert store.count() == 3


class StepObserver:
    """Has the steps that were taken. There are no rates."""

    def __init__(self) -> None:
        self.steps: list[JudgingStep] = []

    def record_step(self, step: JudgingStep) -> None:
        self.steps.append(step)

    def check_rate(self, sub: str) -> None:
        pass

    def check_unattested(self) -> None:
        pass


def test_signatures_are_verified_once_for_each_nonce_of_a_group(store: CountingStore) -> None:
    """Otherwise a client could repeat one request at no cost and let the server verify each."""
    server, observers = service(store), [StepObserver() for _ in range(8)]
    good, broken = evidence(server, 0), evidence(server, 1)[:-4] + b"AAAA"
    tokens = [good, broken] * 4
    group = [VerdictRequest(token, observer) for token, observer in zip(tokens, observers, strict=True)]
    spent, wrong = ProblemCode.CHALLENGE_SPENT, ProblemCode.EVIDENCE_SIGNATURE_INVALID
    assert [result(answer) for answer in server.judge_group(group)] == [1, wrong, *[spent] * 6]
    assert [JudgingStep.CHAIN in observer.steps for observer in observers] == [True] * 2 + [False] * 6


def test_steps_are_taken_by_all_of_a_group_before_the_next(store: CountingStore) -> None:
    server, observer = service(store), StepObserver()
    server.judge_group([VerdictRequest(evidence(server, number), observer) for number in range(3)])
    taken = [step for step in observer.steps if step in INSIDE]
    assert taken == sorted(taken, key=taken.index)
    assert {taken.count(step) for step in INSIDE} == {3}


def test_taken_serial_fails_only_its_request(store: CountingStore) -> None:
    """Its nonce is not spent, nor is anything else of it recorded."""
    server = service(store)
    sub = server.signing_context.pseudonyms.device(IMEIS[1])
    with store.transaction() as transaction:
        transaction.append_verdict(record(sub, 1))
    tokens = [evidence(server, number) for number in (0, 1, None, 2, 0)]
    assert judged(server, *tokens) == [1, ProblemCode.UNAVAILABLE, 1, 1, 2]
    assert store.count() == 4
    with store.reading() as reading:
        assert reading.device(sub) is None
    assert judged(server, *tokens)[1] is ProblemCode.UNAVAILABLE, "not CHALLENGE_SPENT"
    store.commit_fails = True
    assert (
        judged(server, *(evidence(server, number) for number in (0, 1, 2))) == [ProblemCode.UNAVAILABLE] * 3
    )
    assert store.failures == 1


class LimitedObserver:
    """Every rate is exceeded."""

    def record_step(self, step: JudgingStep) -> None:
        pass

    def check_rate(self, sub: str) -> None:
        raise RateExceededError(1, sub)

    def check_unattested(self) -> None:
        raise RateExceededError(1, "unattested")


@dataclass
class FailingObserver:
    """Raises `error` when `step` has ended. There are no rates."""

    step: JudgingStep
    error: BaseException

    def record_step(self, step: JudgingStep) -> None:
        if step is self.step:
            raise self.error

    def check_rate(self, sub: str) -> None:
        pass

    def check_unattested(self) -> None:
        pass


class Panic(BaseException):
    """An error as `pyo3` raises it."""


@pytest.mark.parametrize("step", INSIDE)
@pytest.mark.parametrize("error", [ZeroDivisionError(), Panic()])
def test_unexpected_error_fails_only_its_request(
    store: CountingStore, step: JudgingStep, error: BaseException
) -> None:
    server = service(store)
    tokens = [evidence(server, number) for number in (0, 1, 0, None)]
    group = [VerdictRequest(token) for token in tokens]
    group[2] = VerdictRequest(tokens[2], FailingObserver(step, error))
    assert [result(answer) for answer in server.judge_group(group)] == [1, 1, error, 1]
    with pytest.raises(type(error)):
        server.judge(tokens[2], group[2].observer)
    assert judged(server, tokens[2], tokens[0]) == [2, ProblemCode.CHALLENGE_SPENT]


def test_failed_commit_fails_all_of_its_group_and_spends_no_nonce(store: CountingStore) -> None:
    server = service(store)
    twice = server.challenge().nonce
    tokens = [
        *(evidence(server, number) for number in (0, 1, None)),
        *(evidence(server, n, twice) for n in (2, 3)),
    ]
    store.commit_fails = True
    for group in (tokens, tokens[-1:]):
        assert judged(server, *group) == [ProblemCode.UNAVAILABLE] * len(group)
    assert store.failures == 2, "a group waits once for a store that is not available"
    store.commit_fails = False
    assert judged(server, *tokens[:3], tokens[4], tokens[3]) == [1, 1, 1, 1, ProblemCode.CHALLENGE_SPENT]


def test_group_that_does_not_fit_into_the_database_fails_and_is_judged_when_it_may_grow(
    tmp_path: Path,
) -> None:
    with opened("sqlite", tmp_path) as store:
        server = service(store)
        tokens = [evidence(server, number % 4) for number in range(40)]
        limit_pages(store, 60)
        assert judged(server, *tokens) == [ProblemCode.UNAVAILABLE] * 40
        assert store.count() == 0
        assert judged(server, *tokens[:4]) == [1] * 4
        limit_pages(store, 1_000_000)
        assert judged(server, *tokens[4:]) == [number // 4 + 1 for number in range(4, 40)]


def limit_pages(store: SqlStore, pages: int) -> None:
    store.close()  # idle connections
    event.listen(
        store._engine,
        "connect",
        lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}").close(),
    )


def test_key_is_looked_up_once_for_a_group_and_without_one_all_fail(store: CountingStore) -> None:
    keys, lookups = MANUFACTURER.secrets.signing_keys, list[KeyList]()
    listed = [KeyList.of(keys[0].public_jwk())]

    def look_up(_: Reading) -> KeyList:
        lookups.append(listed[0])
        return listed[0]

    server = service(store)
    server._key = VerdictSigner(keys, look_up, Clock()).key
    tokens = [evidence(server, number) for number in range(3)]
    listed[0] = listed[0].revoked(keys[0].kid)
    assert judged(server, *tokens) == [ProblemCode.UNAVAILABLE] * 3
    listed[0] = KeyList.of(keys[0].public_jwk())
    assert judged(server, *tokens) == [1] * 3
    assert len(lookups) == 2


def test_exceeded_rate_fails_only_its_request_and_spends_no_nonce(store: CountingStore) -> None:
    server, limited = service(store), LimitedObserver()
    spent, of_device, other = (evidence(server, number) for number in (0, 1, 2))
    server.judge(spent)
    group = [VerdictRequest(spent, limited), VerdictRequest(of_device, limited), VerdictRequest(other)]
    too_many = ProblemCode.TOO_MANY_REQUESTS
    assert [result(answer) for answer in server.judge_group(group)] == [too_many, too_many, 1]
    assert judged(server, spent, of_device) == [ProblemCode.CHALLENGE_SPENT, 1]
