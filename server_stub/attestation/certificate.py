"""A reader for X.509 certificates (RFC 5280 section 4.1) that parses only what path validation uses.

Real keystores write certificates that `cryptography` rejects as a whole: with an encoded DEFAULT, a serial number that
is not positive, or a malformed extension that is not used. Their meaning is clear, so they are read here and the
deviation is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from server_stub.attestation import der, public_keys
from server_stub.attestation.certificate_fields import (
    BIT_STRING,
    OBJECT_IDENTIFIER,
    CertificateError,
    ElementSpan,
    name_text,
    oid,
    read_time,
    spans,
    values,
)
from server_stub.attestation.der import DerError, DerProblem
from server_stub.attestation.deviations import Deviation

BASIC_CONSTRAINTS: Final = oid("2.5.29.19")
KEY_USAGE: Final = oid("2.5.29.15")
NAME_CONSTRAINTS: Final = oid("2.5.29.30")
KEY_DESCRIPTION: Final = oid("1.3.6.1.4.1.11129.2.1.17")
PROVISIONING_INFORMATION: Final = oid("1.3.6.1.4.1.11129.2.1.30")
_USED: Final = frozenset(
    {BASIC_CONSTRAINTS, KEY_USAGE, NAME_CONSTRAINTS, KEY_DESCRIPTION, PROVISIONING_INFORMATION}
)
"""Extensions whose values are read. The values of all others are skipped."""

_IDENTIFYING: Final = frozenset(
    map(
        oid,
        (
            *("2.5.29.14", "2.5.29.35"),  # key identifiers
            *("2.5.29.17", "2.5.29.18"),  # alternative names
            *("2.5.29.31", "2.5.29.46", "1.3.6.1.5.5.7.1.1"),  # where to find revocation lists and issuers
            "2.5.29.32",  # certificate policies; none is required here
        ),
    )
)
"""Extensions that identify or locate something. They do not limit the use of a certificate."""

_EXTENSIONS_FIELD: Final = 3
_BOOLEAN_HEAD: Final = b"\x01\x01"
_OBJECT_IDENTIFIER_HEAD: Final = bytes((OBJECT_IDENTIFIER,))
_VERSION_3: Final = b"\x02\x01\x02"
_SERIAL_BYTES_MAX: Final = 20


class CertificateValidity(NamedTuple):
    """First and last second of a validity, since the epoch. `usual`: both have the type and form of RFC 5280."""

    begins: int
    ends: int
    usual: bool


@dataclass(frozen=True, slots=True)
class ParsedCertificate:
    """One certificate. Algorithms, names and validity are the DER content of their fields.

    `serial` is the content of the INTEGER. `extensions` has the values of the extensions in use.
    `critical_unknown` is true if an extension is critical that is neither used nor an identifying one.
    """

    data: bytes
    signed: bytes
    serial: bytes
    algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    spki: bytes
    extensions: Mapping[bytes, bytes]
    critical_unknown: bool
    outer_algorithm: bytes
    signature: bytes
    deviations: frozenset[Deviation]

    def key(self) -> PublicKeyTypes:
        """The public key. Raises CertificateError, KeyRefusedError if its parameters are not allowed."""
        return public_keys.load(self.spki)

    def period(self) -> CertificateValidity:
        """The validity. Raises CertificateError."""
        try:
            times = spans(self.validity, 0, len(self.validity), set())
            begins, ends = (read_time(each.tag, self.validity[each.start : each.end]) for each in times)
        except ValueError as error:  # includes DerError, and another number of times than two
            raise CertificateError("its validity cannot be read") from error
        return CertificateValidity(begins.at, ends.at, begins.usual and ends.usual)

    def serial_numbers(self) -> tuple[int, ...]:
        """The serial number, and how a list may have it if it is negative: as an unsigned and an absolute number."""
        signed = int.from_bytes(self.serial, "big", signed=True)
        return (signed,) if signed >= 0 else (int.from_bytes(self.serial, "big"), -signed)

    def subject_text(self) -> str:
        """The subject for messages: printable and bounded."""
        return name_text(self.subject)


def parse(data: bytes, *, extensions: bool = True) -> ParsedCertificate:
    """Read a certificate, with or without its extensions, which cost half of the time. Raises CertificateError."""
    try:
        return _parse(data, extensions)
    except DerError as error:
        raise CertificateError(f"its structure cannot be read: {error.problem} ({error.detail})") from error


def _parse(data: bytes, with_extensions: bool) -> ParsedCertificate:  # noqa: FBT001 - of `parse`
    deviations: set[Deviation] = set()
    whole = spans(data, 0, len(data), deviations)
    if [each.tag for each in whole] != [der.SEQUENCE]:
        raise DerError(DerProblem.WRONG_TAG, "not one SEQUENCE")
    parts = spans(data, whole[0].start, whole[0].end, deviations)
    if [part.tag for part in parts] != [der.SEQUENCE, der.SEQUENCE, BIT_STRING]:
        raise DerError(DerProblem.WRONG_TAG, "not a body, an algorithm and a signature")
    body, outer, bits = parts
    fields = spans(data, body.start, body.end, deviations)
    version = fields.pop(0) if fields and (fields[0].tag, fields[0].number) == (der.CONTEXT, 0) else None
    if [field.tag for field in fields[:6]] != [der.INTEGER, *[der.SEQUENCE] * 5]:
        raise DerError(DerProblem.WRONG_TAG, "not the fields of a certificate")
    serial, algorithm, issuer, validity, subject, key = fields[:6]
    extensions, critical_unknown = _extensions(data, fields[6:] if with_extensions else [], deviations)
    if extensions and (version is None or data[version.start : version.end] != _VERSION_3):
        deviations.add(Deviation.CERTIFICATE_VERSION)
    number = data[serial.start : serial.end]
    if not 0 < len(number) <= _SERIAL_BYTES_MAX or number[0] & 0x80 or not any(number):
        deviations.add(Deviation.SERIAL_NUMBER_UNUSUAL)
    if bits.start == bits.end or data[bits.start]:
        raise DerError(DerProblem.VALUE_UNKNOWN, "a signature that is not whole bytes")
    return ParsedCertificate(
        data=data,
        signed=data[body.begin : body.end],
        serial=number,
        algorithm=data[algorithm.start : algorithm.end],
        issuer=data[issuer.start : issuer.end],
        validity=data[validity.start : validity.end],
        subject=data[subject.start : subject.end],
        spki=data[key.begin : key.end],
        extensions=extensions,
        critical_unknown=critical_unknown,
        outer_algorithm=data[outer.start : outer.end],
        signature=data[bits.start + 1 : bits.end],
        deviations=frozenset(deviations),
    )


def _extensions(
    data: bytes, fields: list[ElementSpan], deviations: set[Deviation]
) -> tuple[dict[bytes, bytes], bool]:
    """The values of the used extensions, and whether an unknown one is critical. Raises DerError."""
    found: dict[bytes, bytes] = {}
    critical_unknown = False
    for wrapper in fields:
        if (wrapper.tag, wrapper.number) != (der.CONTEXT, _EXTENSIONS_FIELD):
            continue
        (extensions,) = values(data[wrapper.start : wrapper.end], deviations, der.SEQUENCE)
        for each in spans(extensions, 0, len(extensions), deviations):
            kind, rest = _kind(extensions[each.start : each.end])
            if kind in found:
                raise DerError(DerProblem.VALUE_UNKNOWN, "a repeated extension")
            if rest[:2] == _BOOLEAN_HEAD:
                critical, rest = der.boolean(rest[2:3]), rest[3:]
                if not critical:
                    deviations.add(Deviation.DEFAULT_ENCODED)
                elif kind in _IDENTIFYING:
                    deviations.add(Deviation.EXTENSION_CRITICAL)
                elif kind not in _USED:
                    critical_unknown = True
            if kind in _USED:
                (found[kind],) = values(rest, deviations, der.OCTET_STRING)
    return found, critical_unknown


def _kind(content: bytes) -> tuple[bytes, bytes]:
    """The object identifier of an extension, and what follows it. Raises DerError."""
    if content[:1] != _OBJECT_IDENTIFIER_HEAD or len(content) < 2 or content[1] > len(content) - 2:
        raise DerError(DerProblem.WRONG_TAG, "an extension without an object identifier")
    return content[2 : 2 + content[1]], content[2 + content[1] :]


class BasicConstraints(NamedTuple):
    """Whether a certificate is a CA's, and how many CA certificates may be below it; None is any number."""

    ca: bool
    path_length: int | None


