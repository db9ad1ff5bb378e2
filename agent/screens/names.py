"""Territories and times as text, with the CLDR data of Babel."""

from collections.abc import Mapping
from typing import Final

from babel import Locale
from babel.dates import UTC, format_datetime, get_date_format, get_datetime_format

from agent.screens.fill import isolated
from agent.screens.tags import formats

LAST_MOMENT: Final = 253_402_300_799
"""9999-12-31T23:59:59Z. Later times are shown as this one."""

_DIGITS: Final = {
    "arab": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}
"""The digits of the numbering systems of CLDR, which Babel names and does not write."""


def moment(seconds: int, tag: str) -> str:
    """A time, in seconds since the epoch, as date and time of day in UTC, isolated, for any language tag.

    >>> moment(1631700000, "en")[1:-1], moment(1631700000, "en-GB")[1:-1]
    ('September 15, 2021, 10:00 UTC', '15 September 2021, 10:00 UTC')
    """
    locale = formats(tag)
    date = get_date_format("long", locale=locale).pattern
    pattern = (
        str(get_datetime_format("long", locale=locale)).replace("{1}", date).replace("{0}", "HH:mm 'UTC'")
    )
    shown = format_datetime(min(max(seconds, 0), LAST_MOMENT), pattern, tzinfo=UTC, locale=locale)
    return isolated(shown.translate(_DIGITS.get(locale.default_numbering_system, {})))


def territory(code: str, language: str, own: Mapping[str, str]) -> str:
    """The name of an ISO 3166 code, isolated. `own` has priority; an unknown code is shown unchanged.

    A part of a country (ISO 3166-2) without an entry in `own` is shown as the country with the code.
    """
    known = Locale.parse(language).territories
    country, _, part = code.partition("-")
    if code in own:
        return isolated(own[code])
    if country in known:
        return isolated(f"{known[country]} ({code})" if part else known[country])
    return isolated(code)
