"""Keys that change while phones are out: over real HTTP, with what the user of the phone then sees."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root

from agent.core.screens import ScreenId, Trouble
from lab.handset.handset import Handset
from server_stub.key_repository import KeyRepository, KeyRepositoryError, RepositoryFault, next_root
from server_stub.key_repository.files import Folder
from server_stub.key_repository.key_list import TAIL
from tests.support.tuf import DAY, FREE, THIRD_KEY, Sight, Stage, asked_for_a_verdict, fetched, sight, stage

LATER = datetime(2030, 1, 1, tzinfo=UTC)
LOCKED = Sight(ScreenId.LOCKED, None, None)


@pytest.fixture
def scenery(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


def kid(phone: Handset) -> str:
    """The key that signed the newest verdict which the phone received, as it stood in the token."""
    received = [
        entry.detail["received"] for entry in phone.timeline.entries if entry.what == "POST /v1/verdicts"
    ]
    return str(received[-1]["header"]["kid"])


def asked_again(phone: Handset) -> Sight:
    """What the user sees after asking the phone to try again; codes of earlier failures do not count."""
    before = len(phone.timeline.entries)
    phone.retry()
    codes = [entry.detail.get("code") for entry in phone.timeline.entries[before:] if entry.what == "failed"]
    seen = sight(phone)
    return Sight(seen.screen, seen.trouble, codes[-1] if codes else None)


def test_a_new_phone_finds_the_keys_by_the_root_that_its_image_pins(scenery: Stage) -> None:
    """The whole way: root, timestamp, snapshot, targets, the delegated role, the one target."""
    phone = scenery.phone()
    assert sight(phone) == LOCKED
    names = [name.split(".", 1)[1] for name in fetched(phone)]
    assert names == [
        "root.json", "json", "snapshot.json", "targets.json", "verdict-keys.json", "verdict-keys.json",
    ]  # fmt: skip


def test_the_keys_are_asked_for_at_every_exchange(scenery: Stage) -> None:
    """A revocation counts from the next exchange on; what has not changed is not fetched again."""
    phone = scenery.phone()
    before = len(fetched(phone))
    assert asked_again(phone) == LOCKED
    assert fetched(phone)[before:] == ["2.root.json", "timestamp.json"]


def test_a_verdict_key_is_rotated_without_a_phone_noticing(scenery: Stage) -> None:
    """The new key is published before it signs, the old one stays until its last verdict has died."""
    repository = scenery.serve()
    phone, first = scenery.phone(), scenery.vendor.signing_key
    start = scenery.world.now()
    repository.rotate(first.kid, THIRD_KEY.public_jwk(), at=start + DAY)
    assert asked_again(phone) == LOCKED
    assert kid(phone) == first.kid
    phone.wait(DAY + 1)
    assert asked_again(phone) == LOCKED
    assert kid(phone) == THIRD_KEY.kid
    phone.wait(TAIL + 15 * DAY)
    assert asked_again(phone) == LOCKED
    assert first.kid not in {key["kid"] for key in repository.keys.keys}
    assert sight(scenery.phone("paris")).screen is ScreenId.HOME


def test_a_new_phone_takes_a_key_that_is_younger_than_its_image(scenery: Stage) -> None:
    """Its trusted time begins at its build date, before the key did: the verdict tells it the time."""
    repository = scenery.serve()
    repository.rotate(scenery.vendor.signing_key.kid, THIRD_KEY.public_jwk(), at=scenery.world.now() + DAY)
    scenery.world.wait(2 * DAY)
    phone = scenery.phone()
    assert (sight(phone), kid(phone)) == (LOCKED, THIRD_KEY.kid)


def test_a_revoked_key_does_not_strand_a_phone_that_it_locked(scenery: Stage) -> None:
    """Locked under A; A is revoked; online again, the phone learns of B and is unlocked by it."""
    phone = scenery.phone()
    repository = scenery.serve(FREE)
    first, second = scenery.vendor.signing_key, scenery.vendor.second_signing_key
    assert kid(phone) == first.kid
    phone.network.data_path = False
    repository.revoke(first.kid)
    assert asked_again(phone) == Sight(ScreenId.LOCKED, Trouble.UNREACHABLE, "unreachable")
    phone.network.data_path = True
    assert asked_again(phone) == Sight(ScreenId.HOME, None, None)
    assert kid(phone) == second.kid


def test_a_verdict_under_a_revoked_key_unlocks_nothing(scenery: Stage) -> None:
    """Whoever stole the key can no longer use it, even from the vendor's own address."""
    phone = scenery.phone()
    thief = scenery.vendor.signing_key
    scenery.serve(FREE, signer=thief).revoke(thief.kid)
    assert asked_again(phone) == Sight(ScreenId.LOCKED, Trouble.UNTRUSTED, "key-revoked")


def test_the_root_is_rotated_and_phones_follow(scenery: Stage) -> None:
    """Root keys and online keys all change; the old threshold and the new one have signed."""
    phone = scenery.phone()
    for generation in (1, 2):
        rotate_root(scenery, scenery.serve(), generation)
    assert asked_again(phone) == LOCKED
    assert sight(scenery.phone()) == LOCKED, "a new phone follows from the first root"
    scenery.serve()
    assert asked_again(phone) == LOCKED, "and so it does after a restart"


def rotate_root(scenery: Stage, repository: KeyRepository, generation: int) -> None:
    """The ceremony, as docs/security/keys.md has it."""
    vendor = scenery.vendor.ceremony
    online = vendor.online(generation)
    following = next_root(
        repository.root, vendor.holder(generation - 1), online, LATER, successor=vendor.holder(generation)
    )
    repository.install_root(following, online)
    scenery.generation = generation


