"""The attacks that TUF is made against, over real HTTP, with what the user of the phone then sees.

The attacker is between the phone and its server and holds no key of the vendor's. Whatever is done, a phone sends no
evidence while it has no keys, is not unlocked and not locked, and goes on as soon as the way is free.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from agent.core.screens import ScreenId, Trouble
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.seed import Seed
from server_stub.key_repository import InitialContents, KeyList, KeyRepository, Lifetimes, next_root
from server_stub.key_repository.roles import expiry
from tests.support.tuf import (
    DAY,
    HOUR,
    THIRD_KEY,
    Sight,
    Stage,
    asked_for_a_verdict,
    endless,
    sight,
    stage,
    words,
)
from wire.key_repository import METADATA_PATH, TARGETS_PATH

TIMESTAMP = METADATA_PATH + "timestamp.json"
LONG = 10_000 * DAY


@pytest.fixture
def scenery(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


def two_publications(scenery: Stage) -> None:
    """An older repository, kept in a copy, and a newer one that the vendor serves."""
    scenery.copy("before")
    scenery.serve().introduce(THIRD_KEY.public_jwk(), signs_from=scenery.world.now() + LONG)


def rollback(scenery: Stage) -> None:
    """Serve what was published before the phone looked last; it has not expired yet."""
    scenery.mirror.folder = scenery.folder.with_name("before")


def rolled_back_snapshot(scenery: Stage) -> None:
    """Serve the newest timestamp with the snapshot of before under the new name."""
    copy = scenery.copy("rolled back snapshot")
    (copy / "metadata" / "2.snapshot.json").write_bytes((copy / "metadata" / "1.snapshot.json").read_bytes())
    scenery.mirror.folder = copy


def mixed_roles(scenery: Stage) -> None:
    """Serve a new snapshot with the list of before: both are signed, but do not belong together."""
    copy = scenery.copy("mixed roles")
    (copy / "metadata" / "2.verdict-keys.json").write_bytes(
        (copy / "metadata" / "1.verdict-keys.json").read_bytes()
    )
    scenery.mirror.folder = copy


def mixed_target(scenery: Stage) -> None:
    """Serve the keys of before under the hash of the new ones."""
    scenery.mirror.instead[TARGETS_PATH] = words(targets(scenery.folder)[0])


def targets(folder: Path) -> list[bytes]:
    """The targets of a repository, the oldest first."""
    return [
        path.read_bytes()
        for path in sorted((folder / "targets").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    ]


def own_keys(scenery: Stage) -> None:
    """Serve a key set of the attacker's own under the right name and of the right length."""
    right = targets(scenery.folder)[-1]
    own = json.dumps({"keys": [Manufacturer("attacker").signing_key.public_jwk()]}).encode()
    scenery.mirror.instead[TARGETS_PATH] = words(own.ljust(len(right))[: len(right)])


def wrong_repository(scenery: Stage) -> None:
    """Serve a whole repository, in order, of somebody else."""
    folder = scenery.folder.with_name("foreign")
    other = Manufacturer("attacker")
    with other.ceremony.open(folder, other.secrets.signing_keys, scenery.world.now):
        scenery.mirror.folder = folder


def touched(scenery: Stage) -> None:
    """Change one version number under a signature."""
    copy = scenery.copy("touched")
    path = copy / "metadata" / "timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"version":2}', b'"version":9}'))
    scenery.mirror.folder = copy


def endless_timestamp(scenery: Stage) -> None:
    """Send octets without end where the smallest file should be."""
    scenery.mirror.instead[TIMESTAMP] = endless


def endless_root(scenery: Stage) -> None:
    """Send octets without end where a new root could be."""
    scenery.mirror.instead[METADATA_PATH + "2.root.json"] = endless


def endless_target(scenery: Stage) -> None:
    """Send octets without end where the keys should be."""
    scenery.mirror.instead[TARGETS_PATH] = endless


def long_timestamp(scenery: Stage) -> None:
    """Send more than a timestamp may have, though less than the phone would read of anything."""
    scenery.mirror.instead[TIMESTAMP] = words(b" " * 5000)


def rubbish(scenery: Stage) -> None:
    """Send JSON that is no metadata."""
    scenery.mirror.instead[TIMESTAMP] = words(b"{}")


