"""The attacks that TUF prevents, over real HTTP, with what the user of the device then sees.

The attacker is between device and server and has no key of the manufacturer. In every attack the device sends no
evidence while it has no keys, is neither unlocked nor locked, and recovers when the attack ends.
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
from server_stub.key_repository import Lifetimes, next_root
from server_stub.key_repository.roles import expiry
from server_stub.store.sql import SqlStore
from tests.support.tuf import (
    DAY,
    HOUR,
    THIRD_KEY,
    TufEnvironment,
    VisibleState,
    endless,
    open_environment,
    respond_with,
    verdict_request_count,
    visible_state,
)
from wire.key_repository import METADATA_PATH, TARGETS_PATH

TIMESTAMP = METADATA_PATH + "timestamp.json"
LONG = 10_000 * DAY


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[TufEnvironment]:
    with open_environment(tmp_path) as made:
        yield made


def publish_twice(environment: TufEnvironment) -> None:
    """Copy the repository and let the manufacturer publish a newer one."""
    environment.copy("before")
    environment.serve().introduce(THIRD_KEY.public_jwk(), signs_from=environment.world.now() + LONG)


def rollback(environment: TufEnvironment) -> None:
    """Serve an older publication than the device has seen; it has not expired."""
    environment.mirror.folder = environment.folder / "before"


def rolled_back_snapshot(environment: TufEnvironment) -> None:
    """Serve the newest timestamp with the previous snapshot under the new name."""
    copy = environment.copy("rolled back snapshot")
    (copy / "metadata" / "2.snapshot.json").write_bytes((copy / "metadata" / "1.snapshot.json").read_bytes())
    environment.mirror.folder = copy


def mixed_roles(environment: TufEnvironment) -> None:
    """Serve a new snapshot with the previous list: both are signed, but do not match."""
    copy = environment.copy("mixed roles")
    (copy / "metadata" / "2.verdict-keys.json").write_bytes(
        (copy / "metadata" / "1.verdict-keys.json").read_bytes()
    )
    environment.mirror.folder = copy


def mixed_target(environment: TufEnvironment) -> None:
    """Serve the previous keys under the hash of the new ones."""
    environment.mirror.overrides[TARGETS_PATH] = respond_with(targets(environment)[0])


def targets(environment: TufEnvironment) -> list[bytes]:
    """The published lists, the oldest first."""
    return [
        content
        for name in ("1.verdict-keys.json", "2.verdict-keys.json")
        for content in environment.files().values()
        if sha256(content).hexdigest().encode() in environment.files()[f"metadata/{name}"]
    ]


def own_keys(environment: TufEnvironment) -> None:
    """Serve the attacker's key set under the right name and with the right length."""
    right = targets(environment)[-1]
    own = json.dumps({"keys": [Manufacturer("attacker").signing_key.public_jwk()]}).encode()
    environment.mirror.overrides[TARGETS_PATH] = respond_with(own.ljust(len(right))[: len(right)])


def wrong_repository(environment: TufEnvironment) -> None:
    """Serve a valid repository of the attacker."""
    other, store = Manufacturer("attacker"), SqlStore()
    other.ceremony.open(store, other.secrets.signing_keys, environment.world.now)
    environment.mirror.folder = environment.copy("foreign", store)


def touched(environment: TufEnvironment) -> None:
    """Change one version number under a signature."""
    copy = environment.copy("touched")
    path = copy / "metadata" / "timestamp.json"
    path.write_bytes(path.read_bytes().replace(b'"version":2}', b'"version":9}'))
    environment.mirror.folder = copy


def endless_timestamp(environment: TufEnvironment) -> None:
    """Send an endless timestamp."""
    environment.mirror.overrides[TIMESTAMP] = endless


def endless_root(environment: TufEnvironment) -> None:
    """Send an endless new root."""
    environment.mirror.overrides[METADATA_PATH + "2.root.json"] = endless


def endless_target(environment: TufEnvironment) -> None:
    """Send an endless key list."""
    environment.mirror.overrides[TARGETS_PATH] = endless


def long_timestamp(environment: TufEnvironment) -> None:
    """Send a timestamp that is longer than allowed, but shorter than the limit of all responses."""
    environment.mirror.overrides[TIMESTAMP] = respond_with(b" " * 5000)


def rubbish(environment: TufEnvironment) -> None:
    """Send JSON that is not metadata."""
    environment.mirror.overrides[TIMESTAMP] = respond_with(b"{}")


def nested(environment: TufEnvironment) -> None:
    """Send JSON that is nested too deeply for a parser."""
    environment.mirror.overrides[TIMESTAMP] = respond_with(b"[" * 4000)


def nothing_there(environment: TufEnvironment) -> None:
    """Respond that there is no repository."""
    environment.mirror.overrides["/tuf/"] = respond_with(b"{}", 404)


def portal(environment: TufEnvironment) -> None:
    """Respond as a captive portal does."""
    environment.mirror.overrides["/tuf/"] = respond_with(
        b"<html>Please sign in</html>", media_type="text/html"
    )


def redirect(environment: TufEnvironment) -> None:
    """Redirect to another address."""
    environment.mirror.overrides["/tuf/"] = respond_with(b"", 302, Location="http://repository.invalid/")


def broken(environment: TufEnvironment) -> None:
    """Respond with an internal error."""
    environment.mirror.overrides["/tuf/"] = respond_with(b"{}", 500)


def busy(environment: TufEnvironment) -> None:
    """Respond with Retry-After."""
    environment.mirror.overrides["/tuf/"] = respond_with(b"{}", 503, Retry_After="90")


