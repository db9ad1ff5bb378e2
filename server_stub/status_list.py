"""The revocation status list in a file, which an operator's job fetches and replaces."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from server_stub.domain.revocation import StatusEntry, StatusList, StatusListError
from server_stub.domain.trouble import EvidenceError
from wire.codes import ProblemCode

DAY: Final = 86_400


class WhenUnusable(StrEnum):
    """What happens while the list is missing, unreadable or too old."""

    REFUSE = "refuse"
    """No attestation is appraised: fail closed."""

    ACCEPT = "accept"
    """What was last read counts, however old; nothing is revoked where nothing was ever read: fail open."""


class StatusListFile:
    """Serves as `ChainVerifier.statuses`. The file is read again whenever it changes.

    Its time of change is the list's age, as the format has no time of its own: whoever fetches it sets it. A list that
    is older than `max_age` seconds is too old.
    """

    def __init__(
        self, path: Path, *, max_age: int = DAY, when_unusable: WhenUnusable = WhenUnusable.REFUSE
    ) -> None:
        self._path = path
        self._max_age = max_age
        self._when_unusable = when_unusable
        self._read: tuple[tuple[int, int, int], StatusList] | None = None

    def __call__(self, at: int) -> Mapping[int, StatusEntry]:
        """The entries at `at` seconds since the epoch. Raises EvidenceError, `unavailable`, while it fails closed."""
        problem = self._problem(at)
        if problem and self._when_unusable is WhenUnusable.REFUSE:
            raise EvidenceError(
                ProblemCode.UNAVAILABLE, f"the status list of attestation certificates {problem}; ask again"
            )
        return self._read[1].entries if self._read else {}

    def _problem(self, at: int) -> str | None:
        try:
            changed = self._refresh()
        except OSError:
            return "cannot be read"
        except StatusListError:
            return "is malformed"
        return "is too old" if at - changed > self._max_age else None

    def _refresh(self) -> float:
        """Read the file if it is another one than before. The time of its change, in seconds since the epoch."""
        state = self._path.stat()
        mark = (state.st_mtime_ns, state.st_size, state.st_ino)
        if self._read is None or self._read[0] != mark:
            self._read = (mark, StatusList.parse(self._path.read_bytes()))
        return state.st_mtime
