"""A reader for the part of DER (ITU-T X.690) that attestation needs.

It accepts exactly one encoding of each value. Nothing here recurses, so deeply nested input costs no more than flat
input. Why not a library: see docs/adr/0095-a-reader-of-its-own.md.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

INTEGER: Final = 0x02
BOOLEAN: Final = 0x01
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT: Final = 0xA0
"""First byte of an EXPLICIT context tag, without its number."""

_HIGH: Final = 0x1F
_NUMBER_BYTES_MAX: Final = 3
_LENGTH_BYTES_MAX: Final = 3
_INTEGER_BYTES_MAX: Final = 9
"""64 bits and a zero byte, which keeps the sign bit clear."""

_T = TypeVar("_T")


class DerProblem(StrEnum):
    """What is wrong with an encoding."""

    TRUNCATED = "truncated"
    TRAILING = "trailing-octets"
    MISSING = "element-missing"
    TAG_NOT_MINIMAL = "tag-not-minimal"
    TAG_TOO_LONG = "tag-too-long"
    WRONG_TAG = "wrong-tag"
    WRONG_CLASS = "wrong-class"
    LENGTH_INDEFINITE = "length-indefinite"
    LENGTH_NOT_MINIMAL = "length-not-minimal"
    LENGTH_TOO_LONG = "length-too-long"
    INTEGER_EMPTY = "integer-empty"
    INTEGER_NEGATIVE = "integer-negative"
    INTEGER_NOT_MINIMAL = "integer-not-minimal"
    INTEGER_TOO_LARGE = "integer-too-large"
    BOOLEAN_NOT_CANONICAL = "boolean-not-canonical"
    NULL_NOT_EMPTY = "null-not-empty"
    TEXT_NOT_UTF8 = "text-not-utf-8"
    UNSORTED = "unsorted"
    REPEATED = "repeated"
    VALUE_UNKNOWN = "value-unknown"
    VERSION_UNKNOWN = "version-unknown"


class DerError(ValueError):
    """The input is not DER, or not the expected value. `offset` counts bytes from the start of the input."""

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


def elements(data: bytes, least: int = 0, most: int | None = None) -> list[DerElement]:
    """The elements of `data`, which must consist of `least` to `most` complete elements. Raises DerError."""
    found: list[DerElement] = []
    position, size = 0, len(data)
    while position < size:
        tag, number, start, position = element_at(data, position)
        found.append(DerElement(tag, number, data[start:position]))
    if len(found) < least:
        raise DerError(DerProblem.MISSING, f"{len(found)} elements, expected {least}")
    if most is not None and len(found) > most:
        raise DerError(DerProblem.TRAILING, f"{len(found)} elements, expected {most}")
    return found


def element_at(data: bytes, position: int) -> tuple[int, int, int, int]:
    """Tag, number, start and end of the value of the element at `position`. Raises DerError."""
    tag = data[position]
    number = 0
    if tag & _HIGH == _HIGH:
        number, place = _high_tag_number(data, position)
        tag &= 0xE0
    else:
        place = position + 1
        if tag & 0xC0:
            tag, number = tag & 0xE0, tag & _HIGH
    if place >= len(data):
        raise DerError(DerProblem.TRUNCATED, "the length is missing", place)
    length, start = data[place], place + 1
    if length >= 0x80:
        length, start = _long_length(data, place)
    if start + length > len(data):
        raise DerError(DerProblem.TRUNCATED, "the value is truncated", start)
    return tag, number, start, start + length


def only(data: bytes, tag: int) -> bytes:
    """The content of `data`, which must be exactly one element with `tag`. Raises DerError."""
    if len(data) >= 2 and data[0] == tag and data[1] == len(data) - 2 < 0x80:
        return data[2:]
    return content(single(data), tag)


def single(data: bytes) -> DerElement:
    """The element that `data` consists of. Raises DerError."""
    if not data:
        raise DerError(DerProblem.MISSING, "an element is missing")
    tag, number, start, end = element_at(data, 0)
    if end != len(data):
        raise DerError(DerProblem.TRAILING, "bytes after the element", end)
    return DerElement(tag, number, data[start:end])


def content(element: DerElement, tag: int) -> bytes:
    """The content of `element`, which must have `tag`. Raises DerError."""
    if element.tag != tag:
        raise DerError(DerProblem.WRONG_TAG, f"tag 0x{element.tag:02x}, expected 0x{tag:02x}")
    return element.content


def integer(value: bytes) -> int:
    """A non-negative INTEGER or ENUMERATED of at most 64 bits. Raises DerError."""
    if not value:
        raise DerError(DerProblem.INTEGER_EMPTY, "an integer without bytes")
    if value[0] & 0x80:
        raise DerError(DerProblem.INTEGER_NEGATIVE, "a negative integer")
    if len(value) > 1 and value[0] == 0 and not value[1] & 0x80:
        raise DerError(DerProblem.INTEGER_NOT_MINIMAL, "an integer with leading zeros")
    if len(value) > _INTEGER_BYTES_MAX or (len(value) == _INTEGER_BYTES_MAX and value[0]):
        raise DerError(DerProblem.INTEGER_TOO_LARGE, "an integer of more than 64 bits")
    return int.from_bytes(value, "big")


def boolean(value: bytes) -> bool:
    """A BOOLEAN, 00 or ff; BER would accept any byte. Raises DerError."""
    if value not in (b"\x00", b"\xff"):
        raise DerError(DerProblem.BOOLEAN_NOT_CANONICAL, "a boolean that is neither 00 nor ff")
    return value == b"\xff"


def null(value: bytes) -> bool:
    """True for a NULL, whose presence sets a flag. Raises DerError."""
    if value:
        raise DerError(DerProblem.NULL_NOT_EMPTY, "a NULL with a value")
    return True


def text(value: bytes) -> str:
    """UTF-8 text of an `OCTET STRING`. Raises DerError, whose message does not contain the text."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DerError(DerProblem.TEXT_NOT_UTF8, "text is not UTF-8", error.start) from None


