"""The key repository on disk: what it writes and when, and which folders it rejects."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Timestamp

from lab.manufacturer.key_ceremony import Ceremony
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.clock import ClockError, ClockFault
from server_stub.key_repository import (
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
from server_stub.key_repository.files import Folder
from server_stub.key_repository.roles import expiry
from wire.key_repository import CLOCK

MANUFACTURER = Manufacturer("repository tests")
CEREMONY = MANUFACTURER.ceremony
KEYS = MANUFACTURER.secrets.signing_keys
DAY = 24 * 3600


def opened(folder: Path, world: World | None = None, ceremony: Ceremony = CEREMONY) -> KeyRepository:
    return ceremony.open(folder, KEYS, (world or World()).now)


def fault(act: Callable[[], object]) -> RepositoryFault:
    with pytest.raises(KeyRepositoryError) as refused:
        act()
    return refused.value.fault


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pinned_root_depends_only_on_the_seed() -> None:
    """A device and a server that are started separately must agree on its bytes."""
    assert (
        Ceremony(Seed.of(7)).pinned_root
        == Ceremony(Seed.of(7)).pinned_root
        != Ceremony(Seed.of(8)).pinned_root
    )


def test_same_keys_and_clock_give_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        opened(tmp_path / name).close()
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_root_has_threshold_two_of_three_and_other_roles_one(tmp_path: Path) -> None:
    with opened(tmp_path) as repository:
        root = Metadata.from_bytes(repository.root).signed
    assert (root.roles["root"].threshold, len(root.roles["root"].keyids)) == (2, 3)
    assert {root.roles[role].threshold for role in ("timestamp", "snapshot", "targets")} == {1}
    assert root.consistent_snapshot is True
    everything = [key for role in root.roles.values() for key in role.keyids]
    assert len(set(everything)) == len(everything), "no key serves two roles"


def test_folder_contains_no_private_key(tmp_path: Path) -> None:
    opened(tmp_path).close()
    everything = b"".join(content(tmp_path).values())
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
    tmp_path: Path, days: float, roles: set[str]
) -> None:
    world = World()
    with opened(tmp_path, world) as repository:
        world.wait(days * DAY)
        assert {role.value for role in repository.refresh()} == roles
        assert repository.refresh() == frozenset()


def test_published_versions_never_change(tmp_path: Path) -> None:
    """Consistent snapshots: a device that is reading sees one state."""
    world = World()
    with opened(tmp_path, world) as repository:
        seen = content(tmp_path)
        for days in (1, 4, 20, 50):
            world.wait(days * DAY)
            repository.refresh()
            now = content(tmp_path)
            assert {name: now[name] for name in seen if "timestamp" not in name} == {
                name: content for name, content in seen.items() if "timestamp" not in name
            }
            seen = now


def test_second_server_on_a_folder_is_rejected(tmp_path: Path) -> None:
    with opened(tmp_path):
        assert fault(lambda: opened(tmp_path)) is RepositoryFault.IN_USE
    opened(tmp_path).close()


def test_folder_of_another_root_is_rejected(tmp_path: Path) -> None:
    opened(tmp_path).close()
    before = content(tmp_path)
    other = Ceremony(Seed.of("other"))
    assert fault(lambda: opened(tmp_path, ceremony=other)) is RepositoryFault.ROOT_FOREIGN
    assert content(tmp_path) == before


def test_online_keys_that_the_root_does_not_name_are_rejected(tmp_path: Path) -> None:
    initial = InitialContents(CEREMONY.pinned_root, KeyList())
    online = CEREMONY.online(1)
    assert (
        fault(lambda: KeyRepository.open(tmp_path, initial=initial, online=online, clock=World().now))
        is RepositoryFault.ONLINE_KEYS_FOREIGN
    )
    assert content(tmp_path) == {}


def test_folder_with_other_files_is_rejected_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert fault(lambda: opened(tmp_path)) is RepositoryFault.NOT_A_REPOSITORY
    assert list(tmp_path.iterdir()) == [tmp_path / "letter.txt"]


def touch(path: Path) -> None:
    """Change a signed date, or a byte of the target."""
    path.write_bytes(
        path.read_bytes().replace(b'"expires":"2', b'"expires":"3').replace(b'"keys":[', b'"keys": [')
    )


def empty(path: Path) -> None:
    path.write_bytes(b"{}")


@pytest.mark.parametrize(
    "name", ["timestamp.json", "2.snapshot.json", "1.targets.json", "1.verdict-keys.json", "target"]
)
@pytest.mark.parametrize("damage", [Path.unlink, touch, empty])
def test_damaged_repository_is_not_opened(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    world = World()
    with opened(tmp_path, world) as repository:
        world.wait(4 * DAY)
        repository.refresh()
    damage(next((tmp_path / "targets").iterdir()) if name == "target" else tmp_path / "metadata" / name)
    assert fault(lambda: opened(tmp_path, world)) is RepositoryFault.NOT_A_REPOSITORY


def test_only_key_cannot_be_revoked(tmp_path: Path) -> None:
    with opened(tmp_path) as repository:
        repository.revoke(KEYS[0].kid)
        assert fault(lambda: repository.revoke(KEYS[1].kid)) is RepositoryFault.NO_ACTIVE_KEY
        assert repository.keys.signing(0) == (KEYS[1].kid,)


def test_server_signs_only_with_a_listed_key(tmp_path: Path) -> None:
    with opened(tmp_path) as repository:
        signer = VerdictSigner(KEYS, lambda: repository.keys, World().now)
        assert signer.key is KEYS[0]
        repository.revoke(KEYS[0].kid)
        assert signer.key is KEYS[1]
        only = VerdictSigner(KEYS[:1], lambda: repository.keys, World().now)
        assert fault(lambda: only.key) is RepositoryFault.NO_ACTIVE_KEY


@pytest.mark.parametrize("wrong", ["skipped", "again", "rubbish", "foreign online keys"])
def test_invalid_next_root_is_rejected_without_writing(tmp_path: Path, wrong: str) -> None:
    with opened(tmp_path) as repository:
        expires = expiry(World().now(), DAY)
        second = next_root(repository.root, CEREMONY.holder(), CEREMONY.online(), expires)
        roots = {
            "skipped": next_root(second, CEREMONY.holder(), CEREMONY.online(), expires),
            "again": repository.root,
            "rubbish": b"{}",
            "foreign online keys": next_root(repository.root, CEREMONY.holder(), CEREMONY.online(1), expires),
        }
        before = content(tmp_path)
        wanted = RepositoryFault.ONLINE_KEYS_FOREIGN if "foreign" in wrong else RepositoryFault.ROOT_REFUSED
        assert fault(lambda: repository.install_root(roots[wrong])) is wanted
        assert content(tmp_path) == before


def test_root_keys_must_be_three_different_keys() -> None:
    key = Seed.of(1).ed25519("a")
    with pytest.raises(ValueError, match="3 different keys"):
        RootKeys([key, key, Seed.of(1).ed25519("b")])


def test_missing_online_key_is_rejected() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        OnlineKeys({role: Seed.of(1).ed25519(role) for role in OnlineRole if role is not OnlineRole.SNAPSHOT})


def test_invalid_first_root_is_rejected_and_the_folder_stays_empty(tmp_path: Path) -> None:
    initial = InitialContents(b"{}", KeyList())
    refused = fault(
        lambda: KeyRepository.open(tmp_path, initial=initial, online=CEREMONY.online(), clock=World().now)
    )
    assert refused is RepositoryFault.ROOT_REFUSED
    assert content(tmp_path) == {}


def test_file_in_place_of_the_folder_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    assert fault(lambda: opened(tmp_path / "keys")) is RepositoryFault.UNWRITABLE


@pytest.mark.parametrize(("lifetimes", "named"), [
    ({"timestamp": DAY + 1}, "a timestamp lives at most 86400 s, not 86401"),
    ({"timestamp": 0}, "timestamp"),
    ({"snapshot": -1, "targets": 0}, "snapshot, targets"),
])  # fmt: skip
def test_lifetimes_that_devices_cannot_use_are_rejected(lifetimes: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Lifetimes(**lifetimes)


def timestamp(folder: Path) -> Timestamp:
    return Metadata[Timestamp].from_file(str(folder / "metadata" / "timestamp.json")).signed


def test_clock_number_rises_only_by_acceptance_and_outlives_restarts_and_rotations(tmp_path: Path) -> None:
    world = World()
    with opened(tmp_path, world) as repository:
        assert CLOCK not in timestamp(tmp_path).unrecognized_fields
        before = timestamp(tmp_path).version
        assert repository.accept_clock(world.now() - 5 * DAY) == 1
        assert timestamp(tmp_path).version == before + 1
        assert int(timestamp(tmp_path).expires.timestamp()) == world.now() - 4 * DAY
        names = {name.partition(".")[2] for name in content(tmp_path / "metadata") if name.startswith("2.")}
        assert names == {"snapshot.json", "targets.json", "verdict-keys.json"}
        successor = MANUFACTURER.verdict_key(KEYS[0].algorithm, 1)
        repository.rotate(KEYS[0].kid, successor.public_jwk(), at=world.now())
        repository.install_root(CEREMONY.replacement(repository.root), CEREMONY.online(1))
        assert timestamp(tmp_path).unrecognized_fields == {CLOCK: 1}
    world.wait(DAY)
    with opened(tmp_path, world) as repository:
        assert repository.clock_number == 1
        assert timestamp(tmp_path).unrecognized_fields == {CLOCK: 1}
        assert repository.accept_clock(world.now()) == 2


@pytest.mark.sample(5)
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("fails_at", range(5))
def test_clock_number_and_versions_rise_wherever_an_acceptance_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails_at: int, written: bool, restarted: bool
) -> None:
    """The write of each file fails, before or after it is in place; the server goes on, or starts again."""
    put, calls = Folder.put, count()

    def failing(folder: Folder, path: Path, file: bytes) -> None:
        fails = next(calls) == fails_at
        if written or not fails:
            put(folder, path, file)
        if fails:
            raise OSError(28, "No space left on device")

    world = World()
    with ExitStack() as stack:
        repository = stack.enter_context(opened(tmp_path, world))
        with monkeypatch.context() as patch:
            patch.setattr(Folder, "put", failing)
            assert fault(lambda: repository.accept_clock(world.now())) is RepositoryFault.UNWRITABLE
        seen = timestamp(tmp_path)
        if restarted:
            repository.close()
            repository = stack.enter_context(opened(tmp_path, world))
        world.wait(DAY)
        repository.metadata("timestamp.json")
        then = timestamp(tmp_path)
        assert then.version > seen.version
        assert then.unrecognized_fields.get(CLOCK, 0) >= seen.unrecognized_fields.get(CLOCK, 0)
        assert repository.accept_clock(world.now()) > then.unrecognized_fields.get(CLOCK, 0)


@pytest.mark.parametrize("number", [-1, True, "1", None])
def test_clock_number_that_is_no_count_is_an_altered_repository(tmp_path: Path, number: object) -> None:
    with opened(tmp_path) as repository:
        repository.accept_clock(World().now())
    path = tmp_path / "metadata" / "timestamp.json"
    metadata = Metadata[Timestamp].from_file(str(path))
    metadata.signed.unrecognized_fields[CLOCK] = number
    metadata.sign(CEREMONY.online().signer(OnlineRole.TIMESTAMP))
    path.write_bytes(metadata.to_bytes())
    assert fault(lambda: opened(tmp_path)) is RepositoryFault.NOT_A_REPOSITORY


def test_nothing_is_published_while_the_clock_is_wrong(tmp_path: Path) -> None:
    """Not even at the start, whatever has to be signed again; immutable files are still served."""
    world = World()
    opened(tmp_path, world).close()
    before = content(tmp_path)

    def wrong() -> int:
        raise ClockError(ClockFault.BEHIND)

    initial = InitialContents(CEREMONY.pinned_root, KeyList.of(*(key.public_jwk() for key in KEYS)))
    with KeyRepository.open(tmp_path, initial=initial, online=CEREMONY.online(), clock=wrong) as repository:
        jwk = MANUFACTURER.verdict_key(KEYS[0].algorithm, 1).public_jwk()
        root = next_root(repository.root, CEREMONY.holder(), CEREMONY.online(), expiry(world.now(), DAY))
        for act in (
            lambda: repository.metadata("timestamp.json"),
            repository.refresh,
            lambda: repository.introduce(jwk),
            lambda: repository.rotate(KEYS[0].kid, jwk, at=world.now()),
            lambda: repository.revoke(KEYS[0].kid),
            lambda: repository.install_root(root),
        ):
            with pytest.raises(ClockError):
                act()
        assert repository.metadata("1.root.json") == CEREMONY.pinned_root
        assert {
            name: each for name, each in content(tmp_path).items() if not name.startswith("new")
        } == before
