"""Changes of keys and roots, over real HTTP, with what the user of the device then sees."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import ClauseElement, Insert, Update
from sqlalchemy.engine.interfaces import DBAPICursor
from tuf.api.metadata import Metadata, Root

from agent.core.screens import ScreenId, Trouble
from lab.handset.handset import Handset
from server_stub.key_repository import KeyRepository, KeyRepositoryError, RepositoryFault, next_root
from server_stub.key_repository.key_list import TAIL
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Transaction
from tests.support.tuf import (
    ALLOW_ALL,
    DAY,
    THIRD_KEY,
    TufEnvironment,
    VisibleState,
    fetched_files,
    open_environment,
    verdict_request_count,
    visible_state,
)

LATER = datetime(2030, 1, 1, tzinfo=UTC)
LOCKED = VisibleState(ScreenId.LOCKED, None, None)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[TufEnvironment]:
    with open_environment(tmp_path) as made:
        yield made


def kid(phone: Handset) -> str:
    """The `kid` in the newest verdict that the device received."""
    received = [
        entry.detail["received"] for entry in phone.timeline.entries if entry.what == "POST /v1/verdicts"
    ]
    return str(received[-1]["header"]["kid"])


def retry(phone: Handset) -> VisibleState:
    """Retry, and return what the user then sees, without the codes of earlier failures."""
    before = len(phone.timeline.entries)
    phone.retry()
    codes = [entry.detail.get("code") for entry in phone.timeline.entries[before:] if entry.what == "failed"]
    seen = visible_state(phone)
    return VisibleState(seen.screen, seen.trouble, codes[-1] if codes else None)


def test_new_device_finds_the_keys_from_its_pinned_root(environment: TufEnvironment) -> None:
    phone = environment.phone()
    assert visible_state(phone) == LOCKED
    names = [name.split(".", 1)[1] for name in fetched_files(phone)]
    assert names == [
        "root.json", "json", "snapshot.json", "targets.json", "verdict-keys.json", "verdict-keys.json",
    ]  # fmt: skip


def test_keys_are_requested_in_every_exchange(environment: TufEnvironment) -> None:
    """Files that have not changed are not downloaded again."""
    phone = environment.phone()
    before = len(fetched_files(phone))
    assert retry(phone) == LOCKED
    assert fetched_files(phone)[before:] == ["2.root.json", "timestamp.json"]


def test_rotation_of_a_verdict_key_causes_no_error(environment: TufEnvironment) -> None:
    repository = environment.serve()
    phone, first = environment.phone(), environment.manufacturer.signing_key
    start = environment.world.now()
    repository.rotate(first.kid, THIRD_KEY.public_jwk(), at=start + DAY)
    assert retry(phone) == LOCKED
    assert kid(phone) == first.kid
    phone.wait(DAY + 1)
    assert retry(phone) == LOCKED
    assert kid(phone) == THIRD_KEY.kid
    phone.wait(TAIL + 15 * DAY)
    assert retry(phone) == LOCKED
    assert first.kid not in {key["kid"] for key in repository.keys().keys}
    assert visible_state(environment.phone("paris")).screen is ScreenId.HOME


def test_new_device_accepts_a_key_that_is_newer_than_its_image(environment: TufEnvironment) -> None:
    """The verdict moves its trusted time, which begins at the build date."""
    repository = environment.serve()
    repository.rotate(
        environment.manufacturer.signing_key.kid, THIRD_KEY.public_jwk(), at=environment.world.now() + DAY
    )
    environment.world.wait(2 * DAY)
    phone = environment.phone()
    assert (visible_state(phone), kid(phone)) == (LOCKED, THIRD_KEY.kid)


def test_device_locked_under_a_revoked_key_is_unlocked_by_the_next_key(environment: TufEnvironment) -> None:
    phone = environment.phone()
    repository = environment.serve(ALLOW_ALL)
    first, second = environment.manufacturer.signing_key, environment.manufacturer.second_signing_key
    assert kid(phone) == first.kid
    phone.network.data_path = False
    repository.revoke(first.kid)
    assert retry(phone) == VisibleState(ScreenId.LOCKED, Trouble.UNREACHABLE, "unreachable")
    phone.network.data_path = True
    assert retry(phone) == VisibleState(ScreenId.HOME, None, None)
    assert kid(phone) == second.kid


def test_verdict_under_a_revoked_key_is_rejected(environment: TufEnvironment) -> None:
    phone = environment.phone()
    thief = environment.manufacturer.signing_key
    environment.serve(ALLOW_ALL, signer=thief).revoke(thief.kid)
    assert retry(phone) == VisibleState(ScreenId.LOCKED, Trouble.UNTRUSTED, "key-revoked")


def test_devices_follow_a_rotation_of_the_root(environment: TufEnvironment) -> None:
    """All root keys and online keys change."""
    phone = environment.phone()
    for generation in (1, 2):
        rotate_root(environment, environment.serve(), generation)
    assert retry(phone) == LOCKED
    assert visible_state(environment.phone()) == LOCKED, "a new device follows from the first root"
    environment.serve()
    assert retry(phone) == LOCKED, "also after a restart"


def rotate_root(environment: TufEnvironment, repository: KeyRepository, generation: int) -> None:
    """The ceremony of docs/security/keys.md."""
    manufacturer = environment.manufacturer.ceremony
    online = manufacturer.online(generation)
    following = next_root(
        repository.root(),
        manufacturer.holder(generation - 1),
        online,
        LATER,
        successor=manufacturer.holder(generation),
    )
    repository.install_root(following)


@pytest.mark.parametrize(("signers", "threshold"), [((0, 0), "old"), ((1, 1), "new")])
def test_root_without_both_thresholds_is_rejected_by_server_and_device(
    environment: TufEnvironment, signers: tuple[int, int], threshold: str
) -> None:
    repository = environment.serve()
    phone = environment.phone()
    forged = next_root_signed_by(environment, repository, signers[0])
    with pytest.raises(KeyRepositoryError) as refused:
        repository.install_root(forged)
    assert refused.value.fault is RepositoryFault.ROOT_REFUSED
    copy = environment.copy(f"{threshold} side only")
    (copy / "metadata" / "2.root.json").write_bytes(forged)
    environment.mirror.folder = copy
    assert retry(phone) == VisibleState(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-unsigned")
    assert visible_state(environment.phone()) == VisibleState(
        ScreenId.WAITING, Trouble.NO_KEYS, "tuf-unsigned"
    )


def next_root_signed_by(environment: TufEnvironment, repository: KeyRepository, generation: int) -> bytes:
    """A root for new root keys that is signed only by one set of root keys."""
    manufacturer = environment.manufacturer.ceremony
    both = next_root(
        repository.root(),
        manufacturer.holder(0),
        manufacturer.online(1),
        LATER,
        successor=manufacturer.holder(1),
    )
    root = Metadata[Root].from_bytes(both)
    side = {signer.public_key.keyid for signer in manufacturer.holder(generation).signers}
    for keyid in list(root.signatures):
        if keyid not in side:
            del root.signatures[keyid]
    return root.to_bytes()


def test_restarted_server_signs_nothing_again_and_reuses_no_version(environment: TufEnvironment) -> None:
    phone = environment.phone()
    before = environment.files()
    environment.serve()
    assert environment.files() == before
    assert retry(phone) == LOCKED


def test_server_stopped_for_a_year_signs_again_before_it_responds(environment: TufEnvironment) -> None:
    phone = environment.phone()
    environment.world.wait(365 * DAY)
    assert retry(phone) == LOCKED
    assert fetched_files(phone)[-5:] == [
        "2.root.json",
        "timestamp.json",
        "2.snapshot.json",
        "2.targets.json",
        "2.verdict-keys.json",
    ]


class Killed(BaseException):
    """The process was killed."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the process before its n-th statement that publishes, if there are so many."""
    real, numbers = Transaction._run, count(1)

    def run(self: Transaction, statement: ClauseElement, **values: object) -> DBAPICursor:
        if isinstance(statement, Insert | Update) and next(numbers) == step:
            raise Killed
        return real(self, statement, **values)

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Transaction, "_run", run)
        yield


