"""The identity of the equipment: IMEI (3GPP TS 23.003 clause 6.2 and annex B)."""

import re
from typing import Final

IMEI_FORM: Final = re.compile(r"[0-9]{15}")


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


def is_imei(text: str) -> bool:
    """True for fifteen digits of which the last is the check digit of the others."""
    return IMEI_FORM.fullmatch(text) is not None and check_digit(text[:14]) == int(text[14])
