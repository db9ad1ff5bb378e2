"""Text on a SIM: GSM 7-bit default alphabet (3GPP TS 23.038 clause 6.2.1) and UCS2 (ETSI TS 102 221 annex A).

Offsets of errors are in bytes from the start of the text.
"""

import unicodedata
from typing import Final

DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The 128 characters in the order of their codes. 0x1B selects the extension table for the next code."""

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
    """Not text. `offset` is the invalid byte; `padding` is true if it is after the end of the text."""

    def __init__(self, offset: int, *, padding: bool = False) -> None:
        super().__init__(f"byte {offset}")
        self.offset = offset
        self.padding = padding


def decode_text(data: bytes) -> str:
    """The text of an alpha field without filler. The first byte selects one of four forms. Raises TextError.

    >>> decode_text(b"CUBACEL" + b"\\xff" * 9)
    'CUBACEL'
    """
    first = data[0] if data else FILLER
    if first == 0x80:
        return _decode_ucs2(data)
    if first in (0x81, 0x82):
        return _decode_paged(data)
    end = data.find(FILLER)
    return _decode_default(data if end < 0 else _without_filler(data, end), 0)


def _without_filler(data: bytes, end: int) -> bytes:
    """`data` up to `end`. The rest must be filler."""
    for offset in range(end, len(data)):
        if data[offset] != FILLER:
            raise TextError(offset, padding=True)
    return data[:end]


def _decode_default(data: bytes, start: int) -> str:
    text: list[str] = []
    escaped = False
    for offset, code in enumerate(data, start):
        if code > 0x7F or (escaped and code not in EXTENSION):
            raise TextError(offset)
        if code == ESCAPE and not escaped:
            escaped = True
            continue
        text.append(_printable(EXTENSION[code] if escaped else DEFAULT[code], offset))
        escaped = False
    if escaped:
        raise TextError(start + len(data) - 1)
    return "".join(text)


def _decode_ucs2(data: bytes) -> str:
    end = 1
    while end + 1 < len(data) and data[end : end + 2] != b"\xff\xff":
        end += 2
    content = _without_filler(data, end)
    return "".join(
        _printable(chr(int.from_bytes(content[offset : offset + 2])), offset) for offset in range(1, end, 2)
    )


def _decode_paged(data: bytes) -> str:
    """Forms 0x81 and 0x82: a length, the first code of a half page of 128 characters, then one byte a character."""
    header = 3 if data[0] == 0x81 else 4
    if len(data) < header or header + data[1] > len(data):
        raise TextError(1)
    base = data[2] << 7 if header == 3 else int.from_bytes(data[2:4])
    content = _without_filler(data, header + data[1])
    text: list[str] = []
    offset = header
    while offset < len(content):
        if content[offset] & 0x80:
            code = base + (content[offset] & 0x7F)
            text.append(_printable(chr(code) if code <= 0xFFFF else "\x00", offset))
            offset += 1
            continue
        end = offset + (2 if content[offset] == ESCAPE else 1)
        text.append(_decode_default(content[offset:end], offset))
        offset = end
    return "".join(text)


def _printable(character: str, offset: int) -> str:
    """Rejects control characters, surrogates, unassigned codes and marks that reorder text on a screen."""
    if unicodedata.category(character).startswith(("C", "Zl", "Zp")) and character not in _JOINERS:
        raise TextError(offset)
    return character
