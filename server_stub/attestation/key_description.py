"""A decoder for the Android Key Attestation extension, OID 1.3.6.1.4.1.11129.2.1.17.

Source: the `KeyDescription` schema of the Android Open Source Project, "Key and ID attestation", in the versions that
it has published from 3 (Keymaster 4.0) to 400 (KeyMint 4). Exactly one encoding of each description is accepted.
"""

from collections.abc import Callable
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
from server_stub.attestation.der import DerError, DerProblem

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
]

OID: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")

PURPOSE_SIGN: Final = 2
"""`KeyPurpose::SIGN`."""

PURPOSE_VERIFY: Final = 3
"""`KeyPurpose::VERIFY`; the certificate allows this to any holder."""

ORIGIN_GENERATED: Final = 0
"""`KeyOrigin::GENERATED`: the key was generated inside the keystore."""

ATTESTATION_VERSIONS: Final = (3, 4, 100, 200, 300, 400)
"""Keymaster 4.0 and 4.1, KeyMint 1 to 4: every version that was published."""

KEYMINT_VERSIONS: Final = (0, 1, 2, 3, 4, 41, 100, 200, 300, 400)
"""Keymaster 0.3 to 4.1, KeyMint 1 to 4. A newer system can attest keys of an older keystore in software."""


class SecurityLevel(IntEnum):
    """Where the key is stored."""

    SOFTWARE = 0
    TRUSTED_ENVIRONMENT = 1
    STRONG_BOX = 2


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """The content of the extension. The operating system cannot influence `hardware`."""

    attestation_version: int
    attestation_level: SecurityLevel
    keymint_version: int
    keymint_level: SecurityLevel
    challenge: bytes
    unique_id: bytes
    software: AuthorizationList
    hardware: AuthorizationList


def decode(extension: bytes) -> KeyDescription:
    """Read the value of the extension. Raises KeyDescriptionError."""
    name = "KeyDescription"
    found: dict[str, Any] = {}
    try:
        parts = der.elements(der.only(extension, der.SEQUENCE), len(_MEMBERS), len(_MEMBERS))
        for part, (name, tag, read) in zip(parts, _MEMBERS, strict=True):
            found[name] = read(der.content(part, tag))
    except DerError as error:
        raise KeyDescriptionError(name, error.problem, error.detail) from error
    except KeyDescriptionError as error:
        raise error.inside(name) from error
    return KeyDescription(**found)


def _version(published: tuple[int, ...]) -> Callable[[bytes], int]:
    """A reader of a version that must be one of `published`."""

    def read(value: bytes) -> int:
        version = der.integer(value)
        if version not in published:
            versions = ", ".join(map(str, published))
            raise DerError(
                DerProblem.VERSION_UNKNOWN, f"version {version}; published versions are {versions}"
            )
        return version

    return read


def _level(value: bytes) -> SecurityLevel:
    level = der.integer(value)
    if level >= len(SecurityLevel):
        raise DerError(DerProblem.VALUE_UNKNOWN, f"security level {level}")
    return SecurityLevel(level)


_MEMBERS: Final[tuple[tuple[str, int, Callable[[bytes], Any]], ...]] = (
    ("attestation_version", der.INTEGER, _version(ATTESTATION_VERSIONS)),
    ("attestation_level", der.ENUMERATED, _level),
    ("keymint_version", der.INTEGER, _version(KEYMINT_VERSIONS)),
    ("keymint_level", der.ENUMERATED, _level),
    ("challenge", der.OCTET_STRING, bytes),
    ("unique_id", der.OCTET_STRING, bytes),
    ("software", der.SEQUENCE, authorization_list.decode),
    ("hardware", der.SEQUENCE, authorization_list.decode),
)
