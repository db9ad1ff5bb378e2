"""The Android Key Attestation extension, OID 1.3.6.1.4.1.11129.2.1.17, decoded and encoded.

Source: the `KeyDescription` schema of the Android Open Source Project, "Key and ID attestation". An
authorization list is a SEQUENCE of EXPLICIT context tags; one that `_FIELDS` lacks is allowed and only named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from server_stub.domain import der
from wire.codes import VerifiedBootState

OID: Final = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")

PURPOSE_SIGN: Final = 2
"""`KM_PURPOSE_SIGN`."""

ORIGIN_GENERATED: Final = 0
"""`KM_ORIGIN_GENERATED`: the key was made inside the keystore."""


class KeyDescriptionError(ValueError):
    """The extension is malformed. `field` names where, `problem` what."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"key description, {field}: {problem}")
        self.field = field
        self.problem = problem


class SecurityLevel(IntEnum):
    """Where the key lives."""

    SOFTWARE = 0
    TRUSTED_ENVIRONMENT = 1
    STRONG_BOX = 2


BOOT_STATES: Final = (
    VerifiedBootState.GREEN,
    VerifiedBootState.YELLOW,
    VerifiedBootState.ORANGE,
    VerifiedBootState.RED,
)
"""By number: Verified, SelfSigned, Unverified, Failed."""


@dataclass(frozen=True, slots=True)
class RootOfTrust:
    """What the bootloader told the keystore. `verified_boot_hash` is absent before attestation version 3."""

    verified_boot_key: bytes
    device_locked: bool
    verified_boot_state: VerifiedBootState
    verified_boot_hash: bytes | None


@dataclass(frozen=True, slots=True)
class AuthorizationList:
    """Authorizations, software-enforced or hardware-enforced. What is absent is None, empty or False.

    Patch levels are YYYYMM or YYYYMMDD as integers, `os_version` is MMmmss, `created_at` is in milliseconds.
    `unread` holds the tag numbers that this decoder passes over.
    """

    purposes: frozenset[int] = frozenset()
    algorithm: int | None = None
    key_size: int | None = None
    digests: frozenset[int] = frozenset()
    ec_curve: int | None = None
    rsa_public_exponent: int | None = None
    no_auth_required: bool = False
    created_at: int | None = None
    origin: int | None = None
    root_of_trust: RootOfTrust | None = None
    os_version: int | None = None
    os_patch_level: int | None = None
    application_id: bytes | None = None
    brand: str | None = None
    device: str | None = None
    product: str | None = None
    imei: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    vendor_patch_level: int | None = None
    boot_patch_level: int | None = None
    second_imei: str | None = None
    unread: frozenset[int] = frozenset()


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
    try:
        read = asn1.decode_der(_Extension, extension)
        if min(read.attestation_version, read.keymint_version) < 0:
            raise der.DerError("negative version")
        attestation_level = _level(read.attestation_level)
        keymint_level = _level(read.keymint_level)
    except ValueError as error:
        raise KeyDescriptionError("KeyDescription", str(error)) from error
    return KeyDescription(
        attestation_version=read.attestation_version,
        attestation_level=attestation_level,
        keymint_version=read.keymint_version,
        keymint_level=keymint_level,
        challenge=read.challenge,
        unique_id=read.unique_id,
        software=_authorizations("software", read.software),
        hardware=_authorizations("hardware", read.hardware),
    )


def encode(description: KeyDescription, challenge: bytes | None = None) -> bytes:
    """The value of the extension, DER, with `challenge` in place of its own if given. Leaves `unread` out."""
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(description.attestation_version)
        + der.encode_integer(description.attestation_level, der.ENUMERATED)
        + der.encode_integer(description.keymint_version)
        + der.encode_integer(description.keymint_level, der.ENUMERATED)
        + der.encode(der.OCTET_STRING, description.challenge if challenge is None else challenge)
        + der.encode(der.OCTET_STRING, description.unique_id)
        + encode_authorizations(description.software)
        + encode_authorizations(description.hardware),
    )


@lru_cache(maxsize=256)
def encode_authorizations(authorizations: AuthorizationList) -> bytes:
    """One authorization list, DER, tags in ascending order."""
    encoded = b""
    for number, field in _FIELDS.items():
        value = getattr(authorizations, field.name)
        if value is not None and value is not False and value != frozenset():
            encoded += der.encode(der.CONTEXT, field.kind.encode(value), number)
    return der.encode(der.SEQUENCE, encoded)


@asn1.sequence
class _Extension:
    """The outer form. Levels are ENUMERATED and lists have optional elements, neither of which `asn1` has."""

    attestation_version: int
    attestation_level: asn1.TLV
    keymint_version: int
    keymint_level: asn1.TLV
    challenge: bytes
    unique_id: bytes
    software: asn1.TLV
    hardware: asn1.TLV


_ENUMERATED: Final = bytes((der.ENUMERATED,))
_SEQUENCE: Final = bytes((der.SEQUENCE,))


class _Kind(NamedTuple):
    """How one type of value is read from the element inside its context tag, and written."""

    tag: int
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


class _Field(NamedTuple):
    name: str
    kind: _Kind


def _level(element: asn1.TLV) -> SecurityLevel:
    if element.tag_bytes != _ENUMERATED:
        raise der.DerError("security level is not ENUMERATED")
    return SecurityLevel(der.integer(bytes(element.data)))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8")


