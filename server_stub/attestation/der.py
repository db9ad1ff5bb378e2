"""A reader for the part of DER (ITU-T X.690) that attestation needs, tolerant where the meaning is clear.

What is not canonical but has one meaning (a longer form of a length, an unsorted set) is read, and its `Deviation` is
added to the `Deviations` that the caller passes. What has no clear meaning raises DerError. Nothing here recurses and
every byte is read at most once per call, so deeply nested input costs no more than flat input.
Why not a library: see docs/adr/13-attestation.md.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from server_stub.attestation.deviations import Deviation

INTEGER: Final = 0x02
BOOLEAN: Final = 0x01
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT: Final = 0xA0
"""First byte of an EXPLICIT context tag, without its number."""

Deviations = set[Deviation]
"""What a reader adds the deviations to that it accepts."""

_HIGH: Final = 0x1F
_NUMBERS: Final = frozenset({INTEGER, ENUMERATED})
_NUMBER_BYTES_MAX: Final = 5
"""35 bits: KeyMint's tags have 28, with four more for their type."""

_INTEGER_MAX: Final = 2**64 - 1

_MEMBERS_MAX: Final = 128
"""Most different members of a set; no field of the schema has as many values."""

_T = TypeVar("_T")


class DerProblem(StrEnum):
    """Why an encoding, or the value in it, cannot be read."""

    TRUNCATED = "truncated"
    TRAILING = "trailing-octets"
    MISSING = "element-missing"
    TAG_TOO_LONG = "tag-too-long"
    WRONG_TAG = "wrong-tag"
    LENGTH_INDEFINITE = "length-indefinite"
    INTEGER_EMPTY = "integer-empty"
    INTEGER_NEGATIVE = "integer-negative"
    INTEGER_TOO_LARGE = "integer-too-large"
    BOOLEAN_NOT_CANONICAL = "boolean-not-canonical"
    VALUE_UNKNOWN = "value-unknown"


class DerError(ValueError):
    """The input cannot be read, or is not the expected value. `offset` counts bytes from the start of the input."""

    def __init__(self, problem: DerProblem, detail: str, offset: int = 0) -> None:
        super().__init__(f"{problem}: {detail}, at offset {offset}")
        self.problem = problem
        self.detail = detail
        self.offset = offset


class DerElement(NamedTuple):
    """One element. `tag` is the identifier byte; for a tag of another class than universal, `number` is its number."""

    tag: int
    number: int
    content: bytes


def elements(data: bytes, least: int, most: int, deviations: Deviations) -> list[DerElement]:
    """The first `most` of the complete elements that `data` consists of, at least `least`. Raises DerError."""
    found: list[DerElement] = []
    position, size = 0, len(data)
    while position < size and len(found) < most:
        tag, number, start, position = element_at(data, position, deviations)
        found.append(DerElement(tag, number, data[start:position]))
    if len(found) < least:
        raise DerError(DerProblem.MISSING, f"{len(found)} elements, expected {least}")
    if position < size:
        deviations.add(Deviation.TRAILING_DATA)
    return found


def element_at(data: bytes, position: int, deviations: Deviations) -> tuple[int, int, int, int]:
    """Tag, number, start and end of the value of the element at `position`. Raises DerError."""
    tag = data[position]
    number = 0
    if tag & _HIGH == _HIGH:
        number, place = _high_tag_number(data, position, deviations)
        tag &= 0xE0
    else:
        place = position + 1
        if tag & 0xC0:
            tag, number = tag & 0xE0, tag & _HIGH
    if place >= len(data):
        raise DerError(DerProblem.TRUNCATED, "the length is missing", place)
    length, start = data[place], place + 1
    if length >= 0x80:
        length, start = _long_length(data, place, deviations)
    if start + length > len(data):
        raise DerError(DerProblem.TRUNCATED, "the value is truncated", start)
    return tag, number, start, start + length


def only(data: bytes, tag: int, deviations: Deviations) -> bytes:
    """The content of `data`, which must be exactly one element with `tag`. Raises DerError."""
    if len(data) >= 2 and data[0] == tag and data[1] == len(data) - 2 < 0x80:
        return data[2:]
    return content(single(data, deviations), tag, deviations)


