"""Time zone polygons for the territory judgement, from timezonefinder.

The library and its polygons are loaded by the first lookup, which takes about a quarter of a second: by
`VerdictService.warm_up` when a server starts. The functions of the library share one finder, which is thread-safe for
reading.
"""


def zone_at(latitude: float, longitude: float) -> str | None:
    """The zone of the tz database at a position in degrees, `Etc/GMT...` at sea.

    Raises ValueError for degrees out of range.

    >>> zone_at(15.5, 32.56), zone_at(4.85, 31.58)
    ('Africa/Khartoum', 'Africa/Juba')
    """
    from timezonefinder import timezone_at  # noqa: PLC0415 - who judges no position loads no polygons

    return timezone_at(lng=longitude, lat=latitude)