def _null(octets: bytes) -> bool:
    if octets:
        raise der.DerError("NULL with content")
    return True


def _integers(octets: bytes) -> frozenset[int]:
    return frozenset(der.integer(der.content(part, der.INTEGER)) for part in der.elements(octets))


def _root_of_trust(octets: bytes) -> RootOfTrust:
    parts = der.elements(octets)
    if len(parts) not in (3, 4):
        raise der.DerError(f"root of trust of {len(parts)} elements")
    state = der.integer(der.content(parts[2], der.ENUMERATED))
    if state >= len(BOOT_STATES):
        raise der.DerError(f"verified boot state {state}")
    return RootOfTrust(
        verified_boot_key=der.content(parts[0], der.OCTET_STRING),
        device_locked=der.boolean(der.content(parts[1], der.BOOLEAN)),
        verified_boot_state=BOOT_STATES[state],
        verified_boot_hash=der.content(parts[3], der.OCTET_STRING) if len(parts) == 4 else None,
    )


def _encode_root_of_trust(root: RootOfTrust) -> bytes:
    parts = (
        der.encode(der.OCTET_STRING, root.verified_boot_key),
        der.encode(der.BOOLEAN, b"\xff" if root.device_locked else b"\x00"),
        der.encode_integer(BOOT_STATES.index(root.verified_boot_state), der.ENUMERATED),
        b"" if root.verified_boot_hash is None else der.encode(der.OCTET_STRING, root.verified_boot_hash),
    )
    return der.encode(der.SEQUENCE, b"".join(parts))


def _encode_integers(values: frozenset[int]) -> bytes:
    return der.encode(der.SET, b"".join(map(der.encode_integer, sorted(values))))


_INTEGER: Final = _Kind(der.INTEGER, der.integer, der.encode_integer)
_INTEGERS: Final = _Kind(der.SET, _integers, _encode_integers)
_OCTETS: Final = _Kind(der.OCTET_STRING, bytes, lambda value: der.encode(der.OCTET_STRING, value))
_TEXT: Final = _Kind(der.OCTET_STRING, _text, lambda value: der.encode(der.OCTET_STRING, value.encode()))
_PRESENT: Final = _Kind(der.NULL, _null, lambda _: der.encode(der.NULL, b""))
_ROOT: Final = _Kind(der.SEQUENCE, _root_of_trust, _encode_root_of_trust)

_FIELDS: Final[dict[int, _Field]] = {
    1: _Field("purposes", _INTEGERS),
    2: _Field("algorithm", _INTEGER),
    3: _Field("key_size", _INTEGER),
    5: _Field("digests", _INTEGERS),
    10: _Field("ec_curve", _INTEGER),
    200: _Field("rsa_public_exponent", _INTEGER),
    503: _Field("no_auth_required", _PRESENT),
    701: _Field("created_at", _INTEGER),
    702: _Field("origin", _INTEGER),
    704: _Field("root_of_trust", _ROOT),
    705: _Field("os_version", _INTEGER),
    706: _Field("os_patch_level", _INTEGER),
    709: _Field("application_id", _OCTETS),
    710: _Field("brand", _TEXT),
    711: _Field("device", _TEXT),
    712: _Field("product", _TEXT),
    714: _Field("imei", _TEXT),
    716: _Field("manufacturer", _TEXT),
    717: _Field("model", _TEXT),
    718: _Field("vendor_patch_level", _INTEGER),
    719: _Field("boot_patch_level", _INTEGER),
    723: _Field("second_imei", _TEXT),
}
"""By context tag number: the field it fills and how it is coded."""


_NOTHING: Final = AuthorizationList()


def _authorizations(where: str, element: asn1.TLV) -> AuthorizationList:
    if element.tag_bytes != _SEQUENCE:
        raise KeyDescriptionError(where, "not a SEQUENCE")
    values: dict[str, Any] = {}
    unread: set[int] = set()
    for tag, number, content in _elements(where, bytes(element.data)):
        field = _FIELDS.get(number) if tag == der.CONTEXT else None
        try:
            if field is None:
                _pass_over(tag, number, unread)
            elif field.name in values:
                raise der.DerError("given twice")
            else:
                values[field.name] = _value(number, content)
        except ValueError as error:
            name = field.name if field else "unknown tag"
            raise KeyDescriptionError(f"{where}.{name}", str(error)) from error
    return AuthorizationList(**values, unread=frozenset(unread)) if values or unread else _NOTHING


def _elements(where: str, octets: bytes) -> list[der.Element]:
    try:
        return der.elements(octets)
    except der.DerError as error:
        raise KeyDescriptionError(where, str(error)) from error


@lru_cache(maxsize=512)
def _value(number: int, octets: bytes) -> Any:
    """The value inside the context tag `number`. Phones of one model have most of them in common, so they are kept."""
    kind = _FIELDS[number].kind
    return kind.decode(der.only(octets, kind.tag))


def _pass_over(tag: int, number: int, unread: set[int]) -> None:
    """Note the number of a context tag that has no field here."""
    if tag != der.CONTEXT:
        raise der.DerError(f"tag 0x{tag:02x} is not a context tag")
    if number in unread:
        raise der.DerError(f"tag {number} is given twice")
    unread.add(number)
