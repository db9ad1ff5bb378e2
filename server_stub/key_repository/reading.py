"""Reading back what was published: after a restart, or after a kill between any two files.

Everything is verified as a phone would verify it, but for expiry: what has expired is signed anew. A role may still
bear the signature of an online key that a newer root has replaced, where a change of the root was cut short.
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
from server_stub.key_repository.publication import Published, Sheet
from server_stub.key_repository.roles import TOP_LEVEL, OnlineKeys, OnlineRole
from wire.key_repository import TARGET


def read(folder: Folder) -> Published:
    """What `folder` publishes. Raises KeyRepositoryError for a folder that phones would refuse."""
    try:
        roots, sheets = list(_roots(folder)), {}
        timestamp, sheets[OnlineRole.TIMESTAMP] = _top_level(
            folder, roots, OnlineRole.TIMESTAMP, TIMESTAMP, Timestamp
        )
        name = f"{timestamp.snapshot_meta.version}.snapshot.json"
        snapshot, sheets[OnlineRole.SNAPSHOT] = _top_level(folder, roots, OnlineRole.SNAPSHOT, name, Snapshot)
        name = f"{snapshot.meta['targets.json'].version}.targets.json"
        targets, sheets[OnlineRole.TARGETS] = _top_level(folder, roots, OnlineRole.TARGETS, name, Targets)
        name = f"{snapshot.meta[f'{OnlineRole.VERDICT_KEYS}.json'].version}.{OnlineRole.VERDICT_KEYS}.json"
        listing, sheets[OnlineRole.VERDICT_KEYS] = _sheet(folder, name, Targets)
        targets.verify_delegate(OnlineRole.VERDICT_KEYS, listing.signed_bytes, listing.signatures)
        return Published(roots[-1], sheets, _keys(folder, listing.signed))
    except (RepositoryError, KeyError, ValueError) as error:
        raise _altered(folder, type(error).__name__) from error


def published_keys(path: Path) -> KeyList:
    """The verdict keys that the repository in a folder publishes, beside a server that holds it.

    Raises KeyRepositoryError.
    """
    return read(Folder(path)).keys


def check_root(root: bytes, before: Metadata[Root]) -> Metadata[Root]:
    """The root that follows `before`, signed by both thresholds. Raises KeyRepositoryError."""
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
    """Whether every role bears the signature of the online key at hand."""
    return all(
        online.public(role).keyid
        in {signature["keyid"] for signature in json.loads(sheet.content)["signatures"]}
        for role, sheet in published.sheets.items()
    )


def _roots(folder: Folder) -> Iterator[Metadata[Root]]:
    """Every root from the first to the newest, each verified by the one before and by itself."""
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
) -> tuple[Any, Sheet]:
    """What a role of the root has signed, verified by one of the roots."""
    metadata, sheet = _sheet(folder, name, kind)
    results = (
        root.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
        for root in roots
    )
    if not any(result.verified for result in results):
        raise ValueError(name)
    return metadata.signed, sheet


def _sheet(folder: Folder, name: str, kind: type[Any]) -> tuple[Metadata[Any], Sheet]:
    content = _content(folder, name)
    metadata: Metadata[Any] = Metadata.from_bytes(content)
    if not isinstance(metadata.signed, kind):
        raise ValueError(name)  # noqa: TRY004 - a file of the wrong kind, not an argument
    return metadata, Sheet.of(metadata, content)


def _keys(folder: Folder, listing: Targets) -> KeyList:
    target = listing.targets[TARGET]
    content = folder.target(f"{target.hashes['sha256']}.{TARGET}")
    if content is None:
        raise _altered(folder, TARGET)
    target.verify_length_and_hashes(content)
    return KeyList.from_bytes(content)


def _content(folder: Folder, name: str) -> bytes:
    content = folder.metadata(name)
    if content is None:
        raise _altered(folder, f"{name} is missing")
    return content


def _altered(folder: Folder, what: str) -> KeyRepositoryError:
    return KeyRepositoryError(
        RepositoryFault.NOT_A_REPOSITORY,
        f"{folder.path} is no repository that phones would take ({what}); restore it, or name an empty folder",
    )
