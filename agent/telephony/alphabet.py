"""Text on a SIM: GSM 7-bit default alphabet (3GPP TS 23.038 clause 6.2.1) and UCS2 (ETSI TS 102 221 annex A).

Offsets of errors count from the first octet of the text.
"""

import unicodedata
from typing import Final

DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The 128 characters in the order of their codes; 0x1B escapes to the extension table."""

ESCAPE: Final = 0x1B

EXTENSION: Final = {
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

FILLER: Final = 0xFF

_JOINERS: Final = frozenset("\u200c\u200d")  # Persian and Indic spelling needs them


class TextError(Exception):
    """Not text. `offset` is the octet at fault; `padding` tells that it stands behind the end of the text."""

    def __init__(self, offset: int, *, padding: bool = False) -> None:
        super().__init__(f"octet {offset}")
        self.offset = offset
        self.padding = padding


def decode_text(octets: bytes) -> str:
    """The text of an alpha field, filler removed: one of the four forms, told by the first octet. Raises TextError.

    >>> decode_text(b"CUBACEL" + b"\\xff" * 9)
    'CUBACEL'
    """
    first = octets[0] if octets else FILLER
    if first == 0x80:
        return _decode_ucs2(octets)
    if first in (0x81, 0x82):
        return _decode_paged(octets)
    return _decode_default(_unfilled(octets, 0), 0)


def _unfilled(octets: bytes, start: int) -> bytes:
    """`octets` up to the first filler; nothing but filler may follow it."""
    end = octets.find(FILLER, start)
    return octets if end < 0 else _closed(octets, end)


def _closed(octets: bytes, end: int) -> bytes:
    for offset in range(end, len(octets)):
        if octets[offset] != FILLER:
            raise TextError(offset, padding=True)
    return octets[:end]


def _decode_default(octets: bytes, start: int) -> str:
    text: list[str] = []
    escaped = False
    for offset, code in enumerate(octets, start):
        if code > 0x7F or (escaped and code not in EXTENSION):
            raise TextError(offset)
        if code == ESCAPE and not escaped:
            escaped = True
            continue
        text.append(_printable(EXTENSION[code] if escaped else DEFAULT[code], offset))
        escaped = False
    if escaped:
        raise TextError(start + len(octets) - 1)
    return "".join(text)


def _decode_ucs2(octets: bytes) -> str:
    end = 1
    while end + 1 < len(octets) and octets[end : end + 2] != b"\xff\xff":
        end += 2
    content = _closed(octets, end)
    return "".join(
        _printable(chr(int.from_bytes(content[offset : offset + 2])), offset) for offset in range(1, end, 2)
    )


def _decode_paged(octets: bytes) -> str:
    """Forms 0x81 and 0x82: a length, the start of a half page of 128 characters, then one octet a character."""
    header = 3 if octets[0] == 0x81 else 4
    if len(octets) < header or header + octets[1] > len(octets):
        raise TextError(1)
    base = octets[2] << 7 if header == 3 else int.from_bytes(octets[2:4])
    content = _closed(octets, header + octets[1])
    return "".join(_paged(content, header, base))


def _paged(content: bytes, start: int, base: int) -> list[str]:
    text: list[str] = []
    offset = start
    while offset < len(content):
        if content[offset] & 0x80:
            code = base + (content[offset] & 0x7F)
            text.append(_printable(chr(code) if code <= 0xFFFF else "\x00", offset))
            offset += 1
            continue
        end = offset + (2 if content[offset] == ESCAPE else 1)
        text.append(_decode_default(content[offset:end], offset))
        offset = end
    return text


def _printable(character: str, offset: int) -> str:
    """Refuses controls, surrogates, unassigned codes and marks that reorder text on a screen."""
    if unicodedata.category(character).startswith(("C", "Zl", "Zp")) and character not in _JOINERS:
        raise TextError(offset)
    return character
