"""The existing territory codes: ISO 3166-1 alpha-2 and ISO 3166-2, from pycountry, and XK."""

from functools import cache
from typing import Final

_USED: Final = {"XK"}
"""Kosovo: a user-assigned code of ISO 3166-1 that networks and vendors use."""


@cache
def known_territories() -> frozenset[str]:
    """All codes, loaded by the first call."""
    import pycountry  # noqa: PLC0415 - half a megabyte of data that only policy checks need

    countries = {country.alpha_2 for country in pycountry.countries}
    return frozenset(countries | {part.code for part in pycountry.subdivisions} | _USED)
