"""The part of DER (ITU-T X.690) that attestation needs beside `cryptography.hazmat.asn1`: a reader and a writer.

Why not that alone: see docs/decisions/0020-key-description-codec.md.
"""

from typing import Final, NamedTuple

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


class DerError(ValueError):
    """Octets are not DER, or not the value that belongs there. `offset` counts from its start."""

    def __init__(self, problem: str, offset: int = 0) -> None:
        super().__init__(f"{problem} at offset {offset}")
        self.problem = problem
        self.offset = offset


class Element(NamedTuple):
    """One tag, length, value. `tag` is the identifier octet; a `CONTEXT` tag has its `number` beside it."""

    tag: int
    number: int
    content: bytes


def elements(data: bytes) -> list[Element]:
    """Each element of `data`, which must hold whole elements and nothing else. Raises DerError."""
    found = []
    position, size = 0, len(data)
    while position < size:
        tag, number, position = read_tag(data, position)
        length, position = _length(data, position)
        end = position + length
        if end > size:
            raise DerError("value is cut short", position)
        found.append(Element(tag, number, data[position:end]))
        position = end
    return found


def only(data: bytes, tag: int) -> bytes:
    """The content of the one element that `data` is, with `tag`. Raises DerError."""
    if len(data) >= 2 and data[0] == tag and data[1] == len(data) - 2 < 0x80:
        return data[2:]
    found = elements(data)
    if len(found) != 1:
        raise DerError(f"{len(found)} elements where one belongs")
    return content(found[0], tag)


def content(element: Element, tag: int) -> bytes:
    """The content of `element`, which must carry `tag`. Raises DerError."""
    if element.tag != tag:
        raise DerError(f"tag 0x{element.tag:02x} where 0x{tag:02x} belongs")
    return element.content


def integer(octets: bytes) -> int:
    """A non-negative INTEGER or ENUMERATED of at most 8 octets. Raises DerError."""
    if not octets or len(octets) > 9:
        raise DerError(f"integer of {len(octets)} octets")
    if octets[0] & 0x80:
        raise DerError("negative integer")
    if len(octets) > 1 and octets[0] == 0 and not octets[1] & 0x80:
        raise DerError("integer is not minimal")
    return int.from_bytes(octets, "big")


def boolean(octets: bytes) -> bool:
    """A BOOLEAN. Raises DerError."""
    if octets not in (b"\x00", b"\xff"):
        raise DerError("boolean is neither 00 nor ff")
    return octets == b"\xff"


def encode(tag: int, value: bytes, number: int = 0) -> bytes:
    """One element; `number` goes with `CONTEXT`.

    >>> encode(INTEGER, b"\\x05").hex()
    '020105'
    >>> encode(CONTEXT, b"\\x05\\x00", 503).hex()
    'bf8377020500'
    """
    return encode_tag(tag, number) + _encode_length(len(value)) + value


def encode_integer(value: int, tag: int = INTEGER) -> bytes:
    """A non-negative INTEGER, or ENUMERATED by `tag`."""
    return encode(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def read_tag(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, number and the position behind them. Raises DerError."""
    first = data[position]
    if first & _HIGH != _HIGH:
        if first & 0xC0 == 0:
            return first, 0, position + 1
        return first & 0xE0, first & _HIGH, position + 1
    number = 0
    for place in range(position + 1, min(position + 1 + _NUMBER_OCTETS_MAX, len(data))):
        octet = data[place]
        if number == 0 and octet == 0x80:
            break
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            if number < _HIGH:
                break
            return first & 0xE0, number, place + 1
    raise DerError("tag number is cut short, too long or not minimal", position)


def _length(data: bytes, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise DerError("length is missing", position)
    first = data[position]
    if first < 0x80:
        return first, position + 1
    size = first & 0x7F
    octets = data[position + 1 : position + 1 + size]
    if not 1 <= size <= _LENGTH_OCTETS_MAX or len(octets) != size:
        raise DerError("length is indefinite, too long or cut short", position)
    length = int.from_bytes(octets, "big")
    if octets[0] == 0 or length < 0x80:
        raise DerError("length is not minimal", position)
    return length, position + 1 + size


def encode_tag(tag: int, number: int) -> bytes:
    """The identifier octets."""
    if tag & 0xC0 == 0:
        return bytes((tag,))
    if number < _HIGH:
        return bytes((tag | number,))
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes((tag | _HIGH, *reversed(octets)))


def _encode_length(length: int) -> bytes:
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets
