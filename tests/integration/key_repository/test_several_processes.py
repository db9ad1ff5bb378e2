"""Several servers on one database obey what another of them has published. Each has a store of its own."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import jwt
import pytest
from tuf.api.metadata import Metadata, Timestamp

from firmware_profiles.model import KeyStorage
from lab.manufacturer.key_rotation import KeyRotationHistory
from lab.world.seed import Seed
from server_stub.admin.clock import ClockAdmin, guarded_clock
from server_stub.admin.context import AdminContext
from server_stub.admin.fault_injection import HonestAnswer
from server_stub.admin.idempotency import NestedTransactionStore
from server_stub.admin.keys import KeyAdmin
from server_stub.clock import ClockError, ClockFault, ClockReading
from server_stub.faults.catalogue import FaultKind, Route
from server_stub.key_repository import VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.signing.signing_key import SigningKey
from server_stub.store.records import AuditQuery
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from server_stub.verdicts.service import VerdictService
from tests.support.records import device, fault
from tests.support.server_phone import IMEI, MANUFACTURER, NOW, Phone
from tests.support.stores import KINDS, open_store, place_of
from wire.limits import SKEW
from wire.unlock import UnlockChallenge
from wire.verdict import Verdict

KEYS = MANUFACTURER.secrets.signing_keys
HOUR = 3600


@dataclass
class SettableClock:
    """Implements `ServerClock`: `ahead` is how far the wall clock is from the right time."""

    ahead: int = 0

    def read(self) -> ClockReading:
        return ClockReading(NOW + self.ahead, 0)


@dataclass
class Process:
    """What a process of a server has."""

    store: SqlStore
    clock: SettableClock = field(default_factory=SettableClock)

    def __post_init__(self) -> None:
        self.guard = guarded_clock(self.clock, self.store)
        self.repository = MANUFACTURER.ceremony.open(self.store, KEYS, self.guard)
        history = KeyRotationHistory(MANUFACTURER, KEYS)
        self.keys = KeyAdmin(self.repository, history.keyring, history.successor, self.guard.unchecked)
        self.clock_admin = ClockAdmin(self.guard, self.repository, history.keyring)
        self.signer = VerdictSigner(history.keyring, self.repository.keys, self.guard)
        self.service = VerdictService(
            secrets=MANUFACTURER.secrets,
            policy=shipped(),
            store=self.store,
            issuer=MANUFACTURER.issuer,
            audience=MANUFACTURER.audience,
            clock=self.guard,
            random=os.urandom,
            key=self.signer.key,
        )
        self.admin = AdminContext.of(self.service, keys=self.keys)

    def judge(self, level: KeyStorage = KeyStorage.STRONGBOX) -> tuple[Verdict, str]:
        return self.service.judge(Phone(level).evidence(self.service.challenge().nonce))


def verdict(process: Process) -> Callable[[], str]:
    token = Phone().evidence(process.service.challenge().nonce)
    return lambda: process.service.answer(token)


def unlock_code(process: Process) -> Callable[[], str]:
    sub = process.judge()[0].sub
    with process.store.transaction() as transaction:
        transaction.put_device(replace(transaction.device(sub) or device(), locks_at=0))
    admin = process.admin.device_admin(process.store, "alice")
    return lambda: admin.unlock_code(UnlockChallenge(IMEI[:14], bytes(10)), reason="a test").token


def injected_verdict(process: Process) -> Callable[[], str]:
    """A verdict with wrong times, signed by the server's key."""
    honest = process.judge()[0]
    with process.store.transaction() as transaction:
        transaction.add_fault(fault(kind=FaultKind.EXPIRED, probability=1.0))
    process.admin.faults.refresh()

    def inject() -> str:
        injection = process.admin.faults.inject(HonestAnswer(Route.VERDICTS, "", honest), lambda _: True)
        return ((injection and injection.body) or b"").decode()

    return inject


@pytest.fixture(params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Process]]:
    with place_of(request.param, tmp_path) as place:
        stores = [open_store(place) for _ in range(2)]
        yield [Process(store) for store in stores]
        for store in stores:
            store.close()


