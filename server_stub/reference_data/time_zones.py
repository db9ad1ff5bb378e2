"""Time zone polygons for the territory judgement, from timezonefinder.

The library and its polygons are loaded when the first position is looked up, which takes about a quarter of a second,
and not when a server starts. Its module functions share one finder that several threads may read.
"""


def zone_at(latitude: float, longitude: float) -> str | None:
    """The zone of the tz database at a position in degrees, `Etc/GMT...` at sea.

    Raises ValueError for degrees that are none.

    >>> zone_at(15.5, 32.56), zone_at(4.85, 31.58)
    ('Africa/Khartoum', 'Africa/Juba')
    """
    from timezonefinder import timezone_at  # noqa: PLC0415 - a server without positions does not pay for polygons

    return timezone_at(lng=longitude, lat=latitude)
