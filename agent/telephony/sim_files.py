"""Parsers of the elementary files of a SIM (3GPP TS 31.102 clause 4.2, ETSI TS 102 221 clause 13.2).

Each takes the content of one transparent file. Content that the clause does not permit raises SimFileError with file,
reason and offset.
"""

from typing import Final

from agent.telephony.alphabet import TextError, decode_text
from agent.telephony.errors import ElementaryFile, SimFileCode, SimFileError

_FILLER: Final = 0xF


def parse_iccid(content: bytes) -> str:
    """EF_ICCID, ten bytes (ETSI TS 102 221 clause 13.2): 18 to 20 digits, low nibble first, padded with F.

    The check digit is not verified: there are cards with a twentieth digit and cards with a wrong check digit.

    >>> parse_iccid(bytes.fromhex("98683081462002318379"))
    '89860318640220133897'
    """
    if len(content) != 10:
        raise SimFileError(ElementaryFile.ICCID, SimFileCode.LENGTH, min(len(content), 10))
    digits = _digits(ElementaryFile.ICCID, content, first_nibble=0)
    if len(digits) < 18:
        raise SimFileError(ElementaryFile.ICCID, SimFileCode.LENGTH, len(digits) // 2)
    return digits


def parse_imsi(content: bytes) -> str:
    """EF_IMSI, nine bytes (3GPP TS 31.102 clause 4.2.2): length, then the mobile identity of TS 24.008 10.5.1.4.

    An IMSI has 6 to 15 digits: MCC, an MNC of at least two digits, and at least one digit of the subscriber.

    >>> parse_imsi(bytes.fromhex("083901100000000010"))
    '310010000000001'
    """
    file = ElementaryFile.IMSI
    if len(content) != 9:
        raise SimFileError(file, SimFileCode.LENGTH, min(len(content), 9))
    length = content[0]
    if not 4 <= length <= 8:
        raise SimFileError(file, SimFileCode.LENGTH, 0)
    for offset in range(1 + length, len(content)):
        if content[offset] != 0xFF:
            raise SimFileError(file, SimFileCode.PADDING, offset)
    digits = _digits(file, content[1 : 1 + length], first_nibble=1, start=1)
    odd = len(digits) % 2 == 1
    if content[1] & 0x0F != (0x9 if odd else 0x1):
        raise SimFileError(file, SimFileCode.IDENTITY_TYPE, 1)
    if len(digits) not in (2 * length - 1, 2 * length - 2) or len(digits) < 6:
        raise SimFileError(file, SimFileCode.LENGTH, length)
    return digits


def parse_mnc_length(content: bytes) -> int | None:
    """The length of the MNC from the fourth byte of EF_AD (3GPP TS 31.102 clause 4.2.18); None if it is absent.

    A fourth byte FF (never written) counts as absent. Bits 5 to 8 are reserved and ignored.
    """
    if len(content) < 3:
        raise SimFileError(ElementaryFile.AD, SimFileCode.LENGTH, len(content))
    if len(content) == 3 or content[3] == 0xFF:
        return None
    length = content[3] & 0x0F
    if length not in (2, 3):
        raise SimFileError(ElementaryFile.AD, SimFileCode.MNC_LENGTH, 3)
    return length


def parse_spn(content: bytes) -> str | None:
    """The name in EF_SPN, seventeen bytes (3GPP TS 31.102 clause 4.2.12): display condition, then text.

    None if the name is empty.
    """
    if len(content) != 17:
        raise SimFileError(ElementaryFile.SPN, SimFileCode.LENGTH, min(len(content), 17))
    try:
        name = decode_text(content[1:])
    except TextError as error:
        code = SimFileCode.PADDING if error.padding else SimFileCode.CHARACTER
        raise SimFileError(ElementaryFile.SPN, code, error.offset + 1) from None
    return name.strip() or None


def parse_gid1(content: bytes) -> str | None:
    """EF_GID1 (3GPP TS 31.102 clause 4.2.10) in hexadecimal without filler; None if it was never written.

    At most twenty bytes, the limit of the evidence.
    """
    identifier = content.rstrip(b"\xff")
    if not content or len(identifier) > 20:
        raise SimFileError(ElementaryFile.GID1, SimFileCode.LENGTH, min(len(content), 20))
    return identifier.hex().upper() or None


def _digits(file: ElementaryFile, content: bytes, *, first_nibble: int, start: int = 0) -> str:
    """Digits in swapped nibbles from `first_nibble` on. After the first filler, all nibbles must be filler."""
    nibbles = [nibble for byte in content for nibble in (byte & 0x0F, byte >> 4)]
    digits = ""
    filled = False
    for position, nibble in enumerate(nibbles[first_nibble:], first_nibble):
        filled = filled or nibble == _FILLER
        if (nibble != _FILLER) if filled else (nibble > 9):
            raise SimFileError(file, SimFileCode.DIGIT, start + position // 2)
        digits += "" if filled else str(nibble)
    return digits