class StopError(Exception):
    pass


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@pytest.mark.parametrize("prepare", [verdict, unlock_code, injected_verdict])
def test_revocation_waits_for_what_is_being_signed_and_then_no_process_signs_with_the_key(
    two: list[Process], prepare: Callable[[Process], Callable[[], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    act = prepare(one)
    real, signing, go_on = SigningKey.sign, Event(), Event()

    def sign(key: SigningKey, claims: Verdict) -> str:
        signing.set()
        assert go_on.wait(60)
        return real(key, claims)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(SigningKey, "sign", sign)
        signed = pool.submit(act)
        assert signing.wait(60)
        revoked = pool.submit(other.keys.revoke, KEYS[0].kid, other.store, reason="stolen", by="alice")
        with pytest.raises(TimeoutError):
            revoked.result(0.1)
        go_on.set()
        assert kid(signed.result(60)) == KEYS[0].kid
        revoked.result(60)
    for process in two:
        assert kid(process.judge()[1]) == KEYS[1].kid
        assert kid(prepare(process)()) == KEYS[1].kid
        assert [key.signs for key in process.keys.list(process.store)] == [
            False,
            True,
            *[False] * (len(KEYS) - 2),
        ]


@pytest.mark.parametrize("change", ["rotate", "revoke", "root", "clock"])
def test_audit_entry_and_publication_commit_together_or_not_at_all(two: list[Process], change: str) -> None:
    one, other = two

    def act(store: Store) -> None:
        if change == "rotate":
            one.keys.rotate(KEYS[0].kid, store, at=None, reason="a test", by="alice")
        elif change == "revoke":
            one.keys.revoke(KEYS[0].kid, store, reason="a test", by="alice")
        elif change == "root":
            root = MANUFACTURER.ceremony.replacement(one.repository.root())
            one.keys.install_root(root, store, reason="a test", by="alice")
        else:
            one.clock_admin.accept(store, reason="a test", by="alice")

    def seen(process: Process) -> tuple[int, bytes | None, object, object]:
        with process.store.reading() as reading:
            entries = len(reading.audit(AuditQuery(actor="alice")).items)
        served = process.repository.metadata("timestamp.json")
        return entries, served, process.keys.list(process.store), process.repository.root()

    before = seen(one)
    with suppress(StopError), one.store.transaction() as transaction:
        act(NestedTransactionStore(transaction))
        raise StopError
    assert seen(one) == seen(other) == before
    act(one.store)
    after = seen(one)
    assert seen(other) == after
    assert after[0] == 1
    assert after[1] != before[1]


def test_no_process_answers_with_an_older_timestamp_than_any_process_has_answered(two: list[Process]) -> None:
    done = Event()

    def publish() -> None:
        while not done.is_set():
            two[0].repository.accept_clock(NOW)

    with ThreadPoolExecutor(1) as pool:
        publishing, newest, seen = pool.submit(publish), 0, set[int]()
        try:
            while len(seen) < 8:
                for process in two:
                    content = process.repository.metadata("timestamp.json") or b""
                    version = Metadata[Timestamp].from_bytes(content).signed.version
                    assert version >= newest
                    newest = version
                    seen.add(version)
        finally:
            done.set()
        publishing.result(60)


@pytest.mark.parametrize("wrong", [ClockFault.STEPPED, ClockFault.BEHIND])
@pytest.mark.parametrize("right", [True, False])
def test_acceptance_of_the_clock_reaches_the_guards_of_other_processes(
    two: list[Process], wrong: ClockFault, *, right: bool
) -> None:
    """The clocks of both hosts were wrong and were corrected, or that of the other is still behind."""
    for process in two:
        process.clock.ahead = 10 * HOUR
    if wrong is ClockFault.BEHIND:
        two[0].guard.accept()
        two[0].judge()
        two = [Process(process.store) for process in two]
    one, other = two
    for process in two:
        with pytest.raises(ClockError) as caught:
            process.guard()
        assert caught.value.fault is wrong
    other.clock.ahead -= 0 if right else 2 * SKEW
    one.clock_admin.accept(one.store, reason="a test", by="alice")
    assert one.guard() == NOW + one.clock.ahead
    if right:
        assert other.guard() == NOW + other.clock.ahead
        assert other.judge()[0].iat == NOW + other.clock.ahead
    else:
        with pytest.raises(ClockError) as caught:
            other.guard()
        assert caught.value.fault is ClockFault.BEHIND
        assert guarded_clock(other.clock, other.store).fault is ClockFault.BEHIND, "as after a restart"


@pytest.mark.slow
def test_publications_verdicts_and_changes_of_the_policy_do_not_deadlock(
    two: list[Process],
) -> None:
    """Attested and unattested devices, whose verdicts change rows that publications change too."""
    rounds = 25

    def judge(process: Process) -> None:
        for _ in range(rounds):
            process.judge()
            process.judge(KeyStorage.SOFTWARE)

    def publish(process: Process) -> None:
        for number in range(rounds):
            if number % 2:
                process.clock_admin.accept(process.store, reason="a test", by="alice")
            else:
                process.repository.wrong_timestamp(FaultKind.EXPIRED, Seed.of(1).ed25519("thief"))

    def change(process: Process) -> None:
        for _ in range(rounds):
            with process.store.transaction() as transaction:
                entry = transaction.in_force()
                assert entry
                transaction.put_in_force(replace(entry, by="alice"))
                transaction.revision()

    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(act, process) for act in (judge, publish, change) for process in two]:
            each.result(120)
    with two[0].store.transaction() as transaction:
        assert transaction.next_unattested_serial() == 2 * rounds + 1
