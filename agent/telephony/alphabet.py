"""Text on a SIM: GSM 7-bit default alphabet (3GPP TS 23.038 clause 6.2.1) and UCS2 (ETSI TS 102 221 annex A)."""

import unicodedata
from dataclasses import dataclass
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
    ESCAPE: " ",  # reserved for a further table; shown as a space
}
"""The characters after 0x1B. For any other code, the character of the default alphabet is shown (clause 6.2.1.1)."""

_FILLER: Final = 0xFF
_CARRIAGE_RETURN: Final = 0x0D
_LAST_ALPHABETIC: Final = 0x0FFF  # scripts with letters; later blocks are full of characters that end in FF

_JOINERS: Final = frozenset("\u200c\u200d")  # Persian and Indic spelling needs them


@dataclass(frozen=True, slots=True)
class SimText:
    """A text. `damaged` is true if it lacks a character that is not in the alphabet or not permitted."""

    text: str
    damaged: bool


def decode_text(data: bytes) -> SimText:
    """The text of an alpha field. The first byte selects one of four forms.

    The text ends at the filler FF, at a carriage return, at 0000 in UCS2, or where only zeros follow. A character that
    cannot be shown is left out.

    >>> decode_text(b"CUBACEL" + b"\\xff" * 9).text
    'CUBACEL'
    """
    if data[:1] == b"\x80":
        characters = _ucs2_characters(data[1:])
    elif data[:1] in (b"\x81", b"\x82"):
        characters = _paged_characters(data)
    else:
        characters = _default_characters(_without_zeros(data.partition(b"\xff")[0]))
    shown = [character for character in characters if _is_printable(character)]
    return SimText("".join(shown).strip(), len(shown) < len(characters))


def _without_zeros(data: bytes) -> bytes:
    """`data` without two or more zeros at its end: padding, and not the commercial at, whose code is 0."""
    content = data.rstrip(b"\0")
    return content if len(data) - len(content) >= 2 else data


def _default_characters(data: bytes) -> list[str]:
    """The characters of 7-bit codes; "" for a code above 7F."""
    characters: list[str] = []
    escaped = False
    for code in data:
        if code == _CARRIAGE_RETURN and not escaped:
            break
        if code == ESCAPE and not escaped:
            escaped = True
            continue
        default = DEFAULT[code] if code < len(DEFAULT) else ""
        characters.append(EXTENSION.get(code, default) if escaped else default)
        escaped = False
    return characters


def _ucs2_characters(data: bytes) -> list[str]:
    """Form 80: 16 bits for each character; "" for half of one."""
    characters: list[str] = []
    for offset in range(0, len(data), 2):
        unit = data[offset : offset + 2]
        code = int.from_bytes(unit)
        if unit in (b"\xff\xff", b"\0\0", b"\0\r") or unit == b"\xff":
            break
        # At the end of the text, a high byte and filler are half a character, at least where no letter ends in FF.
        cut = unit[-1] == _FILLER and code <= _LAST_ALPHABETIC and not data[offset + 2 :].strip(b"\xff")
        characters.append("" if cut or len(unit) < 2 else chr(code))
    return characters


def _paged_characters(data: bytes) -> list[str]:
    """Forms 81 and 82: a length, the first code of a half page of 128 characters, then one byte a character."""
    header = 3 if data[0] == 0x81 else 4
    base = data[2] << 7 if header == 3 and len(data) > 2 else int.from_bytes(data[2:4])
    content = data[header : header + data[1]] if len(data) > 1 else b""
    characters: list[str] = []
    offset = 0
    while offset < len(content):
        code = content[offset]
        if code == _FILLER and not content[offset:].strip(b"\xff"):
            break
        if code & 0x80:
            character = base + (code & 0x7F)
            characters.append(chr(character) if character <= 0xFFFF else "")
            offset += 1
            continue
        end = offset + (2 if code == ESCAPE else 1)
        characters += _default_characters(content[offset:end])
        offset = end
    return characters


def _is_printable(character: str) -> bool:
    """False for control characters, surrogates, unassigned codes and marks that reorder text on a screen."""
    if not character:
        return False
    return character in _JOINERS or not unicodedata.category(character).startswith(("C", "Zl", "Zp"))
