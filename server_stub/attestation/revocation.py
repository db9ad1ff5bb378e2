"""The revocation status list of attestation certificates, in the JSON that Android publishes.

`{"entries": {"<serial number>": {"status": "REVOKED", "reason": "KEY_COMPROMISE"}}}`: an entry has `status`, and may
have `reason`, `expires` (YYYY-MM-DD) and `comment`. The schema has serial numbers in hexadecimal, but the published
list has decimal ones too; a key that can be read both ways is used for both numbers. A list with any deviation from
the schema is rejected as a whole, and the error says where it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from server_stub.evidence.strict_json import JsonError, read_object

_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,50}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MEMBERS: Final = frozenset({"status", "reason", "expires", "comment"})

_Named = TypeVar("_Named", bound=StrEnum)


class CertificateStatus(StrEnum):
    """Both reject the chain; a suspended certificate may become valid again later."""

    REVOKED = "REVOKED"
    SUSPENDED = "SUSPENDED"


class RevocationReason(StrEnum):
    """Why a certificate is on the list."""

    UNSPECIFIED = "UNSPECIFIED"
    KEY_COMPROMISE = "KEY_COMPROMISE"
    CA_COMPROMISE = "CA_COMPROMISE"
    SUPERSEDED = "SUPERSEDED"
    SOFTWARE_FLAW = "SOFTWARE_FLAW"


class StatusListError(ValueError):
    """A status list is not valid. `where` is a path in the document, `problem` says what is wrong there.

    >>> print(StatusListError("entries.2c8c.status", "is neither REVOKED nor SUSPENDED"))
    status list, entries.2c8c.status: is neither REVOKED nor SUSPENDED
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"status list, {where}: {problem}")
        self.where = where
        self.problem = problem


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """The status of one certificate. `expires` is the last day on which the certificate is valid."""

    status: CertificateStatus
    reason: RevocationReason = RevocationReason.UNSPECIFIED
    expires: str | None = None

    def __str__(self) -> str:
        return f"{self.status.lower()}: {self.reason}"


@dataclass(frozen=True, slots=True)
class StatusList:
    """Entries by serial number."""

    entries: Mapping[int, StatusEntry]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the JSON document. Raises StatusListError.

        >>> StatusList.parse(b'{"entries": {"2c8c": {"status": "SUSPENDED"}}}').entries[0x2c8c].status
        <CertificateStatus.SUSPENDED: 'SUSPENDED'>
        """
        try:
            document = read_object(data)
        except JsonError as error:
            raise StatusListError("document", f"is {error}") from error
        if document.keys() != {"entries"} or not isinstance(document["entries"], dict):
            raise StatusListError("document", "must have one member, the object `entries`")
        found: dict[int, StatusEntry] = {}
        for key, value in document["entries"].items():
            if not _SERIAL.fullmatch(key):
                raise StatusListError("entries", "a key is not a serial number of hexadecimal digits")
            entry = _entry(key, value)
            for serial in {int(key, 16)} | ({int(key)} if key.isdigit() else set()):
                earlier = found.get(serial)
                if earlier is None or earlier.status is not CertificateStatus.REVOKED:
                    found[serial] = entry
        return cls(found)


def _entry(key: str, value: Any) -> StatusEntry:
    where = f"entries.{key}"
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        raise StatusListError(where, f"must be an object with only the members {', '.join(sorted(_MEMBERS))}")
    status = _member(CertificateStatus, value.get("status"), f"{where}.status")
    reason = _member(RevocationReason, value.get("reason", "UNSPECIFIED"), f"{where}.reason")
    expires = value.get("expires")
    if expires is not None and not (isinstance(expires, str) and _DATE.fullmatch(expires)):
        raise StatusListError(f"{where}.expires", "is not a date, YYYY-MM-DD")
    return StatusEntry(status, reason, expires)


def _member(kind: type[_Named], value: object, where: str) -> _Named:
    if not isinstance(value, str) or value not in {member.value for member in kind}:
        raise StatusListError(where, f"is not one of {', '.join(kind)}")
    return kind(value)
