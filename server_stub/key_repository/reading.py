"""Reading a published repository: after a restart, or after a kill between any two files.

Everything is verified as a device would verify it, except expiry: expired metadata is signed again. A role may still
have the signature of an online key that a newer root has replaced, if a change of the root was interrupted.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from server_stub.key_repository.errors import KeyRepositoryError, RepositoryFault
from server_stub.key_repository.files import TIMESTAMP, Folder
from server_stub.key_repository.key_list import KeyList
from server_stub.key_repository.publication import Published, SignedFile
from server_stub.key_repository.roles import TOP_LEVEL, OnlineKeys, OnlineRole
from wire.key_repository import CLOCK, TARGET
from wire.limits import TIMESTAMP_LIFETIME


def read(folder: Folder) -> Published:
    """The publication in `folder`. Raises KeyRepositoryError if devices would reject it."""
    try:
        roots, signed = list(_roots(folder)), {}
        timestamp, signed[OnlineRole.TIMESTAMP] = _top_level(
            folder, roots, OnlineRole.TIMESTAMP, TIMESTAMP, Timestamp
        )
        name = f"{timestamp.snapshot_meta.version}.snapshot.json"
        snapshot, signed[OnlineRole.SNAPSHOT] = _top_level(folder, roots, OnlineRole.SNAPSHOT, name, Snapshot)
        name = f"{snapshot.meta['targets.json'].version}.targets.json"
        targets, signed[OnlineRole.TARGETS] = _top_level(folder, roots, OnlineRole.TARGETS, name, Targets)
        name = f"{snapshot.meta[f'{OnlineRole.VERDICT_KEYS}.json'].version}.{OnlineRole.VERDICT_KEYS}.json"
        listing, signed[OnlineRole.VERDICT_KEYS] = _metadata(folder, name, Targets)
        targets.verify_delegate(OnlineRole.VERDICT_KEYS, listing.signed_bytes, listing.signatures)
        target = listing.signed.targets[TARGET]
        content = folder.target(f"{target.hashes['sha256']}.{TARGET}")
        if content is None:
            raise _altered(folder, TARGET)
        target.verify_length_and_hashes(content)
        return Published(roots[-1], signed, KeyList.from_bytes(content), clock_number(timestamp))
    except (RepositoryError, KeyError, ValueError) as error:
        raise _altered(folder, type(error).__name__) from error


def published_keys(path: Path) -> KeyList:
    """The verdict keys that a repository publishes, also while a server holds the folder. Raises KeyRepositoryError."""
    return read(Folder(path)).keys


def clock_number(timestamp: Timestamp) -> int:
    """How often an operator has accepted the server's clock. Raises ValueError if that is not a count."""
    number = timestamp.unrecognized_fields.get(CLOCK, 0)
    if type(number) is not int or number < 0:
        raise ValueError(CLOCK)
    return number


def newest_publication(path: Path) -> int | None:
    """When the newest timestamp in the folder `path` was signed as devices compute it, in seconds since the epoch.

    Nothing is verified. None if nothing was published. Raises KeyRepositoryError if the timestamp is not metadata.
    """
    folder = Folder(path)
    content = folder.metadata(TIMESTAMP)
    if content is None:
        return None
    try:
        timestamp = Metadata[Timestamp].from_bytes(content)
    except RepositoryError as error:
        raise _altered(folder, type(error).__name__) from error
    return int(timestamp.signed.expires.timestamp()) - TIMESTAMP_LIFETIME


def check_root(root: bytes, before: Metadata[Root]) -> Metadata[Root]:
    """The next root after `before`, signed by both thresholds. Raises KeyRepositoryError."""
    try:
        return _successor(root, before)
    except (RepositoryError, ValueError) as error:
        raise KeyRepositoryError(
            RepositoryFault.ROOT_REFUSED,
            f"{error}; make version {before.signed.version + 1} and let both thresholds sign it",
        ) from error


def newest_root(path: Path) -> bytes | None:
    """The newest root in the folder `path`, None without any. Nothing is verified."""
    newest, version = None, 1
    while (content := Folder(path).metadata(f"{version}.root.json")) is not None:
        newest, version = content, version + 1
    return newest


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


def _roots(folder: Folder) -> Iterator[Metadata[Root]]:
    """Every root from the first to the newest, each verified by its predecessor and by itself."""
    root = Metadata[Root].from_bytes(_content(folder, "1.root.json"))
    root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    yield root
    while (content := folder.metadata(f"{root.signed.version + 1}.root.json")) is not None:
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
    folder: Folder, roots: Sequence[Metadata[Root]], role: OnlineRole, name: str, kind: type[Any]
) -> tuple[Any, SignedFile]:
    """The metadata of a role that the root names, verified by one of the roots."""
    metadata, signed_file = _metadata(folder, name, kind)
    results = (
        root.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
        for root in roots
    )
    if not any(result.verified for result in results):
        raise ValueError(name)
    return metadata.signed, signed_file


def _metadata(folder: Folder, name: str, kind: type[Any]) -> tuple[Metadata[Any], SignedFile]:
    content = _content(folder, name)
    metadata: Metadata[Any] = Metadata.from_bytes(content)
    if not isinstance(metadata.signed, kind):
        raise ValueError(name)  # noqa: TRY004 - a file of the wrong kind, not an argument
    return metadata, SignedFile.of(metadata, content)


def _content(folder: Folder, name: str) -> bytes:
    content = folder.metadata(name)
    if content is None:
        raise _altered(folder, f"{name} is missing")
    return content


def _altered(folder: Folder, what: str) -> KeyRepositoryError:
    return KeyRepositoryError(
        RepositoryFault.NOT_A_REPOSITORY,
        f"{folder.path} is not a repository that devices would accept ({what}); restore it, or name an empty folder",
    )
