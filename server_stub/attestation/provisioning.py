"""How the keystore of a device got its attestation key, and what the chain states about the keystore.

A factory writes a key with a chain for a whole batch: root, a certificate whose subject has a serial number and mostly
a title (`TEE`, `StrongBox`), mostly another one, leaf. A remotely provisioned device gets certificates that are valid
for weeks: root, two certificates of the service, one of the device, leaf; the one of the device has the extension
1.3.6.1.4.1.11129.2.1.30, a CBOR map (RFC 8949) with the number of certificates that the device got.
Source: "Verify hardware-backed key pairs with key attestation" of the Android developers' guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server_stub.attestation import der
from server_stub.attestation.certificate import PROVISIONING_INFORMATION, ParsedCertificate
from server_stub.attestation.certificate_fields import ORGANIZATION, SERIAL_NUMBER, TITLE, read_name
from server_stub.attestation.der import DerError
from server_stub.attestation.key_description import SecurityLevel

_LEVELS: Final = {"TEE": SecurityLevel.TRUSTED_ENVIRONMENT, "StrongBox": SecurityLevel.STRONG_BOX}
_REMOTE_LENGTH: Final = 3
"""Certificates between leaf and root of a remotely provisioned device."""

_CERTIFICATES_ISSUED: Final = 1
_MAP_MAX: Final = 16
_UNSIGNED, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = 0, 2, 3, 4, 5, 6
"""Major types of CBOR (RFC 8949 section 3.1)."""


class Provisioning(StrEnum):
    """How the keystore got its attestation key."""

    FACTORY = "factory"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class ProvisioningFacts:
    """What the certificates between leaf and root state.

    `issued` is the number of certificates that the device got, and `level` where its keystore is; None if not stated.
    `malformed` is the place, from 0 above the leaf, of provisioning information that cannot be read.
    """

    method: Provisioning
    issued: int | None = None
    level: SecurityLevel | None = None
    malformed: int | None = None


def facts_of(links: Sequence[ParsedCertificate]) -> ProvisioningFacts:
    """What `links`, the certificates between leaf and root, from the leaf on, state."""
    level = next((level for link in links if (level := _level(link))), None)
    for place, link in enumerate(links):
        value = link.extensions.get(PROVISIONING_INFORMATION)
        if value is not None:
            issued = certificates_issued(value)
            return ProvisioningFacts(
                Provisioning.REMOTE, issued, level, malformed=place if issued is None else None
            )
    remote = len(links) >= _REMOTE_LENGTH and SERIAL_NUMBER not in _subject(links[-1])
    return ProvisioningFacts(Provisioning.REMOTE if remote else Provisioning.FACTORY, level=level)


def certificates_issued(value: bytes) -> int | None:
    """Key 1 of the CBOR map: the number of certificates issued; None if it is missing or the map cannot be read.

    Some keystores write the map into a second `OCTET STRING`, whose first byte cannot begin a map.

    >>> certificates_issued(bytes.fromhex("a20118200366476f6f676c65"))
    32
    """
    if len(value) > 1 and value[0] == der.OCTET_STRING and value[1] == len(value) - 2:
        value = value[2:]
    try:
        major, pairs, position = _head(value, 0)
        if major != _MAP or pairs > _MAP_MAX:
            return None
        for _ in range(pairs):
            key_major, key, after = _head(value, position)
            start = _skip(value, position)
            position = _skip(value, start)
            if (key_major, key) == (_UNSIGNED, _CERTIFICATES_ISSUED) and after == start:
                major, number, _ = _head(value, start)
                return number if major == _UNSIGNED else None
    except IndexError:
        return None
    return None


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type, argument and the position after them. Raises IndexError if it is truncated or indefinite."""
    first = data[position]
    major, short = first >> 5, first & 0x1F
    position += 1
    if short < 24:
        return major, short, position
    size = 1 << (short - 24)
    if size > 8 or position + size > len(data):
        raise IndexError
    return major, int.from_bytes(data[position : position + size], "big"), position + size


def _skip(data: bytes, position: int) -> int:
    """The position after the item at `position`, with all that it contains. Raises IndexError if it is truncated."""
    items = 1
    while items:
        major, argument, position = _head(data, position)
        items -= 1
        if major in (_BYTES, _TEXT):
            position += argument
        elif major in (_ARRAY, _MAP):
            items += argument * (2 if major == _MAP else 1)
        elif major == _TAG:
            items += 1
        if position > len(data):
            raise IndexError
    return position


def _level(link: ParsedCertificate) -> SecurityLevel | None:
    subject = _subject(link)
    return next(
        (_LEVELS[text] for kind in (TITLE, ORGANIZATION) if (text := subject.get(kind)) in _LEVELS), None
    )


def _subject(link: ParsedCertificate) -> dict[bytes, str]:
    try:
        return {each.kind: each.text for part in read_name(link.subject) for each in part}
    except DerError:
        return {}
