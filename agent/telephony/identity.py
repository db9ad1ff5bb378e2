"""IMEI (3GPP TS 23.003 clause 6.2 and annex B), and the length of the MNC of an IMSI."""

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
    """Whether `text` is fifteen digits, the last of which is the check digit."""
    return IMEI_FORM.fullmatch(text) is not None and check_digit(text[:14]) == int(text[14])


_NORTH_AMERICA: Final = (302, *range(310, 317), 334)
_CARIBBEAN: Final = (330, 338, 342, 344, 346, 348, 352, 354, 356, 358, 360, 365, 366, 376)
_LATIN_AMERICA: Final = (708, 722, 732, 750)

THREE_DIGITS: Final = frozenset(map(str, (*_NORTH_AMERICA, *_CARIBBEAN, *_LATIN_AMERICA)))
"""MCC with MNC of three digits. The length is decided nationally (ITU-T E.212)."""

BOTH: Final = frozenset({"405", "441", "502", "525", "738"})
"""MCC with MNC of either length."""


def assumed_mnc_length(mcc: str) -> int | None:
    """The length of the MNC if the SIM does not give it (EF_AD without its fourth byte). None if it is unknown.

    >>> assumed_mnc_length("310"), assumed_mnc_length("368"), assumed_mnc_length("405")
    (3, 2, None)
    """
    if mcc in BOTH:
        return None
    return 3 if mcc in THREE_DIGITS else 2