@dataclass(frozen=True)
class Attack:
    """An attack, the code in the timeline, and the trouble that the user sees."""

    apply: Callable[[TufEnvironment], None]
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


@pytest.mark.sample(4)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.apply.__name__)
def test_attacked_locked_device_stays_locked_and_recovers(
    environment: TufEnvironment, attack: Attack
) -> None:
    phone = environment.phone()
    publish_twice(environment)
    if attack.apply is rollback:
        phone.retry()
    asked = verdict_request_count(phone)
    attack.apply(environment)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, attack.trouble, attack.code)
    assert verdict_request_count(phone) == asked, "no evidence without keys to verify the verdict"
    environment.mirror.folder, environment.mirror.overrides = None, {}
    phone.retry()
    assert (visible_state(phone).screen, visible_state(phone).trouble) == (ScreenId.LOCKED, None)
    assert verdict_request_count(phone) == asked + 1


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "attack",
    [each for each in ATTACKS if each.apply is not rollback],
    ids=lambda attack: attack.apply.__name__,
)
def test_attacked_new_device_waits_and_shows_the_error(environment: TufEnvironment, attack: Attack) -> None:
    """It sends no evidence, and is activated when the attack ends."""
    publish_twice(environment)
    attack.apply(environment)
    phone = environment.phone("paris")
    assert visible_state(phone) == VisibleState(ScreenId.WAITING, attack.trouble, attack.code)
    assert verdict_request_count(phone) == 0
    screen = phone.screen()
    assert screen is not None
    assert {"emergency-call", "wifi-settings"} <= {action.value for action, _ in screen.actions}
    environment.mirror.folder, environment.mirror.overrides = None, {}
    phone.retry()
    assert visible_state(phone).screen is ScreenId.HOME


def test_new_device_accepts_an_older_repository_until_it_expires(environment: TufEnvironment) -> None:
    """It has seen nothing newer, and its time is a lower bound."""
    publish_twice(environment)
    rollback(environment)
    assert visible_state(environment.phone("paris")).screen is ScreenId.HOME


def test_device_obeys_retry_after_of_the_repository(environment: TufEnvironment) -> None:
    phone = environment.phone()
    busy(environment)
    phone.retry()
    assert phone.agent is not None
    assert phone.agent.state.retry_at - phone.clock.elapsed() >= 90


def test_freeze_attack_is_detected_within_a_day(environment: TufEnvironment) -> None:
    """The timestamp of the old files expires."""
    phone = environment.phone()
    environment.mirror.folder = environment.copy("frozen")
    phone.wait(DAY // 2)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, None, None)
    phone.wait(DAY)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-expired")


@pytest.mark.parametrize("wall", [0, 4_102_444_800], ids=["1970", "2100"])
def test_expiry_does_not_depend_on_the_clock_that_the_user_sets(
    environment: TufEnvironment, wall: int
) -> None:
    phone = environment.phone()
    phone.clock.set_wall(wall)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, None, None)
    environment.mirror.folder = environment.copy("frozen")
    phone.wait(2 * DAY)
    phone.clock.set_wall(wall)
    phone.retry()
    assert visible_state(phone).code == "tuf-expired"


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "verdict_keys"])
def test_one_expired_role_stops_the_update(environment: TufEnvironment, role: str) -> None:
    phone = environment.phone()
    lives = {"timestamp": DAY, "snapshot": LONG, "targets": LONG, "verdict_keys": LONG} | {role: 2 * HOUR}
    root_lives = lives.pop("root", LONG)
    manufacturer, store = environment.manufacturer, SqlStore()
    ceremony, now = manufacturer.ceremony, environment.world.now
    short = ceremony.open(store, manufacturer.secrets.signing_keys, now, Lifetimes(**lives))
    expires = expiry(now(), root_lives)
    short.install_root(next_root(short.root(), ceremony.holder(), ceremony.online(), expires))
    environment.mirror.folder = environment.copy("short", store)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, None, None)
    phone.wait(3 * HOUR)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, Trouble.NO_KEYS, "tuf-expired")


def test_activated_device_without_access_to_the_keys_stays_usable(environment: TufEnvironment) -> None:
    """Until the limit that its last verdict set."""
    phone = environment.phone("paris")
    nothing_there(environment)
    phone.wait(8 * DAY)
    assert visible_state(phone).screen is ScreenId.HOME
    assert visible_state(phone).code == "tuf-missing"


def test_planted_keys_in_the_devices_folder_are_rejected(environment: TufEnvironment) -> None:
    """Stored files are verified again from the pinned root."""
    phone = environment.phone()
    own = json.dumps({"keys": [Manufacturer("attacker").signing_key.public_jwk()]}).encode()
    folder = phone.hardware.folder
    assert folder is not None
    for path in [*folder.rglob("*.json")]:
        path.write_bytes(own)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, None, None)
    kept = {sha256(path.read_bytes()).digest() for path in (folder / "targets").iterdir()}
    assert sha256(own).digest() not in kept


def test_replaced_root_in_the_devices_folder_is_rejected(environment: TufEnvironment) -> None:
    phone = environment.phone()
    attacker = Manufacturer(Seed.of("attacker")).ceremony
    forged = next_root(
        attacker.pinned_root, attacker.holder(), attacker.online(), expiry(environment.world.now(), LONG)
    )
    assert phone.hardware.folder is not None
    (phone.hardware.folder / "metadata" / "root_history" / "2.root.json").write_bytes(forged)
    phone.retry()
    assert visible_state(phone) == VisibleState(ScreenId.LOCKED, None, None)
