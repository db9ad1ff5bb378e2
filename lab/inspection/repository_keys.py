"""Verdict keys from a key repository, read by the agent's own client over HTTP or from a folder."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.adapters.http import RequestsTransport
from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, Downloads, PublishedKeys
from agent.verification.bounds import TimestampBounds
from lab.inspection.inputs import InputError, read_file
from lab.world.addresses import trusted_authorities
from wire import key_repository, limits, media

_FOLDERS: Final = {key_repository.METADATA_PATH: "metadata", key_repository.TARGETS_PATH: "targets"}


@dataclass(frozen=True, slots=True)
class FolderDownloads:
    """Implements `agent.ports.Downloads` over a folder with the subfolders `metadata` and `targets`."""

    folder: Path

    def get(self, path: str, *, accept: str) -> Answer:
        """The file, or a 404. A longer file than a response can be is cut, and its hash or signature fails."""
        for prefix, name in _FOLDERS.items():
            file = self.folder / name / path.removeprefix(prefix)
            if path.startswith(prefix) and file.parent == self.folder / name and file.is_file():
                with file.open("rb") as stream:
                    return Answer(200, accept, stream.read(limits.BODY_MAX))
        return Answer(404, media.PROBLEM, b"")


def keys_of(root: Path, repository: str, now: int) -> PublishedKeys:
    """The keys published at `now` or later, verified from the pinned `root`, without a cache of earlier downloads.

    Raises InputError if `root` or `repository` cannot be one, KeySourceError if the repository fails verification.
    """
    pinned, downloads = read_file(root), _downloads(repository)
    with tempfile.TemporaryDirectory(prefix="activation-verify-") as folder:
        return TufKeys(pinned, Path(folder), downloads).keys(TimestampBounds(now))


def _downloads(repository: str) -> Downloads:
    if "://" not in repository:
        if not (Path(repository) / "metadata").is_dir():
            raise InputError(
                f"{repository} is not a key repository: it has no folder metadata; give its folder or URL"
            )
        return FolderDownloads(Path(repository))
    try:
        return RequestsTransport(repository, authorities=trusted_authorities())
    except ValueError as error:
        raise InputError(f"--repository: {error}") from error
