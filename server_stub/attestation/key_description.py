"""A decoder for the Android Key Attestation extension, OID 1.3.6.1.4.1.11129.2.1.17.

Source: the `KeyDescription` schema of the Android Open Source Project, "Key and ID attestation", in the versions that
it has published from 3 (Keymaster 4.0) to 400 (KeyMint 4). Exactly one encoding of each description is accepted.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.x509 import ObjectIdentifier

from server_stub.attestation import authorization_list, der
from server_stub.attestation.authorization_list import AuthorizationList, KeyDescriptionError
from server_stub.attestation.authorization_values import BOOT_STATES, ApplicationId, Package, RootOfTrust
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
"""`KeyPurpose::VERIFY`, which anybody can do who has the certificate."""

ORIGIN_GENERATED: Final = 0
"""`KeyOrigin::GENERATED`: the key was made inside the keystore."""

ATTESTATION_VERSIONS: Final = (3, 4, 100, 200, 300, 400)
"""Keymaster 4.0 and 4.1, KeyMint 1 to 4. Nothing was published between them, and a later schema is not known yet."""

KEYMINT_VERSIONS: Final = (0, 1, 2, 3, 4, 41, 100, 200, 300, 400)
"""Keymaster 0.3 to 4.1, KeyMint 1 to 4: an old one may stand below a newer system that attests in software."""


class SecurityLevel(IntEnum):
    """Where the key lives."""

    SOFTWARE = 0
    TRUSTED_ENVIRONMENT = 1
    STRONG_BOX = 2


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """All that the extension says. Only `hardware` is beyond the reach of the operating system."""

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
    parts = _parts(extension)
    return KeyDescription(
        attestation_version=_version("attestation_version", parts[0], ATTESTATION_VERSIONS),
        attestation_level=_level("attestation_level", parts[1]),
        keymint_version=_version("keymint_version", parts[2], KEYMINT_VERSIONS),
        keymint_level=_level("keymint_level", parts[3]),
        challenge=_content("challenge", parts[4], der.OCTET_STRING),
        unique_id=_content("unique_id", parts[5], der.OCTET_STRING),
        software=_authorizations("software", parts[6]),
        hardware=_authorizations("hardware", parts[7]),
    )


_MEMBERS: Final = 8
_LEVELS: Final = tuple(SecurityLevel)


def _parts(extension: bytes) -> list[der.DerElement]:
    try:
        parts = der.elements(der.only(extension, der.SEQUENCE))
    except DerError as error:
        raise _named("KeyDescription", error) from error
    if len(parts) != _MEMBERS:
        problem = DerProblem.MISSING if len(parts) < _MEMBERS else DerProblem.TRAILING
        raise KeyDescriptionError("KeyDescription", problem, f"{len(parts)} elements where {_MEMBERS} belong")
    return parts


def _content(field: str, element: der.DerElement, tag: int) -> bytes:
    try:
        return der.content(element, tag)
    except DerError as error:
        raise _named(field, error) from error


def _integer(field: str, element: der.DerElement, tag: int) -> int:
    try:
        return der.integer(der.content(element, tag))
    except DerError as error:
        raise _named(field, error) from error


def _version(field: str, element: der.DerElement, known: tuple[int, ...]) -> int:
    version = _integer(field, element, der.INTEGER)
    if version not in known:
        published = ", ".join(map(str, known))
        raise KeyDescriptionError(
            field, DerProblem.VERSION_UNKNOWN, f"version {version}; published are {published}"
        )
    return version


def _level(field: str, element: der.DerElement) -> SecurityLevel:
    level = _integer(field, element, der.ENUMERATED)
    if level >= len(_LEVELS):
        raise KeyDescriptionError(field, DerProblem.VALUE_UNKNOWN, f"security level {level}")
    return _LEVELS[level]


def _authorizations(field: str, element: der.DerElement) -> AuthorizationList:
    try:
        return authorization_list.decode(_content(field, element, der.SEQUENCE))
    except KeyDescriptionError as error:
        raise (error if error.field == field else error.inside(field)) from error


def _named(field: str, error: DerError) -> KeyDescriptionError:
    return KeyDescriptionError(field, error.problem, error.detail)
