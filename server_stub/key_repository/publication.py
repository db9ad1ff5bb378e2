"""What is published, and the files that publish something else. Pure: the time is an argument, nothing is written.

The files come in the order in which they have to be written. Every name but one is new, so nothing that a phone may
be reading changes; the timestamp comes last and makes the publication count, all of it or nothing.
"""

from collections.abc import Iterable, Mapping, Set
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

from server_stub.key_repository.files import METADATA, TARGETS, TIMESTAMP, RepositoryFile
from server_stub.key_repository.key_list import KeyList
from server_stub.key_repository.roles import Lifetimes, OnlineKeys, OnlineRole, expiry
from wire.key_repository import TARGET

HASHES: Final = ["sha256"]
EVERY_ROLE: Final = frozenset(OnlineRole)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One signed metadata file. `expires`: seconds since the epoch."""

    version: int
    expires: int
    content: bytes

    @classmethod
    def of(cls, metadata: Metadata[Any], content: bytes) -> "Sheet":
        """The sheet of metadata that was read from, or written as, `content`."""
        return cls(metadata.signed.version, int(metadata.signed.expires.timestamp()), content)

    def described(self) -> MetaFile:
        """How another role lists it: version, length and hash."""
        return MetaFile.from_data(self.version, self.content, HASHES)


@dataclass(frozen=True, slots=True)
class Published:
    """What phones see. `root` is the newest one."""

    root: Metadata[Root]
    sheets: Mapping[OnlineRole, Sheet]
    keys: KeyList


@dataclass(frozen=True, slots=True)
class Press:
    """Signs with the online keys."""

    online: OnlineKeys
    lifetimes: Lifetimes

    def stale(self, published: Published, now: int) -> frozenset[OnlineRole]:
        """The roles with less than half of their life left."""
        return frozenset(
            role
            for role, sheet in published.sheets.items()
            if sheet.expires - now < self.lifetimes.of(role) / 2
        )

    def publish(
        self, before: Mapping[OnlineRole, Sheet], keys: KeyList, renew: Set[OnlineRole], now: int
    ) -> tuple[dict[OnlineRole, Sheet], list[RepositoryFile]]:
        """All sheets with those of `renew` signed anew, and the files to write, in order.

        `before` is empty for a new repository. Snapshot and timestamp follow whatever they list.
        """
        sheets, content = dict(before), keys.to_bytes()
        files = [RepositoryFile(TARGETS, f"{sha256(content).hexdigest()}.{TARGET}", content)]
        for role in _in_order(renew):
            version = sheets[role].version + 1 if role in sheets else 1
            sheet = self._signed(role, version, sheets, content, now)
            sheets[role] = sheet
            name = TIMESTAMP if role is OnlineRole.TIMESTAMP else f"{version}.{role}.json"
            files.append(RepositoryFile(METADATA, name, sheet.content))
        return sheets, files

    def _signed(
        self, role: OnlineRole, version: int, sheets: Mapping[OnlineRole, Sheet], content: bytes, now: int
    ) -> Sheet:
        body = _BODIES[role](self, sheets, content)
        body.version, body.expires = version, expiry(now, self.lifetimes.of(role))
        metadata: Metadata[Any] = Metadata(body)
        metadata.sign(self.online.signer(role))
        return Sheet.of(metadata, metadata.to_bytes())

    def listing(self, _: Mapping[OnlineRole, Sheet], content: bytes) -> Targets:
        """The delegated role: the one target."""
        return Targets(targets={TARGET: TargetFile.from_data(TARGET, content, HASHES)})

    def delegation(self, _: Mapping[OnlineRole, Sheet], __: bytes) -> Targets:
        """Targets: lists nothing itself and delegates the one target, with no way back."""
        key = self.online.public(OnlineRole.VERDICT_KEYS)
        role = DelegatedRole(OnlineRole.VERDICT_KEYS.value, [key.keyid], 1, terminating=True, paths=[TARGET])
        return Targets(delegations=Delegations({key.keyid: key}, {role.name: role}))

    def snapshot(self, sheets: Mapping[OnlineRole, Sheet], _: bytes) -> Snapshot:
        """Which versions of targets and of the delegated role belong together."""
        listed = (OnlineRole.TARGETS, OnlineRole.VERDICT_KEYS)
        return Snapshot(meta={f"{role}.json": sheets[role].described() for role in listed})

    def timestamp(self, sheets: Mapping[OnlineRole, Sheet], _: bytes) -> Timestamp:
        """Which snapshot is the newest."""
        return Timestamp(snapshot_meta=sheets[OnlineRole.SNAPSHOT].described())


_BODIES: Final = {
    OnlineRole.VERDICT_KEYS: Press.listing,
    OnlineRole.TARGETS: Press.delegation,
    OnlineRole.SNAPSHOT: Press.snapshot,
    OnlineRole.TIMESTAMP: Press.timestamp,
}
"""In the order of writing."""


def _in_order(renew: Iterable[OnlineRole]) -> list[OnlineRole]:
    """The roles to sign, each before those that list it."""
    wanted = set(renew) | {OnlineRole.TIMESTAMP}
    if wanted != {OnlineRole.TIMESTAMP}:
        wanted.add(OnlineRole.SNAPSHOT)
    return [role for role in _BODIES if role in wanted]
