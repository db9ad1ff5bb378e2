"""Which territory codes exist: ISO 3166-1 alpha-2 and ISO 3166-2, by pycountry, and XK."""

from functools import cache
from typing import Final

_USED: Final = {"XK"}
"""Kosovo: a code that ISO 3166-1 leaves to users, and that networks and vendors use."""


@cache
def known_territories() -> frozenset[str]:
    """All codes. Loaded when first asked for."""
    import pycountry  # noqa: PLC0415 - half a megabyte of data that only a check of a policy needs

    countries = {country.alpha_2 for country in pycountry.countries}
    return frozenset(countries | {part.code for part in pycountry.subdivisions} | _USED)
