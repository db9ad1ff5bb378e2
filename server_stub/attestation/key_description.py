"""A decoder for the Android Key Attestation extension, OID 1.3.6.1.4.1.11129.2.1.17.

Source: the `KeyDescription` schema of the Android Open Source Project, "Key and ID attestation", in the versions that
it has published from 1 (Keymaster 2) to 500 (KeyMint 5). Another version is read as far as it follows this schema.
What deviates from schema or DER with a clear meaning is read and named in `KeyDescription.deviations`.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from cryptography.x509 import ObjectIdentifier

from server_stub.attestation import authorization_list, der
from server_stub.attestation.authorization_list import (
    BOOT_STATES,
    ApplicationId,
    AuthorizationList,
    KeyDescriptionError,
    Package,
    RootOfTrust,
)
from server_stub.attestation.der import DerError, Deviations
from server_stub.attestation.deviations import Deviation

__all__ = [
    "ATTESTATION_VERSIONS",
    "BOOT_STATES",
    "KEYMINT_VERSIONS",
    "OID",
    "ORIGIN_GENERATED",
    "PURPOSE_SIGN",
    "PURPOSE_VERIFY",
    "ApplicationId",
    "AuthorizationList",
    "KeyDescription",
    "KeyDescriptionError",
    "Package",
    "RootOfTrust",
    "SecurityLevel",
    "decode",
    "legible",
]

OID: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")

PURPOSE_SIGN: Final = 2
"""`KeyPurpose::SIGN`."""

PURPOSE_VERIFY: Final = 3
"""`KeyPurpose::VERIFY`; the certificate allows this to any holder."""

ORIGIN_GENERATED: Final = 0
"""`KeyOrigin::GENERATED`: the key was generated inside the keystore."""

ATTESTATION_VERSIONS: Final = (1, 2, 3, 4, 100, 200, 300, 400, 500)
"""Keymaster 2.0, 3.0, 4.0 and 4.1, KeyMint 1 to 5: every version that was published."""

KEYMINT_VERSIONS: Final = (0, 1, 2, 3, 4, 41, 100, 200, 300, 400, 500)
"""Keymaster 0.3 to 4.1, KeyMint 1 to 5. A newer system can attest keys of an older keystore in software."""

_BOOT_HASH_SINCE: Final = 3
"""The first version whose root of trust has a verified boot hash."""


class SecurityLevel(IntEnum):
    """Where the key is stored."""

    SOFTWARE = 0
    TRUSTED_ENVIRONMENT = 1
    STRONG_BOX = 2


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """The content of the extension. The operating system cannot influence `hardware`.

    `deviations` contains those of the two lists.
    """

    attestation_version: int
    attestation_level: SecurityLevel
    keymint_version: int
    keymint_level: SecurityLevel
    challenge: bytes
    unique_id: bytes
    software: AuthorizationList
    hardware: AuthorizationList
    deviations: frozenset[Deviation] = frozenset()


def decode(extension: bytes) -> KeyDescription:
    """Read the value of the extension. Raises KeyDescriptionError."""
    name = "KeyDescription"
    found: dict[str, Any] = {}
    deviations: Deviations = set()
    try:
        sequence = der.elements(extension, 1, 1, deviations)[0]
        members = der.content(sequence, der.SEQUENCE, deviations)
        parts = der.elements(members, len(_MEMBERS), len(_MEMBERS), deviations)
        for part, (name, tag, read) in zip(parts, _MEMBERS, strict=True):
            found[name] = read(der.content(part, tag, deviations), deviations)
    except DerError as error:
        raise KeyDescriptionError(name, error.problem, error.detail) from error
    except KeyDescriptionError as error:
        raise error.inside(name) from error
    root = found["hardware"].root_of_trust
    if root and root.verified_boot_hash is None and found["attestation_version"] >= _BOOT_HASH_SINCE:
        deviations.add(Deviation.BOOT_HASH_ABSENT)
    return KeyDescription(**found, deviations=frozenset(deviations))


def legible(extension: bytes) -> dict[str, Any]:
    """The members of a description that can be read, by the names of `KeyDescription`. For a report: it proves nothing.

    >>> legible(bytes.fromhex("3006020103010100"))
    {'attestation_version': 3}
    """
    found: dict[str, Any] = {}
    deviations: Deviations = set()
    with suppress(DerError):
        sequence = der.elements(extension, 1, 1, deviations)[0]
        position, members = 0, sequence.content
        for name, tag, read in _MEMBERS:
            if position >= len(members):
                break
            kind, number, start, position = der.element_at(members, position, deviations)
            value = members[start:position]
            with suppress(DerError):
                content = der.content(der.DerElement(kind, number, value), tag, deviations)
                is_list = read is _list
                found[name] = authorization_list.legible(content) if is_list else read(content, deviations)
    return found


def _version(published: tuple[int, ...]) -> Callable[[bytes, Deviations], int]:
    """A reader of a version that should be one of `published`."""

    def read(value: bytes, deviations: Deviations) -> int:
        version = der.integer(value, deviations)
        if version > published[-1]:
            deviations.add(Deviation.VERSION_LATER)
        elif version not in published:
            deviations.add(Deviation.VERSION_UNPUBLISHED)
        return version

    return read


def _level(value: bytes, deviations: Deviations) -> SecurityLevel:
    """An unknown level proves nothing about hardware, so it counts as software."""
    level = der.integer(value, deviations)
    if level >= len(SecurityLevel):
        deviations.add(Deviation.SECURITY_LEVEL_UNKNOWN)
        return SecurityLevel.SOFTWARE
    return SecurityLevel(level)


def _octets(value: bytes, _: Deviations) -> bytes:
    return value


def _list(value: bytes, deviations: Deviations) -> AuthorizationList:
    authorizations = authorization_list.decode(value)
    deviations |= authorizations.deviations
    return authorizations


_MEMBERS: Final[tuple[tuple[str, int, Callable[[bytes, Deviations], Any]], ...]] = (
    ("attestation_version", der.INTEGER, _version(ATTESTATION_VERSIONS)),
    ("attestation_level", der.ENUMERATED, _level),
    ("keymint_version", der.INTEGER, _version(KEYMINT_VERSIONS)),
    ("keymint_level", der.ENUMERATED, _level),
    ("challenge", der.OCTET_STRING, _octets),
    ("unique_id", der.OCTET_STRING, _octets),
    ("software", der.SEQUENCE, _list),
    ("hardware", der.SEQUENCE, _list),
)
