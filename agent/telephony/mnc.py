"""How long the MNC is where the SIM does not say (EF_AD ends before its fourth octet).

Within one MCC the length is a national decision (ITU-T E.212). Countries of three-digit codes are listed; where
both lengths serve the public, nothing is assumed and the MNC stays unknown; everywhere else it is two.
"""

from typing import Final

_NORTH_AMERICA: Final = (302, *range(310, 317), 334)
_CARIBBEAN: Final = (330, 338, 342, 344, 346, 348, 352, 354, 356, 358, 360, 365, 366, 376)
_LATIN_AMERICA: Final = (708, 722, 732, 750)

THREE_DIGITS: Final = frozenset(map(str, (*_NORTH_AMERICA, *_CARIBBEAN, *_LATIN_AMERICA)))

BOTH: Final = frozenset({"405", "441", "502", "525", "738"})


def assumed_mnc_length(mcc: str) -> int | None:
    """2, 3, or None where it cannot be known.

    >>> assumed_mnc_length("310"), assumed_mnc_length("368"), assumed_mnc_length("405")
    (3, 2, None)
    """
    if mcc in BOTH:
        return None
    return 3 if mcc in THREE_DIGITS else 2
