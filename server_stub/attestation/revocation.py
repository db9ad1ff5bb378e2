"""The revocation status list of attestation certificates, in the JSON that Android publishes.

`{"entries": {"<serial number>": {"status": "REVOKED", "reason": "KEY_COMPROMISE"}}}`: an entry has `status`, and may
have `reason`, `expires` (YYYY-MM-DD) and `comment`. The schema writes serial numbers in hexadecimal, yet the list as
it is served holds decimal ones too; a key that can be read both ways stands for both numbers. A list that departs
from the schema anywhere is not used in part: it is an error that says where.
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
    """Both refuse: a suspended certificate may count again one day, and does not today."""

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
    """A status list cannot be used. `where` is a path into it, `problem` says what is wrong there.

    >>> print(StatusListError("entries.2c8c.status", "is neither REVOKED nor SUSPENDED"))
    status list, entries.2c8c.status: is neither REVOKED nor SUSPENDED
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"status list, {where}: {problem}")
        self.where = where
        self.problem = problem


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """What the list says of one certificate. `expires` is the day on which the certificate itself ends."""

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
    def parse(cls, octets: bytes) -> Self:
        """Read the JSON document. Raises StatusListError.

        >>> StatusList.parse(b'{"entries": {"2c8c": {"status": "SUSPENDED"}}}').entries[0x2c8c].status
        <CertificateStatus.SUSPENDED: 'SUSPENDED'>
        """
        try:
            document = read_object(octets)
        except JsonError as error:
            raise StatusListError("document", f"is {error}") from error
        if document.keys() != {"entries"} or not isinstance(document["entries"], dict):
            raise StatusListError("document", "must have one member, the object `entries`")
        found: dict[int, StatusEntry] = {}
        for key, value in document["entries"].items():
            serials, entry = _serials(key), _entry(key, value)
            for serial in serials:
                found[serial] = _worse(found.get(serial), entry)
        return cls(found)


def _serials(key: str) -> set[int]:
    if not _SERIAL.fullmatch(key):
        raise StatusListError("entries", "a key is not a serial number of hexadecimal digits")
    return {int(key, 16)} | ({int(key)} if key.isdigit() else set())


def _entry(key: str, value: Any) -> StatusEntry:
    where = f"entries.{key}"
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        raise StatusListError(where, f"must be an object of {', '.join(sorted(_MEMBERS))}")
    return StatusEntry(
        _named(CertificateStatus, value.get("status"), f"{where}.status"),
        _named(RevocationReason, value.get("reason", "UNSPECIFIED"), f"{where}.reason"),
        _date(value.get("expires"), f"{where}.expires"),
    )


def _named(kind: type[_Named], value: object, where: str) -> _Named:
    if not isinstance(value, str) or value not in {member.value for member in kind}:
        raise StatusListError(where, f"is none of {', '.join(kind)}")
    return kind(value)


def _date(value: object, where: str) -> str | None:
    if value is not None and not (isinstance(value, str) and _DATE.fullmatch(value)):
        raise StatusListError(where, "is not a date, YYYY-MM-DD")
    return value


def _worse(one: StatusEntry | None, other: StatusEntry) -> StatusEntry:
    """Two keys for one number: revoked outweighs suspended."""
    return one if one and one.status is CertificateStatus.REVOKED else other
