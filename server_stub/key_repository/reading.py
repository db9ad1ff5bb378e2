"""Reading a published repository: from the store, or from the folder of an earlier release.

Everything is verified as a device would verify it, except expiry: expired metadata is signed again. In a folder a role
may still have the signature of an online key that a newer root has replaced, if a change of the root was interrupted.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.files import (
    FIRST_ROOT,
    TIMESTAMP,
    Source,
    metadata_file,
    target_file,
)
from server_stub.key_repository.key_list import KeyList
from server_stub.key_repository.publication import Published, SignedFile
from server_stub.key_repository.roles import TOP_LEVEL, OnlineKeys, OnlineRole
from wire.key_repository import CLOCK, TARGET
from wire.limits import TIMESTAMP_LIFETIME


def read(source: Source, place: object) -> Published:
    """The publication in `source`. Raises KeyRepositoryError, which names `place`, if devices would reject it."""
    try:
        verified, signed = list(_roots(source)), {}
        timestamp, signed[OnlineRole.TIMESTAMP] = _top_level(
            source, verified, OnlineRole.TIMESTAMP, TIMESTAMP, Timestamp
        )
        name = metadata_file(timestamp.snapshot_meta.version, OnlineRole.SNAPSHOT)
        snapshot, signed[OnlineRole.SNAPSHOT] = _top_level(
            source, verified, OnlineRole.SNAPSHOT, name, Snapshot
        )
        name = metadata_file(snapshot.meta["targets.json"].version, OnlineRole.TARGETS)
        targets, signed[OnlineRole.TARGETS] = _top_level(source, verified, OnlineRole.TARGETS, name, Targets)
        version = snapshot.meta[f"{OnlineRole.VERDICT_KEYS}.json"].version
        name = metadata_file(version, OnlineRole.VERDICT_KEYS)
        listing, signed[OnlineRole.VERDICT_KEYS] = _metadata(source, name, Targets)
        targets.verify_delegate(OnlineRole.VERDICT_KEYS, listing.signed_bytes, listing.signatures)
        target = listing.signed.targets[TARGET]
        content = _content(source, target_file(target.hashes["sha256"]))
        target.verify_length_and_hashes(content)
        return Published(verified[-1], signed, KeyList.from_bytes(content), clock_number(timestamp))
    except (RepositoryError, KeyError, ValueError) as error:
        raise KeyRepositoryError(
            RepositoryFault.NOT_A_REPOSITORY,
            f"{place} has no repository that devices would accept ({str(error) or type(error).__name__}); restore it",
        ) from error


def files_of(source: Source, place: object) -> dict[str, bytes]:
    """The files of the publication in `source`, by their names. Raises KeyRepositoryError like `read`."""
    files: dict[str, bytes] = {}

    def noting(name: str) -> bytes | None:
        content = source(name)
        if content is not None:
            files[name] = content
        return content

    read(noting, place)
    return files


def clock_number(timestamp: Timestamp) -> int:
    """How often an operator has accepted the server's clock. Raises ValueError if that is not a count."""
    number = timestamp.unrecognized_fields.get(CLOCK, 0)
    if type(number) is not int or number < 0:
        raise ValueError(CLOCK)
    return number


def signed_at(timestamp: bytes) -> tuple[int, int]:
    """When a timestamp was signed, in seconds since the epoch as devices compute it, and its clock number.

    Nothing is verified. Raises KeyRepositoryError if it is not metadata.
    """
    try:
        signed = Metadata[Timestamp].from_bytes(timestamp).signed
        return int(signed.expires.timestamp()) - TIMESTAMP_LIFETIME, clock_number(signed)
    except (RepositoryError, ValueError) as error:
        raise KeyRepositoryError(RepositoryFault.NOT_A_REPOSITORY, f"{TIMESTAMP} is not metadata") from error


def check_root(root: bytes, before: Metadata[Root]) -> Metadata[Root]:
    """The next root after `before`, signed by both thresholds. Raises KeyRepositoryError."""
    try:
        return _successor(root, before)
    except (RepositoryError, ValueError) as error:
        raise KeyRepositoryError(
            RepositoryFault.ROOT_REFUSED,
            f"{error}; make version {before.signed.version + 1} and let both thresholds sign it",
        ) from error


def names_keys(root: Metadata[Root], online: OnlineKeys) -> bool:
    """Whether `root` names these online keys."""
    return all(online.public(role).keyid in root.signed.roles[role].keyids for role in TOP_LEVEL)


def signed_by(published: Published, online: OnlineKeys) -> bool:
    """Whether every role is signed by its key in `online`."""
    return all(
        online.public(role).keyid
        in {signature["keyid"] for signature in json.loads(signed_file.content)["signatures"]}
        for role, signed_file in published.signed.items()
    )


def _roots(source: Source) -> Iterator[Metadata[Root]]:
    """Every root from the first to the newest, each verified by its predecessor and by itself."""
    root = Metadata[Root].from_bytes(_content(source, FIRST_ROOT))
    root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    yield root
    while (content := source(metadata_file(root.signed.version + 1, Root.type))) is not None:
        root = _successor(content, root)
        yield root


def _successor(content: bytes, before: Metadata[Root]) -> Metadata[Root]:
    root = Metadata[Root].from_bytes(content)
    if root.signed.type != Root.type or root.signed.version != before.signed.version + 1:
        raise ValueError("it is not the next root")
    for delegator in (before, root):
        delegator.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    return root


def _top_level(
    source: Source, roots: Sequence[Metadata[Root]], role: OnlineRole, name: str, kind: type[Any]
) -> tuple[Any, SignedFile]:
    """The metadata of a role that the root names, verified by one of the roots."""
    metadata, signed_file = _metadata(source, name, kind)
    results = (
        root.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
        for root in roots
    )
    if not any(result.verified for result in results):
        raise ValueError(name)
    return metadata.signed, signed_file


def _metadata(source: Source, name: str, kind: type[Any]) -> tuple[Metadata[Any], SignedFile]:
    content = _content(source, name)
    metadata: Metadata[Any] = Metadata.from_bytes(content)
    if not isinstance(metadata.signed, kind):
        raise ValueError(name)  # noqa: TRY004 - a file of the wrong kind, not an argument
    return metadata, SignedFile.of(metadata, content)


def _content(source: Source, name: str) -> bytes:
    content = source(name)
    if content is None:
        raise ValueError(f"{name} is missing")
    return content
