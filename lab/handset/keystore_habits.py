"""What makers of keystores do differently from DER and from the published schema, as changes of a written description.

The server names each of these habits as a deviation and goes on. The changes are made to the bytes, because the library
that writes the description (`key_attestation`) writes DER only.
"""

from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from typing import Final

from cryptography import x509

_HIGH: Final = 0x1F
_PATCH_LEVEL: Final = 706
_FLAG: Final = 503
_PURPOSE: Final = 1
_DEVICE: Final = 711


class KeystoreHabit(StrEnum):
    """A habit of a maker, in the order in which they are applied."""

    SET_UNSORTED = "set-unsorted"
    SET_REPEATED = "set-repeated"
    FLAG_WITH_VALUE = "flag-with-value"
    PATCH_LEVEL_ZERO = "patch-level-zero"
    TEXT_WITH_NUL = "text-with-nul"
    APPLICATION_EMPTY = "application-empty"
    UNKNOWN_TAG = "unknown-tag"
    TAG_REPEATED = "tag-repeated"
    TAGS_UNSORTED = "tags-unsorted"
    ENUMERATED_AS_INTEGER = "enumerated-as-integer"
    LONG_LENGTHS = "long-lengths"
    DATA_AFTER_END = "data-after-end"


def write_with(
    habits: Collection[KeystoreHabit], extension: x509.UnrecognizedExtension
) -> x509.UnrecognizedExtension:
    """`extension`, a key description in DER, as a maker with these habits writes it."""
    value = extension.value
    for habit in KeystoreHabit:
        if habit in habits:
            value = _HABITS[habit](value)
    return x509.UnrecognizedExtension(extension.oid, value)


def _in_lists(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    """A change of the authorizations of both lists, the last two members of the description."""

    def changed(description: bytes) -> bytes:
        *members, software, hardware = _elements(_content(description))
        lists = [
            _element(b"\x30", b"".join(change(_elements(_content(part))))) for part in (software, hardware)
        ]
        return _element(b"\x30", b"".join((*members, *lists)))

    return changed


def _in_tags(numbers: Iterable[int], change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A change of the values of the authorizations with these numbers."""
    identifiers = {_identifier(number) for number in numbers}

    def changed(authorizations: list[bytes]) -> list[bytes]:
        return [
            _element(head, change(_content(each))) if (head := _identifier_of(each)) in identifiers else each
            for each in authorizations
        ]

    return _in_lists(changed)


def _with(number: int, value: bytes) -> Callable[[bytes], bytes]:
    """An authorization more in each list that has any. Identifiers have the order of their numbers."""
    added = _element(_identifier(number), value)
    return _in_lists(lambda each: sorted([*each, added], key=_identifier_of) if each else each)


def _long_lengths(description: bytes) -> bytes:
    """The lengths of the description and of its members in four bytes."""
    members = _elements(_content(description))
    long = b"".join(_element(_identifier_of(each), _content(each), size=4) for each in members)
    return _element(b"\x30", long, size=4)


def _levels_as_integers(description: bytes) -> bytes:
    members = [b"\x02" + each[1:] if each[0] == 0x0A else each for each in _elements(_content(description))]
    return _element(b"\x30", b"".join(members))


def _elements(data: bytes) -> list[bytes]:
    """The elements of `data`, which is DER."""
    found = []
    while data:
        end = sum(_length(data))
        found.append(data[:end])
        data = data[end:]
    return found


def _identifier_of(element: bytes) -> bytes:
    end = 1
    if element[0] & _HIGH == _HIGH:
        while element[end] & 0x80:
            end += 1
        end += 1
    return element[:end]


def _length(element: bytes) -> tuple[int, int]:
    """Where the content begins, and its length."""
    place = len(_identifier_of(element))
    first = element[place]
    if first < 0x80:
        return place + 1, first
    start = place + 1 + (first & 0x7F)
    return start, int.from_bytes(element[place + 1 : start], "big")


def _content(element: bytes) -> bytes:
    start, length = _length(element)
    return element[start : start + length]


def _element(identifier: bytes, content: bytes, size: int = 0) -> bytes:
    """An element; its length has `size` bytes, or as few as DER requires."""
    length = len(content)
    if not size and length < 0x80:
        return identifier + bytes((length,)) + content
    size = size or (length.bit_length() + 7) // 8
    return identifier + bytes((0x80 | size,)) + length.to_bytes(size, "big") + content


def _identifier(number: int) -> bytes:
    """The EXPLICIT context tag of a number below 2**14 (X.690 section 8.1.2)."""
    if number < _HIGH:
        return bytes((0xA0 | number,))
    return bytes((0xBF, *((0x80 | number >> 7,) if number >= 0x80 else ()), number & 0x7F))


_HABITS: Final[dict[KeystoreHabit, Callable[[bytes], bytes]]] = {
    KeystoreHabit.SET_UNSORTED: _in_tags((_PURPOSE,), lambda _: bytes.fromhex("3106 020103 020102")),
    KeystoreHabit.SET_REPEATED: _in_tags(
        (_PURPOSE,), lambda each: _element(b"\x31", _content(each) + _elements(_content(each))[-1])
    ),
    KeystoreHabit.FLAG_WITH_VALUE: _in_tags((_FLAG,), lambda _: bytes.fromhex("0101ff")),
    KeystoreHabit.PATCH_LEVEL_ZERO: _in_tags((_PATCH_LEVEL,), lambda _: bytes.fromhex("020100")),
    KeystoreHabit.TEXT_WITH_NUL: _in_tags(
        (_DEVICE,), lambda each: _element(b"\x04", _content(each) + b"\x00")
    ),
    KeystoreHabit.APPLICATION_EMPTY: _with(709, b"\x04\x00"),
    KeystoreHabit.UNKNOWN_TAG: _with(799, b"\x05\x00"),
    KeystoreHabit.TAG_REPEATED: _in_lists(lambda each: [*each, *each[-1:]]),
    KeystoreHabit.TAGS_UNSORTED: _in_lists(lambda each: each[::-1]),
    KeystoreHabit.ENUMERATED_AS_INTEGER: _levels_as_integers,
    KeystoreHabit.LONG_LENGTHS: _long_lengths,
    KeystoreHabit.DATA_AFTER_END: lambda description: description + b"\x00\x00",
}
