"""Every way in which the key repository can fail the phone, as one error with a stable code."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)

from agent.core.screens import Trouble
from agent.ports import KeySourceError
from agent.verification.keyset import KeySetError


class TufFault(StrEnum):
    """Stable codes."""

    UNREACHABLE = "tuf-unreachable"
    """No answer came, or somebody else answered, such as a captive portal."""
    BUSY = "tuf-busy"
    """The server asked to come back later."""
    MISSING = "tuf-missing"
    """The server does not have a file that the repository must have."""
    TOO_LARGE = "tuf-too-large"
    """More octets came than the file may have."""
    EXPIRED = "tuf-expired"
    """The newest metadata that could be had is past its time."""
    ROLLBACK = "tuf-rollback"
    """A version came that is older than one that this phone has seen, or than the one that was announced."""
    UNSIGNED = "tuf-unsigned"
    """Too few good signatures by the keys of the role."""
    MISMATCH = "tuf-mismatch"
    """A file is not the one that signed metadata describes."""
    MALFORMED = "tuf-malformed"
    """A file is not what the TUF specification says."""
    TARGET_MISSING = "tuf-target-missing"
    """The repository lists no verdict keys."""
    KEYS_MALFORMED = "tuf-keys-malformed"
    """The target is no JWK Set."""
    NO_USABLE_KEY = "tuf-no-usable-key"
    """The target lists no key that is fit for verifying verdicts."""
    STORAGE = "tuf-storage"
    """The metadata could not be kept."""


TROUBLE: Final = {
    TufFault.UNREACHABLE: Trouble.UNREACHABLE,
    TufFault.BUSY: Trouble.BUSY,
    TufFault.STORAGE: Trouble.NO_STORAGE,
}
"""By who can mend it; everything else is `Trouble.NO_KEYS`."""


class NoResponseError(DownloadError):
    """A download without an answer that may be read."""


class BusyError(DownloadHTTPError):
    """A 429 or a 503. `retry_after` is in seconds."""

    def __init__(self, status: int, retry_after: int | None) -> None:
        super().__init__(f"status {status}", status)
        self.retry_after = retry_after


_FAULTS: Final[tuple[tuple[type[Exception], TufFault], ...]] = (
    (NoResponseError, TufFault.UNREACHABLE),
    (BusyError, TufFault.BUSY),
    (DownloadHTTPError, TufFault.MISSING),
    (DownloadLengthMismatchError, TufFault.TOO_LARGE),
    (DownloadError, TufFault.UNREACHABLE),
    (ExpiredMetadataError, TufFault.EXPIRED),
    (BadVersionNumberError, TufFault.ROLLBACK),
    (UnsignedMetadataError, TufFault.UNSIGNED),
    (LengthOrHashMismatchError, TufFault.MISMATCH),
    (RepositoryError, TufFault.MALFORMED),
    (KeySetError, TufFault.KEYS_MALFORMED),
    (OSError, TufFault.STORAGE),
)
"""The first row that fits counts, so the narrower errors stand before the wider ones."""


def failed(fault: TufFault, detail: str, retry_after: int | None = None) -> KeySourceError:
    """The error of the port for `fault`."""
    return KeySourceError(fault.value, detail, TROUBLE.get(fault, Trouble.NO_KEYS), retry_after)


@contextmanager
def faults_named() -> Iterator[None]:
    """Let nothing but KeySourceError out. What python-tuf says may quote the repository, so its words stay inside."""
    try:
        yield
    except tuple(kind for kind, _ in _FAULTS) as error:
        fault = next(fault for kind, fault in _FAULTS if isinstance(error, kind))
        raise failed(fault, type(error).__name__, getattr(error, "retry_after", None)) from error
