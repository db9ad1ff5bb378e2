"""The revocation status list in a file that an operator's job downloads and replaces."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from server_stub.attestation.revocation import StatusEntry, StatusList, StatusListError
from server_stub.evidence.errors import EvidenceError
from wire.codes import ProblemCode

DAY: Final = 86_400
FILE_MAX: Final = 16 * 1024 * 1024
"""Longest list in bytes, about 150,000 entries; a longer one is malformed."""


class WhenUnusable(StrEnum):
    """What the server does while the list is missing, unreadable or too old."""

    REFUSE = "refuse"
    """No attestation is appraised: fail closed."""

    ACCEPT = "accept"
    """The list that was read last is used, however old; without one, nothing is revoked: fail open."""


class StatusListFile:
    """Usable as `ChainVerifier.statuses`. The file is read again whenever it changes.

    The format has no timestamp. The age of the list is the time since the file last changed on this machine (`ctime`):
    a tool that downloads or copies a file gives it the modification time of the original. `fetched_at`, in seconds
    since the epoch, replaces that time for the file that is there at first, for a file whose change says nothing, such
    as one in a disk image. A list that is older than `max_age` seconds is too old; one from the future has age 0.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_age: int = DAY,
        when_unusable: WhenUnusable = WhenUnusable.REFUSE,
        fetched_at: int | None = None,
    ) -> None:
        self._path = path
        self._max_age = max_age
        self._when_unusable = when_unusable
        self.fetched_at = fetched_at
        self._first: tuple[int, int, int] | None = None
        self._seen: tuple[int, int, int] | None = None
        self._malformed = False
        self._entries: Mapping[int, StatusEntry] = {}

    def __call__(self, at: int) -> Mapping[int, StatusEntry]:
        """The entries at `at` seconds since the epoch. Raises EvidenceError, `unavailable`, while it fails closed."""
        problem = self._problem(at)
        if problem and self._when_unusable is WhenUnusable.REFUSE:
            raise EvidenceError(
                ProblemCode.UNAVAILABLE, f"the status list of attestation certificates {problem}; retry later"
            )
        return self._entries

    def _problem(self, at: int) -> str | None:
        try:
            state = self._path.stat()
            mark = (state.st_ctime_ns, state.st_size, state.st_ino)
            self._refresh(mark)
        except OSError:
            return "cannot be read"
        if self._malformed:
            return "is malformed"
        if self._first is None:
            self._first = mark
        fetched = self.fetched_at if self._first == mark and self.fetched_at is not None else state.st_ctime
        return "is too old" if at - fetched > self._max_age else None

    def _refresh(self, mark: tuple[int, int, int]) -> None:
        """Read the file if it has changed. A malformed file is read once and does not change the entries."""
        if self._seen == mark:
            return
        with self._path.open("rb") as file:
            content = file.read(FILE_MAX + 1)
        try:
            self._malformed = len(content) > FILE_MAX
            if not self._malformed:
                self._entries = StatusList.parse(content).entries
        except StatusListError:
            self._malformed = True
        self._seen = mark
