"""The values of an authorization list: how each kind of them is read from DER, and written."""

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


class Kind(NamedTuple):
    """How one type of value is read from the element inside its context tag, and written."""

    tag: int
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def _parts(octets: bytes, least: int, most: int) -> list[der.Element]:
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


def _encode_root_of_trust(root: RootOfTrust) -> bytes:
    parts = (
        _encode_octets(root.verified_boot_key),
        der.encode(der.BOOLEAN, b"\xff" if root.device_locked else b"\x00"),
        der.encode_integer(BOOT_STATES.index(root.verified_boot_state), der.ENUMERATED),
        b"" if root.verified_boot_hash is None else _encode_octets(root.verified_boot_hash),
    )
    return der.encode(der.SEQUENCE, b"".join(parts))


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


def _encode_application_id(application: ApplicationId) -> bytes:
    packages = [
        der.encode(der.SEQUENCE, _encode_text(each.name) + der.encode_integer(each.version))
        for each in application.packages
    ]
    signatures = list(map(_encode_octets, application.signatures))
    whole = der.encode(der.SEQUENCE, der.encode_set(packages) + der.encode_set(signatures))
    return _encode_octets(whole)


def _encode_integers(values: frozenset[int]) -> bytes:
    return der.encode_set(list(map(der.encode_integer, values)))


def _encode_octets(octets: bytes) -> bytes:
    return der.encode(der.OCTET_STRING, octets)


def _encode_text(words: str) -> bytes:
    return _encode_octets(words.encode())


INTEGER: Final = Kind(der.INTEGER, der.integer, der.encode_integer)
INTEGERS: Final = Kind(der.SET, _integers, _encode_integers)
OCTETS: Final = Kind(der.OCTET_STRING, bytes, _encode_octets)
TEXT: Final = Kind(der.OCTET_STRING, der.text, _encode_text)
PRESENT: Final = Kind(der.NULL, der.null, lambda _: der.encode(der.NULL, b""))
ROOT: Final = Kind(der.SEQUENCE, _root_of_trust, _encode_root_of_trust)
APPLICATION: Final = Kind(der.OCTET_STRING, _application_id, _encode_application_id)
