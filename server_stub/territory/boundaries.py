"""The territory of a position, from its time zone polygon, with rules where a zone is not enough.

A `ZoneAt` finds the polygon of a position, so nothing here reads a file. The rules:

1. South of 60 degrees south, land is Antarctica (`AQ`) in any zone (Antarctic Treaty, article VI). So is what lies
   south of 70 degrees: ice shelves, which the polygons count as sea.
2. `Etc/...`, or no zone, is the sea beyond 12 nautical miles: no territory. Waters within them belong to the coast.
3. `special_grounds` has the grounds that a zone does not distinguish: Sevastopol in Crimea, Kosovo in Serbia, bases,
   occupied ground. On disputed ground the confidence is low.
4. Every other zone belongs to its country in the tz database, see `boundary_zones`.
5. If the accuracy is worse than 1 km, points on the circle are looked up too; if their territories differ, the position
   can be in any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, hypot, radians, sin
from typing import Final

from server_stub.territory.boundary_zones import TERRITORY_BY_ZONE
from server_stub.territory.special_grounds import served_from, special_ground

ZoneAt = Callable[[float, float], str | None]
"""The name of the tz database for the zone at a latitude and longitude in degrees; None if there is none."""

CELL_REACH: Final = 35_000.0
"""The range of a cell in metres: the largest timing advance of GSM (3GPP TS 45.010 annex A: 63 steps of 550 m)."""

EXACT: Final = 1_000.0
"""A position with at most this accuracy in metres is used as a point."""

_METRES_PER_DEGREE: Final = 111_320.0
_DIRECTIONS, _RINGS = 16, 8
_SMALL: Final = {
    "GI": (36.14, -5.35),
    "MC": (43.74, 7.42),
    "MO": (22.17, 113.55),
    "SM": (43.94, 12.46),
    "VA": (41.90, 12.45),
}
"""The centres of territories that are narrower than the gaps between the points of `nearby`."""

_TREATY, _ICE_SHELVES = -60.0, -70.0


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground at a position. `zone` is None if no zone is known.

    `territory` is ISO 3166, None at sea or if an inaccurate position can be in several; `also` are the other possible
    ones. `disputed` means that two parties claim or govern the same ground. `served_from` are other territories whose
    networks are on the air there.
    """

    zone: str | None
    territory: str | None
    also: tuple[str, ...] = ()
    disputed: bool = False
    served_from: frozenset[str] = frozenset()

    @property
    def territories(self) -> tuple[str, ...]:
        """The possible territories, the indicated one first."""
        return (self.territory, *self.also) if self.territory else self.also

    @property
    def at_sea(self) -> bool:
        """Whether the zone is open sea and no coast is within the accuracy."""
        return _is_sea(self.zone) and not self.territories


def locate(latitude: float, longitude: float, accuracy: float | None, zone_at: ZoneAt) -> Ground:
    """The ground at a position in degrees of WGS 84, `accuracy` in metres.

    >>> locate(44.95, 34.1, None, lambda latitude, longitude: "Europe/Simferopol").territory
    'UA-43'
    """
    center = _ground(latitude, longitude, zone_at)
    if accuracy is None or accuracy <= EXACT:
        return center
    grounds = [center, *(_ground(*point, zone_at) for point in _circle(latitude, longitude, accuracy))]
    if center.territory and {each.territory for each in grounds} <= {center.territory, None}:
        return center
    territories = tuple(sorted({territory for each in grounds for territory in each.territories}))
    served = frozenset[str]().union(*(each.served_from for each in grounds))
    return Ground(center.zone, None, territories, served_from=served)


def nearby(latitude: float, longitude: float, accuracy: float | None, zone_at: ZoneAt) -> frozenset[str]:
    """The territories whose cells can be received at a position: those of the grounds in reach, and who serves them.

    A position that is not exact can be nearer by its accuracy in metres.
    """
    reach = CELL_REACH + (accuracy if accuracy and accuracy > EXACT else 0.0)
    points = [
        point for share in (0.1, 0.4, 0.7, 1.0) for point in _circle(latitude, longitude, reach * share)
    ]
    grounds = [_ground(*point, zone_at) for point in ((latitude, longitude), *points)]
    small = {
        territory for territory, center in _SMALL.items() if _distance((latitude, longitude), center) <= reach
    }
    return frozenset(small).union(*({*each.territories, *each.served_from} for each in grounds))


def _distance(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Metres between two positions, accurate enough for 135 km."""
    north = there[0] - here[0]
    east = (there[1] - here[1]) * cos(radians(here[0]))
    return hypot(north, east) * _METRES_PER_DEGREE


def _ground(latitude: float, longitude: float, zone_at: ZoneAt) -> Ground:
    zone = zone_at(latitude, longitude)
    if latitude <= (_ICE_SHELVES if _is_sea(zone) else _TREATY):
        return Ground(zone, "AQ", served_from=served_from(("AQ",)))
    if zone is None or _is_sea(zone):
        return Ground(zone, None)
    if special := special_ground(zone, latitude, longitude):
        served = special.served_from | served_from((special.territory, *special.also))
        return Ground(zone, special.territory, special.also, special.disputed, served)
    territory = TERRITORY_BY_ZONE.get(zone)
    return Ground(zone, territory, served_from=served_from((territory,) if territory else ()))


def _is_sea(zone: str | None) -> bool:
    return zone is None or zone.startswith("Etc/")


def _circle(latitude: float, longitude: float, radius: float) -> list[tuple[float, float]]:
    """Points on a circle around a position, accurate enough for a radius of 135 km."""
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