def set_of(data: bytes, tag: int, read: Callable[[bytes], _T]) -> tuple[_T, ...]:
    """The members of a SET OF, each with `tag`, in the order that DER requires (X.690 section 11.6).

    Raises DerError, also for a repeated member.
    """
    members: list[_T] = []
    last = b""
    position, size = 0, len(data)
    while position < size:
        begin = position
        found, _, start, position = element_at(data, begin)
        encoded = data[begin:position]
        if encoded == last:
            raise DerError(DerProblem.REPEATED, "a repeated member of a set", begin)
        if encoded < last:
            raise DerError(DerProblem.UNSORTED, "the members of a set are not in order", begin)
        members.append(read(content(DerElement(found, 0, data[start:position]), tag)))
        last = encoded
    return tuple(members)


def _high_tag_number(data: bytes, position: int) -> tuple[int, int]:
    """The number of a tag of several bytes, and the position after it."""
    number = 0
    for place in range(position + 1, position + 1 + _NUMBER_BYTES_MAX):
        if place >= len(data):
            raise DerError(DerProblem.TRUNCATED, "the tag is truncated", position)
        byte = data[place]
        if number == 0 and byte == 0x80:
            break
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            if number < _HIGH:
                break
            return number, place + 1
    else:
        raise DerError(DerProblem.TAG_TOO_LONG, "a tag number of more than 21 bits", position)
    raise DerError(DerProblem.TAG_NOT_MINIMAL, "the tag number has a shorter form", position)


def _long_length(data: bytes, position: int) -> tuple[int, int]:
    """A length of several bytes, and the position after it."""
    size = data[position] & 0x7F
    if size == 0:
        raise DerError(DerProblem.LENGTH_INDEFINITE, "the length is indefinite", position)
    encoded = data[position + 1 : position + 1 + size]
    if encoded[:1] == b"\x00":
        raise DerError(DerProblem.LENGTH_NOT_MINIMAL, "the length has leading zeros", position)
    if size > _LENGTH_BYTES_MAX:
        raise DerError(DerProblem.LENGTH_TOO_LONG, "a length of more than 24 bits", position)
    if len(encoded) != size:
        raise DerError(DerProblem.TRUNCATED, "the length is truncated", position)
    length = int.from_bytes(encoded, "big")
    if length < 0x80:
        raise DerError(DerProblem.LENGTH_NOT_MINIMAL, "the length has a shorter form", position)
    return length, position + 1 + size