@pytest.mark.sample(4)
@pytest.mark.parametrize("what", ["rotation", "root", "creation"])
@pytest.mark.parametrize("step", range(1, 9))
def test_kill_at_any_step_of_a_publication_leaves_the_one_before(
    environment: TufEnvironment, what: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for the same process, if it goes on."""
    phone, repository = environment.phone(), environment.serve()
    first, now = environment.manufacturer.signing_key.kid, environment.world.now
    before = environment.files()

    def publish() -> None:
        if what == "rotation":
            repository.rotate(first, THIRD_KEY.public_jwk(), at=now())
        elif what == "root":
            rotate_root(environment, repository, 1)
        else:
            environment.serve()

    if what == "creation":
        environment.store, before = SqlStore(), {}
    with killed_at(step, monkeypatch):
        publish()
    if what == "creation":
        publish()
    elif environment.files() == before:
        assert retry(phone) == LOCKED
        publish()
    assert environment.files() != before
    assert retry(phone) == LOCKED
    environment.serve()
    assert (retry(phone), kid(phone)) == (LOCKED, THIRD_KEY.kid if what == "rotation" else first)


def test_restored_backup_is_a_rollback_until_versions_are_skipped(environment: TufEnvironment) -> None:
    """Also if the same backup is restored again later. The device has seen another list and another clock number."""
    repository, world = environment.serve(), environment.world
    backup, kids = environment.files(), [key.kid for key in environment.manufacturer.secrets.signing_keys]
    phone = environment.phone()
    for kid in kids[:1] * 2:
        environment.serve().accept_clock(world.now())
        with suppress(KeyRepositoryError):
            environment.serve().revoke(kid)
        assert retry(phone) == LOCKED
        world.wait(61)
        environment.store = SqlStore()
        with environment.store.transaction() as transaction:
            transaction.publish(backup)
        repository = environment.serve()
        assert retry(phone) == VisibleState(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-rollback")
        repository.skip_versions()
        assert retry(phone) == LOCKED
        assert repository.keys().may_sign(kid, world.now())
    assert visible_state(environment.phone()) == LOCKED


def test_device_that_checks_in_for_weeks_finds_no_expired_file(environment: TufEnvironment) -> None:
    phone = environment.phone("paris")
    before = verdict_request_count(phone)
    phone.wait(21 * DAY)
    assert verdict_request_count(phone) - before >= 2
    assert visible_state(phone) == VisibleState(ScreenId.HOME, None, None)
