"""The bounds of the time that a key repository shows, and the expiry of its roles against them."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from tuf.api.metadata import Metadata, Timestamp

from agent.adapters.tuf_errors import TufFault
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError, PublishedKeys
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import START, World
from server_stub.key_repository import (
    KeyRepository,
    Lifetimes,
    OnlineRole,
    next_root,
)
from server_stub.store.sql import SqlStore
from wire import limits, media
from wire.key_repository import METADATA_PATH

CEREMONY: Final = Manufacturer("time of the key source").ceremony
KEYS: Final = Manufacturer("time of the key source").secrets.signing_keys
DAY, YEAR = 86_400, 366 * 86_400
SIGNER: Final = CEREMONY.online().public(OnlineRole.TIMESTAMP).keyid
NEXT_SIGNER: Final = CEREMONY.online(1).public(OnlineRole.TIMESTAMP).keyid
LATE: Final = TimestampBounds(START + 5 * YEAR, clock=7, root=1, signers=(SIGNER,))
"""Of a device that met a server, or a thief of the timestamp key, whose clock was years ahead."""


@dataclass
class SignedTimestamps:
    """`agent.ports.Downloads` over a repository, with another timestamp of its key, and what a device does with it."""

    repository: KeyRepository
    folder: Path
    generation: int = 0
    changed: dict[str, Any] = field(default_factory=dict)
    served: int = 0

    def get(self, path: str, *, accept: str) -> Answer:
        read = self.repository.metadata if path.startswith(METADATA_PATH) else self.repository.target
        content = read(path.rsplit("/", 1)[-1])
        if content is None:
            return Answer(404, media.PROBLEM, b"{}")
        if path.endswith("timestamp.json") and self.changed:
            content = self._timestamp(Metadata[Timestamp].from_bytes(content))
        return Answer(200, media.JSON, content)

    def _timestamp(self, metadata: Metadata[Timestamp]) -> bytes:
        self.served += 1
        metadata.signed.version += self.served
        if "expires" in self.changed:
            metadata.signed.expires = datetime.fromtimestamp(self.changed["expires"], UTC)
        if "clock" in self.changed:
            metadata.signed.unrecognized_fields["clock"] = self.changed["clock"]
        metadata.sign(CEREMONY.online(self.generation).signer(OnlineRole.TIMESTAMP))
        return metadata.to_bytes()

    def keys(self, known: TimestampBounds) -> PublishedKeys:
        return TufKeys(CEREMONY.pinned_root, self.folder, self).keys(known)

    def code(self, known: TimestampBounds) -> str | None:
        try:
            self.keys(known)
        except KeySourceError as error:
            return error.code
        return None

    def install_root(self, expires: int) -> None:
        """Replace the timestamp key and the other online keys by a root that expires at `expires`."""
        online = CEREMONY.online(1)
        root = next_root(
            CEREMONY.pinned_root, CEREMONY.holder(), online, datetime.fromtimestamp(expires, UTC)
        )
        self.repository.install_root(root)
        self.generation = 1


def opened(lifetimes: Lifetimes | None = None) -> KeyRepository:
    return CEREMONY.open(SqlStore(), KEYS, World().now, lifetimes)


@pytest.fixture
def server(tmp_path: Path) -> SignedTimestamps:
    return SignedTimestamps(opened(), tmp_path / "phone")


@pytest.mark.parametrize("ago", [0, 1, 5 * YEAR])
def test_first_timestamp_sets_floor_and_ceiling(server: SignedTimestamps, ago: int) -> None:
    """A timestamp of a day was signed a day before its expiry or later; a shorter one too."""
    published = server.keys(TimestampBounds(START - ago))
    assert published.bounds == TimestampBounds(START, clock=0, root=1, signers=(SIGNER,))
    assert published.latest == START + limits.TIMESTAMP_LIFETIME + limits.SKEW


def test_floor_of_the_device_remains_if_the_timestamp_is_older(server: SignedTimestamps) -> None:
    assert server.keys(TimestampBounds(START + DAY - 1)).bounds.floor == START + DAY - 1
    assert server.code(TimestampBounds(START + DAY)) == TufFault.EXPIRED


ONE_HOUR: Final = 3600


@pytest.mark.parametrize("role", ["snapshot", "verdict_keys", "targets"])
def test_each_role_expires_at_the_floor(tmp_path: Path, role: str) -> None:
    server = SignedTimestamps(opened(replace(Lifetimes(), **{role: ONE_HOUR})), tmp_path / "phone")
    assert server.code(TimestampBounds(START + ONE_HOUR - 1)) is None
    assert server.code(TimestampBounds(START + ONE_HOUR)) == TufFault.EXPIRED


def test_expiry_is_compared_with_the_floor_of_this_timestamp_that_of_the_newest_root_too(
    server: SignedTimestamps,
) -> None:
    server.install_root(START + 3 * DAY)
    server.changed = {"expires": START + 4 * DAY - 1}
    assert server.code(TimestampBounds(START)) is None
    server.changed = {"expires": START + 4 * DAY}
    assert server.code(TimestampBounds(START)) == TufFault.EXPIRED


@pytest.mark.parametrize("clock", [True, False, -1, 2**53, "1", None, [], {}])
def test_malformed_clock_number_is_refused(server: SignedTimestamps, clock: object) -> None:
    server.changed = {"clock": clock}
    assert server.code(TimestampBounds(START)) == TufFault.MALFORMED


@pytest.mark.parametrize(("clock", "code"), [(0, "tuf-rollback"), (6, "tuf-rollback"), (7, None), (8, None)])
def test_clock_number_never_decreases_under_the_same_key(
    server: SignedTimestamps, clock: int, code: str | None
) -> None:
    server.changed = {"clock": clock}
    assert server.code(replace(LATE, floor=START)) == code


def test_greater_clock_number_lowers_the_floor(server: SignedTimestamps) -> None:
    """Otherwise every honest timestamp has expired."""
    server.changed = {"clock": 7}
    assert server.code(LATE) == TufFault.EXPIRED
    server.changed = {"clock": 8}
    assert server.keys(LATE).bounds == TimestampBounds(START, clock=8, root=1, signers=(SIGNER,))


def test_root_that_replaces_the_timestamp_key_lowers_the_floor_and_the_clock_number(
    server: SignedTimestamps,
) -> None:
    """Only a device that has seen the root: the same keys under the old root are refused afterwards."""
    server.install_root(START + YEAR)
    after = server.keys(LATE).bounds
    assert after == TimestampBounds(START, clock=0, root=2, signers=(NEXT_SIGNER,))
    withheld = SignedTimestamps(opened(), server.folder.with_name("erased"))
    assert withheld.code(after) == TufFault.ROLLBACK


def test_timestamp_that_the_key_has_not_signed_shows_nothing(server: SignedTimestamps) -> None:
    """Its signature is verified before its expiry and its clock number are read."""
    server.changed, server.generation = {"clock": "1", "expires": START - YEAR}, 1
    assert server.code(TimestampBounds(START)) == TufFault.UNSIGNED
