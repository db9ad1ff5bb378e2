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
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT: Final = 0xA0
"""Leading octet of an EXPLICIT context tag, its number left out."""

_HIGH: Final = 0x1F
_NUMBER_OCTETS_MAX: Final = 3
_LENGTH_OCTETS_MAX: Final = 3
_INTEGER_OCTETS_MAX: Final = 9
"""64 bits, and the octet that keeps the sign away from them."""

_T = TypeVar("_T")


class DerProblem(StrEnum):
    """What is wrong with octets; each way in which they can be malformed has its own name."""

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
    """Octets are not DER, or not the value that belongs there. `offset` counts from their start."""

    def __init__(self, problem: DerProblem, detail: str, offset: int = 0) -> None:
        super().__init__(f"{problem}: {detail}, at offset {offset}")
        self.problem = problem
        self.detail = detail
        self.offset = offset


class DerElement(NamedTuple):
    """One tag, length, value. `tag` is the identifier octet; a `CONTEXT` tag has its `number` beside it."""

    tag: int
    number: int
    content: bytes


def elements(data: bytes) -> list[DerElement]:
    """Each element of `data`, which must hold whole elements and nothing else. Raises DerError."""
    found = []
    position, size = 0, len(data)
    while position < size:
        tag, number, start, position = element_at(data, position)
        found.append(DerElement(tag, number, data[start:position]))
    return found


def element_at(data: bytes, position: int) -> tuple[int, int, int, int]:
    """Tag, number, and where the value begins and ends, of the element at `position`. Raises DerError."""
    tag, number, place = read_tag(data, position)
    length, start = _length(data, place)
    end = start + length
    if end > len(data):
        raise DerError(DerProblem.TRUNCATED, "the value is cut short", start)
    return tag, number, start, end


def only(data: bytes, tag: int) -> bytes:
    """The content of the one element that `data` is, with `tag`. Raises DerError."""
    if len(data) >= 2 and data[0] == tag and data[1] == len(data) - 2 < 0x80:
        return data[2:]
    if not data:
        raise DerError(DerProblem.MISSING, "nothing where an element belongs")
    found, _, start, end = element_at(data, 0)
    if end != len(data):
        raise DerError(DerProblem.TRAILING, "octets behind the element", end)
    return content(DerElement(found, 0, data[start:end]), tag)


def content(element: DerElement, tag: int) -> bytes:
    """The content of `element`, which must carry `tag`. Raises DerError."""
    if element.tag != tag:
        raise DerError(DerProblem.WRONG_TAG, f"tag 0x{element.tag:02x} where 0x{tag:02x} belongs")
    return element.content


def integer(octets: bytes) -> int:
    """A non-negative INTEGER or ENUMERATED of at most 64 bits. Raises DerError."""
    if not octets:
        raise DerError(DerProblem.INTEGER_EMPTY, "an integer without octets")
    if octets[0] & 0x80:
        raise DerError(DerProblem.INTEGER_NEGATIVE, "a negative integer")
    if len(octets) > 1 and octets[0] == 0 and not octets[1] & 0x80:
        raise DerError(DerProblem.INTEGER_NOT_MINIMAL, "an integer with zeros before it")
    if len(octets) > _INTEGER_OCTETS_MAX or (len(octets) == _INTEGER_OCTETS_MAX and octets[0]):
        raise DerError(DerProblem.INTEGER_TOO_LARGE, "an integer of more than 64 bits")
    return int.from_bytes(octets, "big")


def boolean(octets: bytes) -> bool:
    """A BOOLEAN: 00 or ff, and nothing else that BER would take. Raises DerError."""
    if octets not in (b"\x00", b"\xff"):
        raise DerError(DerProblem.BOOLEAN_NOT_CANONICAL, "a boolean is neither 00 nor ff")
    return octets == b"\xff"


def null(octets: bytes) -> bool:
    """A NULL, which says by its presence that something is so. Raises DerError."""
    if octets:
        raise DerError(DerProblem.NULL_NOT_EMPTY, "a NULL with a value")
    return True


def text(octets: bytes) -> str:
    """Text in an OCTET STRING: UTF-8. Raises DerError, which repeats none of it."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DerError(DerProblem.TEXT_NOT_UTF8, "text is not UTF-8", error.start) from None


def set_of(octets: bytes, tag: int, read: Callable[[bytes], _T]) -> tuple[_T, ...]:
    """The members of a SET OF, each with `tag`, in the one order that DER allows (X.690 section 11.6).

    A member that is given twice is refused: what is read here are sets. Raises DerError.
    """
    members: list[_T] = []
    last = b""
    position, size = 0, len(octets)
    while position < size:
        begin = position
        found, _, start, position = element_at(octets, begin)
        whole = octets[begin:position]
        if whole == last:
            raise DerError(DerProblem.REPEATED, "a member of a set is given twice", begin)
        if whole < last:
            raise DerError(DerProblem.UNSORTED, "the members of a set are not in order", begin)
        members.append(read(content(DerElement(found, 0, octets[start:position]), tag)))
        last = whole
    return tuple(members)


def read_tag(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, number and the position behind them. Raises DerError."""
    first = data[position]
    if first & _HIGH != _HIGH:
        if first & 0xC0 == 0:
            return first, 0, position + 1
        return first & 0xE0, first & _HIGH, position + 1
    number = 0
    for place in range(position + 1, position + 1 + _NUMBER_OCTETS_MAX):
        if place >= len(data):
            raise DerError(DerProblem.TRUNCATED, "the tag is cut short", position)
        octet = data[place]
        if number == 0 and octet == 0x80:
            break
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            if number < _HIGH:
                break
            return first & 0xE0, number, place + 1
    else:
        raise DerError(DerProblem.TAG_TOO_LONG, "a tag number of more than 21 bits", position)
    raise DerError(DerProblem.TAG_NOT_MINIMAL, "the tag number has a shorter form", position)


def _length(data: bytes, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise DerError(DerProblem.TRUNCATED, "the length is missing", position)
    first = data[position]
    if first < 0x80:
        return first, position + 1
    return _long_length(data, position, first & 0x7F)


def _long_length(data: bytes, position: int, size: int) -> tuple[int, int]:
    if size == 0:
        raise DerError(DerProblem.LENGTH_INDEFINITE, "the length is indefinite", position)
    octets = data[position + 1 : position + 1 + size]
    if octets[:1] == b"\x00":
        raise DerError(DerProblem.LENGTH_NOT_MINIMAL, "the length has zeros before it", position)
    if size > _LENGTH_OCTETS_MAX:
        raise DerError(DerProblem.LENGTH_TOO_LONG, "a length of more than 24 bits", position)
    if len(octets) != size:
        raise DerError(DerProblem.TRUNCATED, "the length is cut short", position)
    length = int.from_bytes(octets, "big")
    if length < 0x80:
        raise DerError(DerProblem.LENGTH_NOT_MINIMAL, "the length has a shorter form", position)
    return length, position + 1 + size