def single(data: bytes, deviations: Deviations) -> DerElement:
    """The element that `data` consists of. Raises DerError."""
    if not data:
        raise DerError(DerProblem.MISSING, "an element is missing")
    tag, number, start, end = element_at(data, 0, deviations)
    if end != len(data):
        raise DerError(DerProblem.TRAILING, "bytes after the element", end)
    return DerElement(tag, number, data[start:end])


def content(element: DerElement, tag: int, deviations: Deviations) -> bytes:
    """The content of `element`, which must have `tag`; INTEGER and ENUMERATED replace each other. Raises DerError."""
    if element.tag != tag:
        if not {element.tag, tag} <= _NUMBERS:
            raise DerError(DerProblem.WRONG_TAG, f"tag 0x{element.tag:02x}, expected 0x{tag:02x}")
        deviations.add(Deviation.NUMBER_TYPE)
    return element.content


def integer(value: bytes, deviations: Deviations) -> int:
    """A non-negative INTEGER or ENUMERATED of at most 64 bits. Raises DerError."""
    if not value:
        raise DerError(DerProblem.INTEGER_EMPTY, "an integer without bytes")
    if value[0] & 0x80:
        raise DerError(DerProblem.INTEGER_NEGATIVE, "a negative integer")
    number = int.from_bytes(value, "big")
    if number > _INTEGER_MAX:
        raise DerError(DerProblem.INTEGER_TOO_LARGE, "an integer of more than 64 bits")
    if len(value) > 1 and value[0] == 0 and not value[1] & 0x80:
        deviations.add(Deviation.INTEGER_NOT_MINIMAL)
    return number


def boolean(value: bytes) -> bool:
    """A BOOLEAN, 00 or ff; BER would accept any byte. Raises DerError."""
    if value not in (b"\x00", b"\xff"):
        raise DerError(DerProblem.BOOLEAN_NOT_CANONICAL, "a boolean that is neither 00 nor ff")
    return value == b"\xff"


def set_of(
    data: bytes, tag: int, read: Callable[[bytes, Deviations], _T], deviations: Deviations
) -> tuple[_T, ...]:
    """The members of a SET OF, each with `tag`, in the order in which they are written, each once. Raises DerError."""
    members: dict[bytes, _T] = {}
    last = b""
    position, size = 0, len(data)
    while position < size:
        begin = position
        found, _, start, position = element_at(data, begin, deviations)
        encoded = data[begin:position]
        if encoded in members:
            deviations.add(Deviation.SET_REPEATED)
            continue
        if len(members) == _MEMBERS_MAX:
            raise DerError(DerProblem.VALUE_UNKNOWN, f"a set of more than {_MEMBERS_MAX} members", begin)
        if encoded < last:
            deviations.add(Deviation.SET_UNSORTED)
        element = DerElement(found, 0, data[start:position])
        members[encoded] = read(content(element, tag, deviations), deviations)
        last = encoded
    return tuple(members.values())


def _high_tag_number(data: bytes, position: int, deviations: Deviations) -> tuple[int, int]:
    """The number of a tag of several bytes, and the position after it."""
    number = 0
    for place in range(position + 1, position + 1 + _NUMBER_BYTES_MAX):
        if place >= len(data):
            raise DerError(DerProblem.TRUNCATED, "the tag is truncated", position)
        byte = data[place]
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            if number < _HIGH or data[position + 1] == 0x80:
                deviations.add(Deviation.TAG_NOT_MINIMAL)
            return number, place + 1
    raise DerError(DerProblem.TAG_TOO_LONG, "a tag number of more than 35 bits", position)


def _long_length(data: bytes, position: int, deviations: Deviations) -> tuple[int, int]:
    """A length of several bytes, and the position after it."""
    size = data[position] & 0x7F
    if size == 0:
        raise DerError(DerProblem.LENGTH_INDEFINITE, "the length is indefinite", position)
    encoded = data[position + 1 : position + 1 + size]
    if len(encoded) != size:
        raise DerError(DerProblem.TRUNCATED, "the length is truncated", position)
    length = int.from_bytes(encoded, "big")
    if length < 0x80 or encoded[0] == 0:
        deviations.add(Deviation.LENGTH_NOT_MINIMAL)
    return length, position + 1 + size
