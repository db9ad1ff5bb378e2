"""Names and times of certificates (RFC 5280 sections 4.1.2.4 and 4.1.2.5), object identifiers, and their elements."""

import datetime
import re
from functools import lru_cache
from typing import Final, NamedTuple

from server_stub.attestation import der
from server_stub.attestation.der import DerError, DerProblem
from server_stub.attestation.deviations import Deviation

BIT_STRING: Final = 0x03
OBJECT_IDENTIFIER: Final = 0x06
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_ENCODINGS: Final = {
    0x0C: "utf-8",  # UTF8String
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as it is used
    0x16: "ascii",  # IA5String
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_TIMES: Final = {
    tag: re.compile(
        rf"(\d{{{digits}}})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:[.,]\d+)?)?)?(Z|[+-]\d{{4}})?", re.ASCII
    )
    for tag, digits in ((_UTC_TIME, 2), (_GENERALIZED_TIME, 4))
}
"""Year, month, day, hour, and mostly minute, second and time zone."""
_TEXT_MAX: Final = 120
_NAME_MAX: Final = 2048

ELEMENTS_MAX: Final = 32
"""Most elements of one structure of a certificate, and most attributes of a name; real ones have at most 15.

An element of two bytes costs as much to read as a long one, so their number is bounded and not only their length.
"""


class CertificateError(ValueError):
    """A part of a certificate cannot be read. The message does not repeat its content."""


class ElementSpan(NamedTuple):
    """Where an element is: the element from `begin`, its value from `start`, both to `end`."""

    tag: int
    number: int
    begin: int
    start: int
    end: int


def spans(
    data: bytes, position: int, end: int, deviations: set[Deviation], most: int = ELEMENTS_MAX
) -> list[ElementSpan]:
    """The elements of `data` between two positions, at most `most`. Raises DerError."""
    found: list[ElementSpan] = []
    while position < end:
        if len(found) == most:
            raise DerError(DerProblem.VALUE_UNKNOWN, f"more than {most} elements", position)
        tag, number, start, stop = der.element_at(data, position, deviations)
        if stop > end:
            raise DerError(DerProblem.TRUNCATED, "an element is longer than the one around it", position)
        found.append(ElementSpan(tag, number, position, start, stop))
        position = stop
    return found


def values(data: bytes, deviations: set[Deviation], *tags: int) -> list[bytes]:
    """The values of the elements of `data`, which must have these tags. Raises DerError."""
    found = spans(data, 0, len(data), deviations, len(tags))
    if [each.tag for each in found] != list(tags):
        raise DerError(DerProblem.WRONG_TAG, "other elements than expected")
    return [data[each.start : each.end] for each in found]


def oid(dotted: str) -> bytes:
    """The content of an OBJECT IDENTIFIER (X.690 section 8.19).

    >>> oid("2.5.29.15").hex()
    '551d0f'
    """
    first, second, *others = map(int, dotted.split("."))
    encoded = bytearray()
    for arc in (40 * first + second, *others):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        encoded += bytes(reversed(groups))
    return bytes(encoded)


TITLE: Final = oid("2.5.4.12")
ORGANIZATION: Final = oid("2.5.4.10")
SERIAL_NUMBER: Final = oid("2.5.4.5")
_SHORT_NAMES: Final = {
    oid("2.5.4.3"): "CN",
    SERIAL_NUMBER: "serialNumber",
    oid("2.5.4.6"): "C",
    oid("2.5.4.7"): "L",
    oid("2.5.4.8"): "ST",
    ORGANIZATION: "O",
    oid("2.5.4.11"): "OU",
    TITLE: "title",
}


class NameAttribute(NamedTuple):
    """One attribute of a name: its type, and its text, or its bytes in hexadecimal if it is not text."""

    kind: bytes
    text: str

    def matches(self) -> tuple[bytes, str]:
        """The value for comparison: without regard to case and repeated white space (RFC 5280 section 7.1)."""
        return self.kind, " ".join(self.text.casefold().split())


Name = tuple[tuple[NameAttribute, ...], ...]
"""Relative distinguished names, each with its attributes."""


@lru_cache(maxsize=256)
def read_name(content: bytes) -> Name:
    """The content of a Name. Raises DerError, also if it has too many bytes or attributes."""
    if len(content) > _NAME_MAX:
        raise DerError(DerProblem.VALUE_UNKNOWN, f"a name of more than {_NAME_MAX} bytes")
    parts = [spans(content, part.start, part.end, set()) for part in spans(content, 0, len(content), set())]
    if sum(map(len, parts)) > ELEMENTS_MAX:
        raise DerError(DerProblem.VALUE_UNKNOWN, f"a name of more than {ELEMENTS_MAX} attributes")
    return tuple(tuple(_attribute(content[each.start : each.end]) for each in part) for part in parts)


def same_name(left: bytes, right: bytes) -> bool:
    """Whether two Names match, whatever string types they use. Raises DerError."""
    if left == right:
        return True
    one, other = (
        [sorted(attribute.matches() for attribute in part) for part in read_name(name)]
        for name in (left, right)
    )
    return one == other


def name_text(content: bytes) -> str:
    """A Name for messages, in the order of RFC 4514: printable and bounded. Never raises.

    >>> name_text(bytes.fromhex("310c300a06035504030c03526f74"))
    'CN=Rot'
    """
    try:
        parts = [
            "+".join(f"{_SHORT_NAMES.get(each.kind, each.kind.hex())}={each.text}" for each in part)
            for part in reversed(read_name(content))
        ]
    except DerError:
        return "a malformed name"
    text = ",".join(parts) or "an empty name"
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"


def _attribute(content: bytes) -> NameAttribute:
    parts = spans(content, 0, len(content), set())
    if len(parts) != 2 or parts[0].tag != OBJECT_IDENTIFIER:
        raise DerError(DerProblem.WRONG_TAG, "not the type and the value of an attribute")
    kind, value = (content[part.start : part.end] for part in parts)
    encoding = _ENCODINGS.get(parts[1].tag)
    try:
        text = value.decode(encoding) if encoding else value.hex()
    except UnicodeDecodeError:
        text = value.hex()
    return NameAttribute(kind, text)


class ReadTime(NamedTuple):
    """Seconds since the epoch, and whether the time has the type and the form that RFC 5280 requires for it."""

    at: int
    usual: bool


def read_time(tag: int, content: bytes) -> ReadTime:
    """A UTCTime or GeneralizedTime, also without seconds, with an offset or of the other type. Raises DerError."""
    text = content.decode("ascii", "replace")
    match = _TIMES[tag].fullmatch(text) if tag in _TIMES else None
    if not match:
        raise DerError(DerProblem.VALUE_UNKNOWN, "not a UTCTime or GeneralizedTime")
    digits = len(match[1])
    year, *others = (int(match[group] or 0) for group in range(1, 7))
    if digits == 2:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = others
    zone = match[7] or "Z"
    try:
        # A leap second is read as the second before it.
        moment = datetime.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=datetime.UTC)
    except ValueError:
        raise DerError(DerProblem.VALUE_UNKNOWN, "a date that does not exist") from None
    offset = 0 if zone == "Z" else int(f"{zone[0]}1") * (60 * int(zone[1:3]) + int(zone[3:])) * 60
    usual = len(text) == digits + 11 and text.endswith("Z") and (digits == 2) == (1950 <= year < 2050)
    return ReadTime(int(moment.timestamp()) - offset, usual)
