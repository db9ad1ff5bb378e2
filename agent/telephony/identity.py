"""IMEI and IMEISV (3GPP TS 23.003 clause 6.2 and annex B)."""

import re
from typing import Final

from agent.telephony.results import in_plain_characters


def check_digit(digits: str) -> int:
    """The Luhn check digit of `digits` (3GPP TS 23.003 annex B).

    >>> check_digit("49015420323751")
    8
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


_QUOTED: Final = re.compile(r'"([^"]*)"')
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])([0-9]{14,17})(?=[Ff]?(?![0-9A-Za-z]))")
_SEPARATORS: Final = re.compile(r"(?<=[0-9])[ /.-](?=[0-9])")


def find_imeis(text: str) -> tuple[str, ...]:
    """The IMEIs in a line, with their check digit.

    A line states an IMEI with 14 digits (no check digit), 15 (the check digit, or 0 in its place, clause 6.2.1),
    16 (IMEISV, clause 6.2.2) or 17 (both), with or without a label, quotes, separators between
    the digits, a filler, or more fields.

    >>> find_imeis("IMEI: 49-015420-323751-8"), find_imeis("4901542032375101"), find_imeis("490154203237510,02")
    (('490154203237518',), ('490154203237518',), ('490154203237518',))
    """
    plain = _QUOTED.sub(lambda quoted: f'"{in_plain_characters(quoted[1])}"', text)
    numbers = _NUMBER.findall(plain) or _NUMBER.findall(_SEPARATORS.sub("", plain))
    return tuple(dict.fromkeys(imei for number in numbers if (imei := _as_imei(number))))


def _as_imei(number: str) -> str | None:
    """`number`, of 14 to 17 digits, as an IMEI; None if it is none, or was never written."""
    body = number[:14]
    if not body.strip("0"):
        return None
    imei = f"{body}{check_digit(body)}"
    stated = number[14:15] if len(number) in (15, 17) else ""
    return imei if stated in ("", imei[14], "0") else None
