"""The published metadata, and the files that publish a change. Pure: the time is an argument, nothing is written.

All names except that of the timestamp are new, so files that devices are reading do not change.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from server_stub.key_repository.files import TIMESTAMP, metadata_file, target_file
from server_stub.key_repository.key_list import KeyList
from server_stub.key_repository.roles import Lifetimes, OnlineKeys, OnlineRole, expiry
from wire.key_repository import CLOCK, TARGET

HASHES: Final = ["sha256"]
EVERY_ROLE: Final = frozenset(OnlineRole)


@dataclass(frozen=True, slots=True)
class SignedFile:
    """One signed metadata file. `expires`: seconds since the epoch."""

    version: int
    expires: int
    content: bytes

    @classmethod
    def of(cls, metadata: Metadata[Any], content: bytes) -> "SignedFile":
        """The file whose `content` is `metadata`."""
        return cls(metadata.signed.version, int(metadata.signed.expires.timestamp()), content)

    def listed(self) -> MetaFile:
        """Its entry in another role: version, length and hash."""
        return MetaFile.from_data(self.version, self.content, HASHES)


@dataclass(frozen=True, slots=True)
class Published:
    """The current publication. `root` is the newest one, `clock` the number in the timestamp."""

    root: Metadata[Root]
    signed: Mapping[OnlineRole, SignedFile]
    keys: KeyList
    clock: int = 0

    def stale(self, lifetimes: Lifetimes, now: int) -> frozenset[OnlineRole]:
        """The roles with less than half of their lifetime left."""
        return frozenset(
            role
            for role, signed_file in self.signed.items()
            if signed_file.expires - now < lifetimes.of(role) / 2
        )


@dataclass(frozen=True, slots=True)
class MetadataPublisher:
    """Signs metadata with the online keys. `clock` is how often an operator has accepted the server's clock."""

    online: OnlineKeys
    lifetimes: Lifetimes
    clock: int = 0

    def publish(
        self, before: Mapping[OnlineRole, SignedFile], keys: KeyList, renew: Set[OnlineRole], now: int
    ) -> tuple[dict[OnlineRole, SignedFile], dict[str, bytes]]:
        """All metadata with the roles of `renew` signed again, and the files to write, by their names.

        `before` is empty for a new repository. Snapshot and timestamp are renewed whenever what they list is.
        """
        signed, content = dict(before), keys.to_bytes()
        files = {target_file(sha256(content).hexdigest()): content}
        wanted = set(renew) | {OnlineRole.TIMESTAMP}
        if renew - {OnlineRole.TIMESTAMP}:
            wanted.add(OnlineRole.SNAPSHOT)
        for role in (role for role in _BODIES if role in wanted):
            version = signed[role].version + 1 if role in signed else 1
            signed_file = self.sign(role, version, signed, content, now)
            signed[role] = signed_file
            name = TIMESTAMP if role is OnlineRole.TIMESTAMP else metadata_file(version, role)
            files[name] = signed_file.content
        return signed, files

    def sign(
        self,
        role: OnlineRole,
        version: int,
        signed: Mapping[OnlineRole, SignedFile],
        content: bytes,
        now: int,
    ) -> SignedFile:
        """The metadata of `role`, signed at `now`. `signed` is what it may list, `content` the list of keys."""
        body = _BODIES[role](self, signed, content)
        body.version, body.expires = version, expiry(now, self.lifetimes.of(role))
        metadata: Metadata[Any] = Metadata(body)
        metadata.sign(self.online.signer(role))
        return SignedFile.of(metadata, metadata.to_bytes())

    def listing(self, _: Mapping[OnlineRole, SignedFile], content: bytes) -> Targets:
        """The delegated role: the one target."""
        return Targets(targets={TARGET: TargetFile.from_data(TARGET, content, HASHES)})

    def delegation(self, _: Mapping[OnlineRole, SignedFile], __: bytes) -> Targets:
        """Targets: lists no file itself and delegates the one target with a terminating delegation."""
        key = self.online.public(OnlineRole.VERDICT_KEYS)
        role = DelegatedRole(OnlineRole.VERDICT_KEYS.value, [key.keyid], 1, terminating=True, paths=[TARGET])
        return Targets(delegations=Delegations({key.keyid: key}, {role.name: role}))

    def snapshot(self, signed: Mapping[OnlineRole, SignedFile], _: bytes) -> Snapshot:
        """Which versions of targets and of the delegated role belong together."""
        listed = (OnlineRole.TARGETS, OnlineRole.VERDICT_KEYS)
        return Snapshot(meta={f"{role}.json": signed[role].listed() for role in listed})

    def timestamp(self, signed: Mapping[OnlineRole, SignedFile], _: bytes) -> Timestamp:
        """Which snapshot is the newest, and the clock number."""
        timestamp = Timestamp(snapshot_meta=signed[OnlineRole.SNAPSHOT].listed())
        if self.clock:
            timestamp.unrecognized_fields[CLOCK] = self.clock
        return timestamp


_BODIES: Final = {
    OnlineRole.VERDICT_KEYS: MetadataPublisher.listing,
    OnlineRole.TARGETS: MetadataPublisher.delegation,
    OnlineRole.SNAPSHOT: MetadataPublisher.snapshot,
    OnlineRole.TIMESTAMP: MetadataPublisher.timestamp,
}
"""Each role before those that list it."""