def nested(scenery: Stage) -> None:
    """Send JSON that is nested deeper than a parser can go."""
    scenery.mirror.instead[TIMESTAMP] = words(b"[" * 4000)


def nothing_there(scenery: Stage) -> None:
    """Say that there is no repository."""
    scenery.mirror.instead["/tuf/"] = words(b"{}", 404)


def portal(scenery: Stage) -> None:
    """Answer as a captive portal does."""
    scenery.mirror.instead["/tuf/"] = words(b"<html>Please sign in</html>", media_type="text/html")


def redirect(scenery: Stage) -> None:
    """Send the phone to another address."""
    scenery.mirror.instead["/tuf/"] = words(b"", 302, Location="http://repository.invalid/")


def broken(scenery: Stage) -> None:
    """Fail."""
    scenery.mirror.instead["/tuf/"] = words(b"{}", 500)


def busy(scenery: Stage) -> None:
    """Ask for patience."""
    scenery.mirror.instead["/tuf/"] = words(b"{}", 503, Retry_After="90")


@dataclass(frozen=True)
class Attack:
    """What is done, and what then is in the journal and before the user."""

    play: Callable[[Stage], None]
    code: str
    trouble: Trouble = Trouble.NO_KEYS


ATTACKS = (
    Attack(rollback, "tuf-rollback"),
    Attack(rolled_back_snapshot, "tuf-mismatch"),
    Attack(mixed_roles, "tuf-mismatch"),
    Attack(mixed_target, "tuf-mismatch"),
    Attack(own_keys, "tuf-mismatch"),
    Attack(wrong_repository, "tuf-unsigned"),
    Attack(touched, "tuf-unsigned"),
    Attack(endless_timestamp, "tuf-too-large"),
    Attack(endless_root, "tuf-too-large"),
    Attack(endless_target, "tuf-too-large"),
    Attack(long_timestamp, "tuf-too-large"),
    Attack(rubbish, "tuf-malformed"),
    Attack(nested, "tuf-malformed"),
    Attack(nothing_there, "tuf-missing"),
    Attack(portal, "tuf-unreachable", Trouble.UNREACHABLE),
    Attack(redirect, "tuf-unreachable", Trouble.UNREACHABLE),
    Attack(broken, "tuf-unreachable", Trouble.UNREACHABLE),
    Attack(busy, "tuf-busy", Trouble.BUSY),
)


@pytest.mark.sample(2)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.play.__name__)
def test_a_locked_phone_under_attack_stays_locked_and_recovers(scenery: Stage, attack: Attack) -> None:
    """Neither a way out of the lock nor a way to break the phone for good."""
    phone = scenery.phone()
    two_publications(scenery)
    if attack.play is rollback:
        phone.retry()
    asked = asked_for_a_verdict(phone)
    attack.play(scenery)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, attack.trouble, attack.code)
    assert asked_for_a_verdict(phone) == asked, "no evidence without keys to verify the answer"
    scenery.mirror.folder, scenery.mirror.instead = None, {}
    phone.retry()
    assert (sight(phone).screen, sight(phone).trouble) == (ScreenId.LOCKED, None)
    assert asked_for_a_verdict(phone) == asked + 1


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "attack", [each for each in ATTACKS if each.play is not rollback], ids=lambda attack: attack.play.__name__
)
def test_a_new_phone_under_attack_waits_and_says_so(scenery: Stage, attack: Attack) -> None:
    """It is not activated, not locked, sends no evidence, and is activated once the way is free."""
    two_publications(scenery)
    attack.play(scenery)
    phone = scenery.phone("paris")
    assert sight(phone) == Sight(ScreenId.WAITING, attack.trouble, attack.code)
    assert asked_for_a_verdict(phone) == 0
    screen = phone.screen()
    assert screen is not None
    assert {"emergency-call", "wifi-settings"} <= {action.value for action, _ in screen.actions}
    scenery.mirror.folder, scenery.mirror.instead = None, {}
    phone.retry()
    assert sight(phone).screen is ScreenId.HOME


def test_a_new_phone_cannot_tell_an_older_repository_until_it_expires(scenery: Stage) -> None:
    """It has seen nothing newer and its time is a lower bound: what is given up, and all that is given up."""
    two_publications(scenery)
    rollback(scenery)
    assert sight(scenery.phone("paris")).screen is ScreenId.HOME