@pytest.mark.parametrize(("signers", "threshold"), [((0, 0), "old"), ((1, 1), "new")])
def test_a_root_that_one_side_alone_has_signed_is_refused_by_server_and_phone(
    scenery: Stage, signers: tuple[int, int], threshold: str
) -> None:
    """Old keys alone could be stolen ones; new keys alone are anybody's."""
    repository, vendor = scenery.serve(), scenery.vendor.ceremony
    phone = scenery.phone()
    forged = next_root_signed_by(scenery, repository, signers[0])
    with pytest.raises(KeyRepositoryError) as refused:
        repository.install_root(forged, vendor.online(1))
    assert refused.value.fault is RepositoryFault.ROOT_REFUSED
    copy = scenery.copy(f"{threshold} side only")
    (copy / "metadata" / "2.root.json").write_bytes(forged)
    scenery.mirror.folder = copy
    assert asked_again(phone) == Sight(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-unsigned")
    assert sight(scenery.phone()) == Sight(ScreenId.WAITING, Trouble.NO_KEYS, "tuf-unsigned")


def next_root_signed_by(scenery: Stage, repository: KeyRepository, generation: int) -> bytes:
    """A root for new root keys with the signatures of one side."""
    vendor = scenery.vendor.ceremony
    both = next_root(repository.root, vendor.holder(0), vendor.online(1), LATER, successor=vendor.holder(1))
    root = Metadata[Root].from_bytes(both)
    side = {signer.public_key.keyid for signer in vendor.holder(generation).signers}
    for keyid in list(root.signatures):
        if keyid not in side:
            del root.signatures[keyid]
    return root.to_bytes()


def test_a_restarted_server_goes_on_where_it_stopped(scenery: Stage) -> None:
    """Nothing is signed anew without need, and no version is used twice."""
    phone = scenery.phone()
    before = {path.name: path.read_bytes() for path in (scenery.folder / "metadata").iterdir()}
    scenery.serve()
    assert {path.name: path.read_bytes() for path in (scenery.folder / "metadata").iterdir()} == before
    assert asked_again(phone) == LOCKED


def test_a_server_that_slept_for_a_year_signs_anew_before_it_answers(scenery: Stage) -> None:
    """Everything but the root has expired; the phone, which has waited as long, takes what is new."""
    phone = scenery.phone()
    scenery.world.wait(365 * DAY)
    assert asked_again(phone) == LOCKED
    assert fetched(phone)[-5:] == [
        "2.root.json",
        "timestamp.json",
        "2.snapshot.json",
        "2.targets.json",
        "2.verdict-keys.json",
    ]


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the process die before its n-th file is complete; with fewer files, it lives."""
    real, numbers = Folder.put, count(1)

    def put(self: Folder, path: Path, content: bytes) -> None:
        if next(numbers) == step:
            path.with_name(path.name + ".next").write_bytes(content[: len(content) // 2])
            raise Killed
        real(self, path, content)

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Folder, "put", put)
        yield


@pytest.mark.sample(3)
@pytest.mark.parametrize("step", range(1, 6))
def test_a_kill_at_any_step_of_a_rotation_leaves_a_repository_that_phones_take(
    scenery: Stage, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the publication counts or nothing: nobody sees half of it, and the next one works."""
    phone, repository = scenery.phone(), scenery.serve()
    with killed_at(step, monkeypatch):
        repository.rotate(scenery.vendor.signing_key.kid, THIRD_KEY.public_jwk(), at=scenery.world.now())
    assert asked_again(phone) == LOCKED
    repository = scenery.serve()
    assert repository.keys.may_sign(THIRD_KEY.kid, scenery.world.now()) is (step == 5)
    assert asked_again(phone) == LOCKED
    if step < 5:
        repository.rotate(scenery.vendor.signing_key.kid, THIRD_KEY.public_jwk(), at=scenery.world.now())
    assert (asked_again(phone), kid(phone)) == (LOCKED, THIRD_KEY.kid)


@pytest.mark.sample(3)
@pytest.mark.parametrize("step", range(1, 8))
def test_a_kill_at_any_step_of_a_root_rotation_is_mended_by_the_next_start(
    scenery: Stage, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then phones may find roles that the new root does not name: they wait, and stay as they are."""
    phone, repository = scenery.phone(), scenery.serve()
    with killed_at(step, monkeypatch):
        rotate_root(scenery, repository, 1)
    assert asked_again(phone).screen is ScreenId.LOCKED
    scenery.generation = 0 if step == 1 else 1
    repository = scenery.serve()
    assert asked_again(phone) == LOCKED
    if step == 1:
        rotate_root(scenery, repository, 1)
    assert asked_again(phone) == LOCKED
    assert fetched(phone)[-1] != "2.root.json", "the phone has followed"


@pytest.mark.sample(3)
@pytest.mark.parametrize("step", range(1, 8))
def test_a_kill_while_a_repository_is_made_is_mended_by_the_next_start(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without a timestamp has published nothing."""
    with stage(tmp_path / "one") as scenery:
        scenery.stop()
        scenery.folder = tmp_path / "two" / "keys"
        with killed_at(step, monkeypatch):
            scenery.open().close()
        scenery.serve()
        assert sight(scenery.phone()) == LOCKED


def test_a_phone_that_checks_in_for_weeks_never_meets_an_expired_file(scenery: Stage) -> None:
    """The server signs its timestamp anew when half of its day is gone; a phone that asks later finds it."""
    phone = scenery.phone("paris")
    before = asked_for_a_verdict(phone)
    phone.wait(21 * DAY)
    assert asked_for_a_verdict(phone) - before >= 2
    assert sight(phone) == Sight(ScreenId.HOME, None, None)
