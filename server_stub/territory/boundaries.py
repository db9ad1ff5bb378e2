"""The territory of a position, from its time zone polygon, with rules where a zone is not enough.

A `ZoneAt` finds the polygon of a position, so nothing here reads a file. The rules:

1. South of 60 degrees south, land is Antarctica (`AQ`) in any zone (Antarctic Treaty, article VI).
2. `Etc/...`, or no zone, is the sea beyond 12 nautical miles: no territory. Waters within them belong to the coast.
3. `Europe/Simferopol` is Crimea, `UA-43`, and within the outline of the city `UA-40`, Sevastopol. The outline is
   coarse: within some 5 km of its edge, a position may get the other of the two codes.
4. `America/New_York` south of 22 degrees north is the naval base at Guantanamo Bay. ISO 3166 has no code for it and
   counts its ground as Cuba (`CU`); the United States govern it. A position gives `CU`, with low confidence.
5. `Africa/Khartoum` between 27.83 and 29 degrees east, south of 10.17 degrees north, is Abyei (award of the Permanent
   Court of Arbitration, 22 July 2009), which Sudan and South Sudan both claim: `SD` or `SS`, with low confidence.
6. `Europe/Belgrade` is Serbia and Kosovo: `RS` or `XK`.
7. Every other zone belongs to its country in the tz database, see `boundary_zones`.
8. If the accuracy is worse than 1 km, points on the circle are looked up too; if their territories differ, the position
   can be in any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Final

from server_stub.territory.boundary_zones import TERRITORY_BY_ZONE

ZoneAt = Callable[[float, float], str | None]
"""The name of the tz database for the zone at a latitude and longitude in degrees; None if there is none."""

CELL_REACH: Final = 35_000.0
"""The range of a cell in metres: the largest timing advance of GSM (3GPP TS 45.010 annex A: 63 steps of 550 m)."""

EXACT: Final = 1_000.0
"""A position with at most this accuracy in metres is used as a point."""

_METRES_PER_DEGREE: Final = 111_320.0
_DIRECTIONS: Final = 16
_TREATY: Final = -60.0
_BASE_ZONE, _BASE_NORTH = "America/New_York", 22.0
_ABYEI_ZONE, _ABYEI_NORTH, _ABYEI_WEST, _ABYEI_EAST = "Africa/Khartoum", 10 + 10 / 60, 27 + 50 / 60, 29.0
_CRIMEA_ZONE: Final = "Europe/Simferopol"

_SEVASTOPOL: Final = (
    (44.84, 32.90),
    (44.84, 33.61),
    (44.73, 33.74),
    (44.66, 33.76),
    (44.58, 33.80),
    (44.55, 33.88),
    (44.47, 33.90),
    (44.41, 33.78),
    (44.38, 33.745),
    (44.10, 33.745),
    (44.10, 32.90),
)
"""Corners, latitude and longitude: from the sea, north of Kacha and Andriivka, east of Inkerman and the Baydar valley,
to Cape Sarych. Bakhchysarai, Pishchane, Krasnyi Mak and Foros are outside."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground at a position. `zone` is None if no zone is known.

    `territory` is ISO 3166, None at sea or if an inaccurate position can be in several; `also` are the other possible
    ones. `disputed` means that two parties claim or govern the same ground.
    """

    zone: str | None
    territory: str | None
    also: tuple[str, ...] = ()
    disputed: bool = False

    @property
    def at_sea(self) -> bool:
        """Whether the zone is open sea and no coast is within the accuracy."""
        return _is_sea(self.zone) and not self.also


def locate(latitude: float, longitude: float, accuracy: float | None, zone_at: ZoneAt) -> Ground:
    """The ground at a position in degrees of WGS 84, `accuracy` in metres.

    >>> locate(44.95, 34.1, None, lambda latitude, longitude: "Europe/Simferopol").territory
    'UA-43'
    """
    center = _ground(latitude, longitude, zone_at)
    if accuracy is None or accuracy <= EXACT:
        return center
    around = [_ground(*point, zone_at) for point in _circle(latitude, longitude, accuracy)]
    touched = {center.territory, *center.also}.union(*({each.territory, *each.also} for each in around))
    territories = tuple(sorted(territory for territory in touched if territory))
    if len({center.territory, *(each.territory for each in around)} - {None}) <= 1 and center.territory:
        return center
    return Ground(center.zone, None, territories)


def nearby(latitude: float, longitude: float, zone_at: ZoneAt) -> frozenset[str]:
    """The territories whose cells can be received at a position."""
    points = [
        point for share in (0.1, 0.4, 0.7, 1.0) for point in _circle(latitude, longitude, CELL_REACH * share)
    ]
    grounds = [_ground(*point, zone_at) for point in points]
    return frozenset(
        territory for each in grounds for territory in (each.territory, *each.also) if territory is not None
    )


def _ground(latitude: float, longitude: float, zone_at: ZoneAt) -> Ground:
    zone = zone_at(latitude, longitude)
    if zone is None or _is_sea(zone):
        return Ground(zone, None)
    if latitude <= _TREATY:
        return Ground(zone, "AQ")
    return _special(zone, latitude, longitude) or Ground(zone, TERRITORY_BY_ZONE.get(zone))


def _special(zone: str, latitude: float, longitude: float) -> Ground | None:
    """Rules 3 to 6: the ground of a zone that has several territories, or None."""
    if zone == _CRIMEA_ZONE:
        return Ground(zone, "UA-40" if _in_outline(latitude, longitude, _SEVASTOPOL) else "UA-43")
    if zone == _BASE_ZONE and latitude < _BASE_NORTH:
        return Ground(zone, "CU", ("US",), disputed=True)
    if zone == _ABYEI_ZONE and latitude <= _ABYEI_NORTH and _ABYEI_WEST <= longitude <= _ABYEI_EAST:
        return Ground(zone, "SD", ("SS",), disputed=True)
    if zone == "Europe/Belgrade":
        return Ground(zone, "RS", ("XK",))
    return None


def _is_sea(zone: str | None) -> bool:
    return zone is None or zone.startswith("Etc/")


def _circle(latitude: float, longitude: float, radius: float) -> list[tuple[float, float]]:
    """Points on a circle around a position, accurate enough for a radius of 100 km."""
    step = radius / _METRES_PER_DEGREE
    # Meridians meet at the poles, so the factor is limited there.
    stretch = 1 / max(cos(radians(latitude)), 0.01)
    angles = [radians(360 * index / _DIRECTIONS) for index in range(_DIRECTIONS)]
    return [
        (
            max(-90.0, min(90.0, latitude + step * cos(angle))),
            (longitude + step * stretch * sin(angle) + 180) % 360 - 180,
        )
        for angle in angles
    ]


def _in_outline(latitude: float, longitude: float, outline: tuple[tuple[float, float], ...]) -> bool:
    """Whether a ray eastward crosses the outline an odd number of times."""
    inside = False
    for (north, west), (south, east) in zip(outline, outline[1:] + outline[:1], strict=True):
        if (north > latitude) != (south > latitude):
            crossing = west + (latitude - north) / (south - north) * (east - west)
            inside ^= longitude < crossing
    return inside