def basic_constraints(value: bytes) -> BasicConstraints:
    """Read the extension (RFC 5280 section 4.2.1.9); an encoded cA FALSE is accepted. Raises CertificateError."""
    try:
        (content,) = values(value, set(), der.SEQUENCE)
        parts = spans(content, 0, len(content), set())
        found = {part.tag: content[part.start : part.end] for part in parts}
        ca = der.BOOLEAN in found and der.boolean(found[der.BOOLEAN])
        length = der.integer(found[der.INTEGER], set()) if der.INTEGER in found else None
    except DerError as error:
        raise CertificateError(f"its basicConstraints cannot be read: {error.detail}") from error
    return BasicConstraints(ca, length)


def path_length_of(certificate: ParsedCertificate) -> int | None:
    """How many CA certificates a root allows below it, None for any number."""
    try:
        return basic_constraints(certificate.extensions[BASIC_CONSTRAINTS]).path_length
    except (KeyError, CertificateError):
        return None


DIGITAL_SIGNATURE: Final = 0
KEY_CERT_SIGN: Final = 5
"""Bits of keyUsage (RFC 5280 section 4.2.1.3)."""


def may_be_used(certificate: ParsedCertificate, bit: int) -> bool:
    """Whether keyUsage is absent or has `bit`, one of the first eight. Raises CertificateError."""
    value = certificate.extensions.get(KEY_USAGE)
    if value is None:
        return True
    try:
        (bits,) = values(value, set(), BIT_STRING)
    except DerError as error:
        raise CertificateError(f"its keyUsage cannot be read: {error.detail}") from error
    if len(bits) < 2 or bits[0] > 7:
        raise CertificateError("its keyUsage cannot be read: no bits")
    return bool(bits[1] & 0x80 >> bit)
