"""Errors of the key repository, with stable codes."""

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
    """Stable codes of KeySourceError."""

    UNREACHABLE = "tuf-unreachable"
    """No response, or one from another sender, such as a captive portal."""
    BUSY = "tuf-busy"
    """The server requested a later retry."""
    MISSING = "tuf-missing"
    """A required file of the repository does not exist on the server."""
    TOO_LARGE = "tuf-too-large"
    """A file is longer than permitted."""
    EXPIRED = "tuf-expired"
    """The newest available metadata has expired, compared with the floor of trusted time."""
    ROLLBACK = "tuf-rollback"
    """A version or the clock number is older than one that was received before, or than the announced one."""
    UNSIGNED = "tuf-unsigned"
    """Too few valid signatures by the keys of the role."""
    MISMATCH = "tuf-mismatch"
    """The length or hash of a file differs from the signed metadata."""
    MALFORMED = "tuf-malformed"
    """A file does not conform to the TUF specification."""
    TARGET_MISSING = "tuf-target-missing"
    """The repository lists no verdict keys."""
    KEYS_MALFORMED = "tuf-keys-malformed"
    """The target is not a JWK Set."""
    NO_USABLE_KEY = "tuf-no-usable-key"
    """The target lists no key that can verify verdicts."""
    STORAGE = "tuf-storage"
    """The metadata could not be stored."""


TROUBLE: Final = {
    TufFault.UNREACHABLE: Trouble.UNREACHABLE,
    TufFault.BUSY: Trouble.BUSY,
    TufFault.STORAGE: Trouble.NO_STORAGE,
}
"""The class of each failure; all others are `Trouble.NO_KEYS`."""


class NoResponseError(DownloadError):
    """A download without a usable response. `retry_after` is in seconds."""

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BusyError(DownloadHTTPError):
    """A response with status 429 or 503. `retry_after` is in seconds."""

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
"""The first matching row applies, so subclasses come before their base classes."""


def key_source_error(fault: TufFault, detail: str, retry_after: int | None = None) -> KeySourceError:
    """The error of the port for `fault`."""
    return KeySourceError(fault.value, detail, TROUBLE.get(fault, Trouble.NO_KEYS), retry_after)


@contextmanager
def tuf_errors() -> Iterator[None]:
    """Translate exceptions into KeySourceError. Messages of python-tuf can quote the repository and are not copied."""
    try:
        yield
    except tuple(kind for kind, _ in _FAULTS) as error:
        fault = next(fault for kind, fault in _FAULTS if isinstance(error, kind))
        raise key_source_error(fault, type(error).__name__, getattr(error, "retry_after", None)) from error
