"""The values of an authorization list: how each kind of them is read from DER."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from server_stub.attestation import der
from server_stub.attestation.der import DerError, DerProblem
from wire.codes import VerifiedBootState

BOOT_STATES: Final = (
    VerifiedBootState.GREEN,
    VerifiedBootState.YELLOW,
    VerifiedBootState.ORANGE,
    VerifiedBootState.RED,
)
"""By number: Verified, SelfSigned, Unverified, Failed."""


@dataclass(frozen=True, slots=True)
class RootOfTrust:
    """What the bootloader told the keystore. `verified_boot_hash` is None where the phone left it out."""

    verified_boot_key: bytes
    device_locked: bool
    verified_boot_state: VerifiedBootState
    verified_boot_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Package:
    """One package of the application that asked for the key."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class ApplicationId:
    """Who asked for the key: packages that share a user id, and SHA-256 digests of their signing certificates."""

    packages: tuple[Package, ...]
    signatures: tuple[bytes, ...]


class ValueType(NamedTuple):
    """How one type of value is read from the element inside its context tag."""

    tag: int
    decode: Callable[[bytes], Any]


def _parts(octets: bytes, least: int, most: int) -> list[der.DerElement]:
    """The elements of a SEQUENCE that has `least` to `most` of them."""
    parts = der.elements(octets)
    if len(parts) < least:
        raise DerError(DerProblem.MISSING, f"{len(parts)} elements where {least} belong")
    if len(parts) > most:
        raise DerError(DerProblem.TRAILING, f"{len(parts)} elements where {most} belong")
    return parts


def _integers(octets: bytes) -> frozenset[int]:
    values = der.set_of(octets, der.INTEGER, der.integer)
    if not values:
        raise DerError(DerProblem.MISSING, "a set without members; an absent one has no tag")
    return frozenset(values)


def _root_of_trust(octets: bytes) -> RootOfTrust:
    parts = _parts(octets, 3, 4)
    state = der.integer(der.content(parts[2], der.ENUMERATED))
    if state >= len(BOOT_STATES):
        raise DerError(DerProblem.VALUE_UNKNOWN, f"verified boot state {state}")
    return RootOfTrust(
        verified_boot_key=der.content(parts[0], der.OCTET_STRING),
        device_locked=der.boolean(der.content(parts[1], der.BOOLEAN)),
        verified_boot_state=BOOT_STATES[state],
        verified_boot_hash=der.content(parts[3], der.OCTET_STRING) if len(parts) == 4 else None,
    )


def _application_id(octets: bytes) -> ApplicationId:
    """`AttestationApplicationId`, DER inside the OCTET STRING."""
    packages, signatures = _parts(der.only(octets, der.SEQUENCE), 2, 2)
    return ApplicationId(
        packages=der.set_of(der.content(packages, der.SET), der.SEQUENCE, _package),
        signatures=der.set_of(der.content(signatures, der.SET), der.OCTET_STRING, bytes),
    )


def _package(octets: bytes) -> Package:
    name, version = _parts(octets, 2, 2)
    return Package(
        name=der.text(der.content(name, der.OCTET_STRING)),
        version=der.integer(der.content(version, der.INTEGER)),
    )


INTEGER: Final = ValueType(der.INTEGER, der.integer)
INTEGERS: Final = ValueType(der.SET, _integers)
OCTETS: Final = ValueType(der.OCTET_STRING, bytes)
TEXT: Final = ValueType(der.OCTET_STRING, der.text)
PRESENT: Final = ValueType(der.NULL, der.null)
ROOT: Final = ValueType(der.SEQUENCE, _root_of_trust)
APPLICATION: Final = ValueType(der.OCTET_STRING, _application_id)
