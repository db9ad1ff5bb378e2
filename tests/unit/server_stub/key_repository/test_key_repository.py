"""The key repository in the store: what it publishes and when, what it rejects, and what it takes from a folder."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Metadata, Timestamp

from lab.manufacturer.key_ceremony import Ceremony
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.clock import ClockError, ClockFault
from server_stub.faults.catalogue import FaultKind
from server_stub.key_repository import (
    TIMESTAMP,
    InitialContents,
    KeyList,
    KeyRepository,
    KeyRepositoryError,
    Lifetimes,
    OnlineKeys,
    OnlineRole,
    RepositoryFault,
    RootKeys,
    VerdictSigner,
    next_root,
)
from server_stub.key_repository.roles import expiry
from server_stub.store.sql import SqlStore
from tests.support.records import device
from tests.support.tuf import write_files
from wire.key_repository import CLOCK

MANUFACTURER = Manufacturer("repository tests")
CEREMONY = MANUFACTURER.ceremony
KEYS = MANUFACTURER.secrets.signing_keys
SUCCESSOR = MANUFACTURER.verdict_key(KEYS[0].algorithm, 1)
DAY = 24 * 3600


@pytest.fixture
def store() -> SqlStore:
    return SqlStore()


def opened(
    store: SqlStore, world: World | None = None, ceremony: Ceremony = CEREMONY, folder: Path | None = None
) -> KeyRepository:
    return ceremony.open(store, KEYS, (world or World()).now, folder=folder)


def fault(act: Callable[[], object]) -> RepositoryFault:
    with pytest.raises(KeyRepositoryError) as refused:
        act()
    return refused.value.fault


def content(store: SqlStore) -> dict[str, bytes]:
    with store.reading() as reading:
        return reading.repository_files()


def timestamp(store: SqlStore) -> Timestamp:
    return Metadata[Timestamp].from_bytes(content(store)[TIMESTAMP]).signed


def test_pinned_root_depends_only_on_the_seed() -> None:
    """A device and a server that are started separately must agree on its bytes."""
    assert (
        Ceremony(Seed.of(7)).pinned_root
        == Ceremony(Seed.of(7)).pinned_root
        != Ceremony(Seed.of(8)).pinned_root
    )


def test_same_keys_and_clock_give_the_same_files(store: SqlStore) -> None:
    other = SqlStore()
    opened(store)
    opened(other)
    assert content(store) == content(other) != {}


def test_root_has_threshold_two_of_three_and_other_roles_one(store: SqlStore) -> None:
    root = Metadata.from_bytes(opened(store).root()).signed
    assert (root.roles["root"].threshold, len(root.roles["root"].keyids)) == (2, 3)
    assert {root.roles[role].threshold for role in ("timestamp", "snapshot", "targets")} == {1}
    assert root.consistent_snapshot is True
    everything = [key for role in root.roles.values() for key in role.keyids]
    assert len(set(everything)) == len(everything), "no key serves two roles"


def test_repository_contains_no_private_key(store: SqlStore) -> None:
    opened(store)
    everything = b"".join(content(store).values())
    for role in OnlineRole:
        secret = Seed.of("repository tests").child("vendor").bytes(f"online key 0 {role}")
        assert secret not in everything
        assert secret.hex().encode() not in everything


@pytest.mark.parametrize(("days", "roles"), [
    (0.4, set()),
    (0.6, {"timestamp"}),
    (4, {"timestamp", "snapshot"}),
    (16, {"timestamp", "snapshot", "verdict-keys"}),
    (46, {"timestamp", "snapshot", "verdict-keys", "targets"}),
])  # fmt: skip
def test_roles_with_less_than_half_of_their_lifetime_are_signed_again(
    store: SqlStore, days: float, roles: set[str]
) -> None:
    world = World()
    repository = opened(store, world)
    world.wait(days * DAY)
    assert {role.value for role in repository.refresh()} == roles
    assert repository.refresh() == frozenset()


def test_published_versions_never_change(store: SqlStore) -> None:
    """Consistent snapshots: a device that is reading sees one state."""
    world = World()
    repository = opened(store, world)
    seen = content(store)
    for days in (1, 4, 20, 50):
        world.wait(days * DAY)
        repository.refresh()
        now = content(store)
        assert {name: now[name] for name in seen if name != TIMESTAMP} == {
            name: content for name, content in seen.items() if name != TIMESTAMP
        }
        seen = now


CHANGES: dict[str, Callable[[KeyRepository, World], object]] = {
    "introduce": lambda repository, _: repository.introduce(SUCCESSOR.public_jwk()),
    "rotate": lambda repository, world: repository.rotate(
        KEYS[0].kid, SUCCESSOR.public_jwk(), at=world.now()
    ),
    "revoke": lambda repository, _: repository.revoke(KEYS[0].kid),
    "root": lambda repository, _: repository.install_root(CEREMONY.replacement(repository.root())),
    "clock": lambda repository, world: repository.accept_clock(world.now()),
    "expired": lambda repository, _: repository.wrong_timestamp(
        FaultKind.EXPIRED, Seed.of(1).ed25519("thief")
    ),
    "skipped": lambda repository, _: repository.skip_versions(),
    "refresh": lambda repository, world: (world.wait(DAY), repository.refresh()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_server_on_the_store_answers_with_what_another_has_published(
    store: SqlStore, change: str
) -> None:
    world = World()
    one, other = opened(store, world), opened(store, world)
    before = timestamp(store).version
    CHANGES[change](one, world)
    served = other.metadata("timestamp.json")
    assert served == one.metadata("timestamp.json") == content(store)[TIMESTAMP]
    assert timestamp(store).version > before
    assert (other.keys(), other.root()) == (one.keys(), one.root())
    CHANGES["clock"](other, world)  # signs with the keys of the new root, and repeats no version
    assert one.metadata("timestamp.json") == content(store)[TIMESTAMP] != served
    assert opened(store, world).metadata("timestamp.json") == content(store)[TIMESTAMP]


class StopError(Exception):
    pass


@pytest.mark.parametrize("change", ["rotate", "clock"])
def test_publication_whose_transaction_is_rolled_back_has_not_happened(store: SqlStore, change: str) -> None:
    world = World()
    repository = opened(store, world)
    before, served = content(store), repository.metadata("timestamp.json")
    with suppress(StopError), store.transaction() as transaction:
        transaction.begin_publication()
        if change == "rotate":
            repository.rotate(KEYS[0].kid, SUCCESSOR.public_jwk(), at=0, within=transaction)
            assert repository.keys(transaction).signing(world.now())[1:] == (SUCCESSOR.kid,)
        else:
            assert repository.accept_clock(world.now(), within=transaction) == 1
            assert repository.published(transaction).clock == 1
        raise StopError
    assert content(store) == before
    repository.revoke(KEYS[1].kid)
    assert repository.metadata("timestamp.json") != served
    assert repository.keys().signing(world.now()) == (KEYS[0].kid,)
    assert CLOCK not in timestamp(store).unrecognized_fields


def test_transaction_that_may_have_signed_does_not_publish(store: SqlStore) -> None:
    repository = opened(store)
    with store.transaction() as transaction:
        repository.keys(transaction)
        with pytest.raises(RuntimeError):
            repository.revoke(KEYS[0].kid, within=transaction)


def test_repository_of_another_root_is_rejected(store: SqlStore) -> None:
    opened(store)
    before = content(store)
    other = Ceremony(Seed.of("other"))
    assert fault(lambda: opened(store, ceremony=other)) is RepositoryFault.ROOT_FOREIGN
    assert content(store) == before


def test_online_keys_that_the_root_does_not_name_are_rejected(store: SqlStore) -> None:
    initial = InitialContents(CEREMONY.pinned_root, KeyList())

    def foreign(_: bytes) -> OnlineKeys:
        return CEREMONY.online(1)

    assert (
        fault(lambda: KeyRepository.open(store, initial=initial, online=foreign, clock=World().now))
        is RepositoryFault.ONLINE_KEYS_FOREIGN
    )
    assert content(store) == {}


def damage(store: SqlStore, name: str, changed: bytes | None) -> None:
    """Replace a file, or delete it."""
    with store.transaction() as transaction:
        if changed is not None:
            transaction.publish({name: changed})
        else:
            transaction._cursor.execute(f"DELETE FROM repository_files WHERE name = '{name}'")


DAMAGED = ("metadata/timestamp.json", "metadata/2.snapshot.json", "metadata/1.targets.json",
           "metadata/1.verdict-keys.json", "target")  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("how", ["deleted", "touched", "emptied"])
def test_damaged_repository_is_not_opened(store: SqlStore, name: str, how: str) -> None:
    world = World()
    repository = opened(store, world)
    world.wait(4 * DAY)
    repository.refresh()
    name = next(each for each in content(store) if each.startswith("targets/")) if name == "target" else name
    signed = content(store)[name]
    touched = signed.replace(b'"expires":"2', b'"expires":"3').replace(b'"keys":[', b'"keys": [')
    damage(store, name, {"deleted": None, "touched": touched, "emptied": b"{}"}[how])
    assert fault(lambda: opened(store, world)) is RepositoryFault.NOT_A_REPOSITORY


def test_only_key_cannot_be_revoked(store: SqlStore) -> None:
    repository = opened(store)
    repository.revoke(KEYS[0].kid)
    assert fault(lambda: repository.revoke(KEYS[1].kid)) is RepositoryFault.NO_ACTIVE_KEY
    assert repository.keys().signing(0) == (KEYS[1].kid,)


def test_server_signs_only_with_a_key_that_is_listed_in_the_same_transaction(store: SqlStore) -> None:
    """Also a server that learns of a revocation by another one."""
    repository = opened(store)
    signer, only = (VerdictSigner(keys, repository.keys, World().now) for keys in (KEYS, KEYS[:1]))
    with store.transaction() as transaction:
        assert signer.key(transaction) is KEYS[0]
    opened(store).revoke(KEYS[0].kid)
    with store.transaction() as transaction:
        assert signer.key(transaction) is KEYS[1]
        assert fault(lambda: only.key(transaction)) is RepositoryFault.NO_ACTIVE_KEY


@pytest.mark.parametrize("wrong", ["skipped", "again", "rubbish", "foreign online keys"])
def test_invalid_next_root_is_rejected_without_writing(store: SqlStore, wrong: str) -> None:
    repository, stranger = opened(store), Ceremony(Seed.of("stranger"))
    root, expires = repository.root(), expiry(World().now(), DAY)
    second = next_root(root, CEREMONY.holder(), CEREMONY.online(), expires)
    roots = {
        "skipped": next_root(second, CEREMONY.holder(), CEREMONY.online(), expires),
        "again": root,
        "rubbish": b"{}",
        "foreign online keys": next_root(root, CEREMONY.holder(), stranger.online(), expires),
    }
    before = content(store)
    wanted = RepositoryFault.ONLINE_KEYS_FOREIGN if "foreign" in wrong else RepositoryFault.ROOT_REFUSED
    assert fault(lambda: repository.install_root(roots[wrong])) is wanted
    assert content(store) == before


def test_root_keys_must_be_three_different_keys() -> None:
    key = Seed.of(1).ed25519("a")
    with pytest.raises(ValueError, match="3 different keys"):
        RootKeys([key, key, Seed.of(1).ed25519("b")])


def test_missing_online_key_is_rejected() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        OnlineKeys({role: Seed.of(1).ed25519(role) for role in OnlineRole if role is not OnlineRole.SNAPSHOT})


def test_invalid_first_root_is_rejected_and_nothing_is_published(store: SqlStore) -> None:
    initial = InitialContents(b"{}", KeyList())
    refused = fault(
        lambda: KeyRepository.open(store, initial=initial, online=CEREMONY.online_of, clock=World().now)
    )
    assert refused is RepositoryFault.ROOT_REFUSED
    assert content(store) == {}


@pytest.mark.parametrize(("lifetimes", "named"), [
    ({"timestamp": DAY + 1}, "a timestamp lives at most 86400 s, not 86401"),
    ({"timestamp": 0}, "timestamp"),
    ({"snapshot": -1, "targets": 0}, "snapshot, targets"),
])  # fmt: skip
def test_lifetimes_that_devices_cannot_use_are_rejected(lifetimes: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Lifetimes(**lifetimes)


def test_clock_number_rises_only_by_acceptance_and_outlives_restarts_and_rotations(store: SqlStore) -> None:
    world = World()
    repository = opened(store, world)
    assert CLOCK not in timestamp(store).unrecognized_fields
    before = timestamp(store).version
    assert repository.accept_clock(world.now() - 5 * DAY) == 1
    assert timestamp(store).version == before + 1
    assert int(timestamp(store).expires.timestamp()) == world.now() - 4 * DAY
    names = {name.partition(".")[2] for name in content(store) if name.startswith("metadata/2.")}
    assert names == {"snapshot.json", "targets.json", "verdict-keys.json"}
    repository.rotate(KEYS[0].kid, SUCCESSOR.public_jwk(), at=world.now())
    repository.install_root(CEREMONY.replacement(repository.root()))
    assert timestamp(store).unrecognized_fields == {CLOCK: 1}
    world.wait(DAY)
    repository = opened(store, world)
    assert timestamp(store).unrecognized_fields == {CLOCK: 1}
    assert repository.accept_clock(world.now()) == 2


@pytest.mark.parametrize("number", [-1, True, "1", None])
def test_clock_number_that_is_no_count_is_an_altered_repository(store: SqlStore, number: object) -> None:
    opened(store).accept_clock(World().now())
    metadata: Metadata[Any] = Metadata.from_bytes(content(store)[TIMESTAMP])
    metadata.signed.unrecognized_fields[CLOCK] = number
    metadata.sign(CEREMONY.online().signer(OnlineRole.TIMESTAMP))
    damage(store, TIMESTAMP, metadata.to_bytes())
    assert fault(lambda: opened(store)) is RepositoryFault.NOT_A_REPOSITORY


def test_nothing_is_published_while_the_clock_is_wrong(store: SqlStore) -> None:
    """Not even at the start, whatever has to be signed again; immutable files are still served."""
    world = World()

    def wrong() -> int:
        raise ClockError(ClockFault.BEHIND)

    with pytest.raises(ClockError):
        CEREMONY.open(store, KEYS, wrong)
    opened(store, world)
    before = content(store)
    repository = CEREMONY.open(store, KEYS, wrong)
    for name in ("refresh", "introduce", "rotate", "revoke", "root", "expired", "skipped"):
        with pytest.raises(ClockError):
            CHANGES[name](repository, world)
    with pytest.raises(ClockError):
        repository.metadata("timestamp.json")
    assert repository.metadata("1.root.json") == CEREMONY.pinned_root
    assert content(store) == before


# The folder


def test_roots_are_written_to_the_folder_and_nothing_else(store: SqlStore, tmp_path: Path) -> None:
    repository = opened(store, folder=tmp_path / "keys")
    second = CEREMONY.replacement(repository.root())
    repository.install_root(second)
    opened(store, folder=tmp_path / "keys")
    files = {path.name: path.read_bytes() for path in (tmp_path / "keys").rglob("*.*")}
    assert files == {"1.root.json": CEREMONY.pinned_root, "2.root.json": second}


def earlier_release(folder: Path, world: World) -> dict[str, bytes]:
    """A folder as an earlier release left it, and its files."""
    store = SqlStore()
    repository = opened(store, world)
    for change in ("rotate", "root", "clock"):
        CHANGES[change](repository, world)
    write_files(folder, content(store))
    return content(store)


def test_repository_of_an_earlier_release_is_imported_with_its_versions(
    store: SqlStore, tmp_path: Path
) -> None:
    world = World()
    files = earlier_release(tmp_path, world)
    repository = opened(store, world, folder=tmp_path)
    assert repository.metadata("timestamp.json") == files[TIMESTAMP]
    assert content(store).items() <= files.items()
    assert repository.keys().signing(world.now())[-1] == SUCCESSOR.kid
    repository.revoke(KEYS[1].kid)
    newer = content(store)
    for path in tmp_path.rglob("*.json"):
        if "root" not in path.name:
            path.write_bytes(b"{}")
    opened(store, world, folder=tmp_path)
    assert content(store) == newer, "the folder is not read again"


@pytest.mark.parametrize(
    "damaged",
    ["*/timestamp", "*/*.root", "*/*.snapshot", "*/*.targets", "metadata/*.verdict-keys", "targets/*"],
)
def test_damaged_repository_of_an_earlier_release_is_not_imported(
    store: SqlStore, tmp_path: Path, damaged: str
) -> None:
    earlier_release(tmp_path, World())
    for path in tmp_path.glob(f"{damaged}.json"):
        path.write_bytes(b"{}")
    assert fault(lambda: opened(store, folder=tmp_path)) is RepositoryFault.NOT_A_REPOSITORY
    assert content(store) == {}


def test_store_that_knows_devices_gets_no_new_repository_unless_it_is_restored(
    store: SqlStore, tmp_path: Path
) -> None:
    with store.transaction() as transaction:
        transaction.put_device(device(1))
    assert fault(lambda: opened(store, folder=tmp_path / "wrong")) is RepositoryFault.NOT_A_REPOSITORY
    assert (content(store), list(tmp_path.iterdir())) == ({}, [])
    CEREMONY.open(store, KEYS, World().now, folder=tmp_path / "wrong", restored=True)
    opened(store, folder=tmp_path / "other")


def test_imported_repository_whose_change_of_the_root_was_interrupted_is_signed_again(
    store: SqlStore, tmp_path: Path
) -> None:
    world = World()
    files = earlier_release(tmp_path, world)
    root = CEREMONY.replacement(files["metadata/2.root.json"])
    (tmp_path / "metadata/3.root.json").write_bytes(root)
    repository = opened(store, world, folder=tmp_path)
    assert repository.root() == root
    signed = Metadata[Timestamp].from_bytes(repository.metadata("timestamp.json") or b"")
    Metadata.from_bytes(root).signed.verify_delegate("timestamp", signed.signed_bytes, signed.signatures)


@pytest.mark.parametrize("kind", ["another root", "earlier release of another root", "other files"])
def test_folder_that_does_not_belong_to_the_store_is_rejected_and_not_changed(
    store: SqlStore, tmp_path: Path, kind: str
) -> None:
    stranger, other = SqlStore(), Ceremony(Seed.of("other"))
    opened(stranger, ceremony=other)
    wanted = {"metadata/1.root.json"} if kind == "another root" else set(content(stranger))
    write_files(tmp_path, {name: each for name, each in content(stranger).items() if name in wanted})
    if kind == "other files":
        (tmp_path / "letter.txt").write_text("dear")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    expected = RepositoryFault.NOT_A_REPOSITORY if kind == "other files" else RepositoryFault.ROOT_FOREIGN
    ceremony = other if kind == "other files" else CEREMONY
    assert fault(lambda: opened(store, ceremony=ceremony, folder=tmp_path)) is expected
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
    assert content(store) == {}


def test_file_in_place_of_the_folder_is_named_in_the_error(store: SqlStore, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    assert fault(lambda: opened(store, folder=tmp_path / "keys")) is RepositoryFault.UNWRITABLE
