"""The existing territory codes: ISO 3166-1 alpha-2 and ISO 3166-2, from pycountry, and XK."""

from functools import cache
from typing import Final

import pycountry

_USED: Final = {"XK"}
"""Kosovo: a user-assigned code of ISO 3166-1 that networks and vendors use."""


@cache
def known_territories() -> frozenset[str]:
    """All codes. pycountry reads its data at the first call."""
    countries = {country.alpha_2 for country in pycountry.countries}
    return frozenset(countries | {part.code for part in pycountry.subdivisions} | _USED)
