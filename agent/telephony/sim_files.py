"""Parsers of the elementary files of a SIM (3GPP TS 31.102 clause 4.2, ETSI TS 102 221 clause 13.2).

Each takes the whole content of one transparent file. Content that has no meaning raises MalformedError with the reason.
"""

import re
from typing import Final

from agent.telephony.alphabet import SimText, decode_text
from agent.telephony.errors import FaultCode, MalformedError

_CARD_NUMBER: Final = re.compile(r"[0-9A-E]{10,20}")
_TELECOMMUNICATION: Final = "89"  # the first digits of an ICCID (ITU-T E.118)
_IMSI: Final = re.compile(r"[0-9]{6,15}")
_NAME_BYTES: Final = 64
_GROUP_BYTES: Final = 20


def parse_iccid(content: bytes) -> str:
    """EF_ICCID, ten bytes (ETSI TS 102 221 clause 13.2): 10 to 20 digits, low nibble first, padded with F.

    Some cards store the digits in their order. That is recognised by the first two, which are 89.

    The check digit is not verified: there are cards with a twentieth digit, with a wrong check digit, and with a
    hexadecimal digit in the issuer's part (ITU-T E.118).

    >>> parse_iccid(bytes.fromhex("98683081462002318379"))
    '89860318640220133897'
    """
    stored = content.hex().upper()
    swapped = _swap(stored)
    in_order = stored.startswith(_TELECOMMUNICATION) and not swapped.startswith(_TELECOMMUNICATION)
    return _as_card_number(stored if in_order else swapped)


def card_number(text: str) -> str:
    """An ICCID as a modem shows it: in the order of its digits, or as EF_ICCID stores it. Raises MalformedError.

    >>> card_number("984402003576012594F9"), card_number("8944200053671052499F")
    ('8944200053671052499', '8944200053671052499')
    """
    shown = text.upper()
    stored = _swap(_TELECOMMUNICATION)
    return _as_card_number(_swap(shown) if shown.startswith(stored) and len(shown) % 2 == 0 else shown)


def _swap(nibbles: str) -> str:
    return "".join(nibbles[at + 1] + nibbles[at] for at in range(0, len(nibbles), 2))


def _as_card_number(digits: str) -> str:
    number = digits.rstrip("F")
    if "F" in number:
        raise MalformedError(FaultCode.DIGIT)
    if not number.strip("0") or not _CARD_NUMBER.fullmatch(number):
        raise MalformedError(FaultCode.LENGTH)
    return number


def parse_imsi(content: bytes) -> str:
    """EF_IMSI, nine bytes (3GPP TS 31.102 clause 4.2.2): length, then the mobile identity of TS 24.008 10.5.1.4.

    An IMSI has 6 to 15 digits: MCC, an MNC of at least two digits, and at least one digit of the subscriber. The
    parity bit, and a length that the file cannot have, are ignored: the filler ends the digits.

    >>> parse_imsi(bytes.fromhex("083901100000000010"))
    '310010000000001'
    """
    length = content[0] if content and 4 <= content[0] < len(content) else len(content) - 1
    identity = content[1 : 1 + length]
    nibbles = "".join(f"{byte & 0x0F:X}{byte >> 4:X}" for byte in identity)
    digits = nibbles[1:].rstrip("F")
    if not digits.strip("0"):
        raise MalformedError(FaultCode.LENGTH)
    if identity[0] & 0x07 != 1:
        raise MalformedError(FaultCode.IDENTITY_TYPE)
    if not _IMSI.fullmatch(digits):
        raise MalformedError(FaultCode.DIGIT if re.search("[A-F]", digits) else FaultCode.LENGTH)
    return digits


def parse_mnc_length(content: bytes) -> int | None:
    """The length of the MNC from the fourth byte of EF_AD (3GPP TS 31.102 clause 4.2.18); None if it is absent.

    A fourth byte FF (never written) counts as absent. Bits 5 to 8 are reserved and ignored.
    """
    if len(content) < 3:
        raise MalformedError(FaultCode.LENGTH)
    if len(content) == 3 or content[3] == 0xFF:
        return None
    length = content[3] & 0x0F
    if length not in (2, 3):
        raise MalformedError(FaultCode.MNC_LENGTH)
    return length


def parse_spn(content: bytes) -> SimText:
    """The name in EF_SPN (3GPP TS 31.102 clause 4.2.12): display condition, then text of any length that cards have."""
    if len(content.rstrip(b"\xff")) > _NAME_BYTES:
        raise MalformedError(FaultCode.LENGTH)
    return decode_text(content[1:])


def parse_gid1(content: bytes) -> str | None:
    """EF_GID1 (3GPP TS 31.102 clause 4.2.10) in hexadecimal without filler; None if it was never written.

    At most twenty bytes, the limit of the evidence.
    """
    identifier = content.rstrip(b"\xff")
    if len(identifier) > _GROUP_BYTES:
        raise MalformedError(FaultCode.LENGTH)
    return identifier.hex().upper() or None