def test_a_busy_server_sets_the_pace(scenery: Stage) -> None:
    """`Retry-After` of the repository is obeyed like that of any other answer."""
    phone = scenery.phone()
    busy(scenery)
    phone.retry()
    assert phone.agent is not None
    assert phone.agent.state.retry_at - phone.clock.elapsed() >= 90


def test_a_freeze_is_noticed_within_a_day(scenery: Stage) -> None:
    """Old files, for ever: their timestamp expires, and the phone knows the time since its last verdict."""
    phone = scenery.phone()
    scenery.mirror.folder = scenery.copy("frozen")
    phone.wait(DAY // 2)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, None, None)
    phone.wait(DAY)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-expired")


@pytest.mark.parametrize("wall", [0, 4_102_444_800], ids=["1970", "2100"])
def test_the_clock_that_the_user_can_set_decides_no_expiry(scenery: Stage, wall: int) -> None:
    """Set back it hides no freeze, set forward it makes nothing expire."""
    phone = scenery.phone()
    phone.clock.set_wall(wall)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, None, None)
    scenery.mirror.folder = scenery.copy("frozen")
    phone.wait(2 * DAY)
    phone.clock.set_wall(wall)
    phone.retry()
    assert sight(phone).code == "tuf-expired"


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "verdict_keys"])
def test_one_expired_role_is_enough_to_stop(scenery: Stage, tmp_path: Path, role: str) -> None:
    """Each role's date counts, the root's included, although all others are good for years."""
    phone = scenery.phone()
    lives = {"timestamp": LONG, "snapshot": LONG, "targets": LONG, "verdict_keys": LONG} | {role: 2 * HOUR}
    root_lives = lives.pop("root", LONG)
    with repository(scenery, tmp_path / "short", Lifetimes(**lives)) as short:
        vendor = scenery.vendor.ceremony
        following = next_root(
            short.root, vendor.holder(), vendor.online(), expiry(scenery.world.now(), root_lives)
        )
        short.install_root(following)
    scenery.mirror.folder = tmp_path / "short"
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, None, None)
    phone.wait(3 * HOUR)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-expired")


def repository(scenery: Stage, folder: Path, lifetimes: Lifetimes) -> KeyRepository:
    """Another repository of the same vendor."""
    vendor = scenery.vendor
    keys = KeyList.of(*(key.public_jwk() for key in vendor.secrets.signing_keys))
    initial = InitialContents(vendor.ceremony.pinned_root, keys)
    return KeyRepository.open(
        folder,
        initial=initial,
        online=vendor.ceremony.online(),
        clock=scenery.world.now,
        lifetimes=lifetimes,
    )


def test_an_activated_phone_that_is_kept_from_its_keys_stays_usable(scenery: Stage) -> None:
    """Blocking the repository is no way to lock a phone before the limit that its last verdict set."""
    phone = scenery.phone("paris")
    nothing_there(scenery)
    phone.wait(8 * DAY)
    assert sight(phone).screen is ScreenId.HOME
    assert sight(phone).code == "tuf-missing"


def test_what_lies_in_the_phones_own_folder_is_not_believed(scenery: Stage) -> None:
    """Flash access plants no key: everything kept is verified again from the pinned root."""
    phone = scenery.phone()
    own = json.dumps({"keys": [Manufacturer("attacker").signing_key.public_jwk()]}).encode()
    folder = phone._hardware.folder
    assert folder is not None
    for path in [*folder.rglob("*.json")]:
        path.write_bytes(own)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, None, None)
    kept = {sha256(path.read_bytes()).digest() for path in (folder / "targets").iterdir()}
    assert sha256(own).digest() not in kept


def test_a_replaced_root_in_the_folder_changes_nothing(scenery: Stage) -> None:
    """The image pins the root; a later one in the folder counts only if the pinned one vouches for it."""
    phone = scenery.phone()
    attacker = Manufacturer(Seed.of("attacker")).ceremony
    forged = next_root(
        attacker.pinned_root, attacker.holder(), attacker.online(), expiry(scenery.world.now(), LONG)
    )
    assert phone._hardware.folder is not None
    (phone._hardware.folder / "metadata" / "root_history" / "2.root.json").write_bytes(forged)
    phone.retry()
    assert sight(phone) == Sight(ScreenId.LOCKED, None, None)
