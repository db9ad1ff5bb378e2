"""Grounds that a time zone does not distinguish, or on which networks of another territory are on the air.

ISO 3166-1 has no code for most of them. The outlines are our own, drawn between the positions of towns on either side,
and coarse: within 5 km of an edge (15 km for fronts that moved, 10 km for Luhansk) a position may get the other answer.
An outline counts only within its time zone, so an edge that is a border of that zone can lie beyond it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from server_stub.territory.mcc import SERVED_FROM

Outline = tuple[tuple[float, float], ...]
"""Corners of a polygon, latitude and longitude in degrees."""


@dataclass(frozen=True, slots=True)
class SpecialGround:
    """A time zone, or the part of it within `outline`.

    `territory` is its ISO 3166 code, `also` are codes that are right there too: of a part of the country, or, if
    `disputed`, of another party that claims or governs it. `served_from` are the territories whose networks are on the
    air there, in addition to those of `mcc.SERVED_FROM`.
    """

    zone: str
    territory: str
    also: tuple[str, ...] = ()
    disputed: bool = False
    served_from: frozenset[str] = frozenset()
    outline: Outline | None = None

    def contains(self, latitude: float, longitude: float) -> bool:
        """Whether a position within the zone is on this ground."""
        return self.outline is None or in_outline(latitude, longitude, self.outline)


def in_outline(latitude: float, longitude: float, outline: Outline) -> bool:
    """Whether a ray eastward crosses the outline an odd number of times."""
    inside = False
    for (north, west), (south, east) in zip(outline, outline[1:] + outline[:1], strict=True):
        if (north > latitude) != (south > latitude):
            crossing = west + (latitude - north) / (south - north) * (east - west)
            inside ^= longitude < crossing
    return inside


def served_from(territories: Iterable[str]) -> frozenset[str]:
    """The other territories whose networks can be received on ground with these codes."""
    return frozenset().union(*(SERVED_FROM.get(each, frozenset()) for each in territories))


_SEVASTOPOL: Final = (
    (44.84, 32.90), (44.84, 33.61), (44.73, 33.74), (44.66, 33.76), (44.58, 33.80), (44.55, 33.88), (44.47, 33.90),
    (44.41, 33.78), (44.38, 33.745), (44.10, 33.745), (44.10, 32.90),
)  # fmt: skip
"""From the sea, north of Kacha and Andriivka, east of Inkerman and the Baydar valley, to Cape Sarych. Bakhchysarai,
Pishchane, Krasnyi Mak and Foros are outside."""

_LUHANSK: Final = (
    (50.12, 38.05), (49.90, 37.98), (49.62, 37.88), (49.35, 37.86), (49.12, 37.97), (48.98, 38.12), (48.90, 38.22),
    (48.75, 38.28), (48.55, 38.30), (48.40, 38.46), (48.26, 38.58), (48.20, 38.80), (48.08, 38.84), (47.95, 38.95),
    (47.80, 39.00), (47.80, 40.50), (50.20, 40.50),
)  # fmt: skip
"""The oblast: Svatove, Kreminna, Popasna and Khrustalnyi are inside; Kupiansk, Siversk, Debaltseve and Snizhne not."""

_DONETSK: Final = (
    (48.95, 38.15), (48.80, 38.10), (48.62, 37.90), (48.45, 37.80), (48.30, 37.50), (48.12, 37.15), (47.95, 36.95),
    (47.85, 36.65), (47.60, 36.60), (47.30, 36.95), (46.85, 37.02), (46.60, 37.20), (46.80, 38.90), (47.60, 39.20),
    (47.95, 38.98), (48.20, 38.80), (48.40, 38.50), (48.70, 38.35), (48.95, 38.20),
)  # fmt: skip
"""The occupied part of the oblast, by the front of 2025: Bakhmut, Toretsk, Kurakhove and Mariupol are inside;
Kramatorsk, Sloviansk, Siversk and Pokrovsk not."""

_LEFT_BANK: Final = (
    (47.53, 34.50), (47.42, 34.20), (47.25, 33.98), (47.05, 33.72), (46.88, 33.50), (46.78, 33.36), (46.72, 33.10),
    (46.66, 32.80), (46.60, 32.62), (46.57, 32.50), (46.52, 32.20), (46.52, 31.50), (46.20, 31.40), (45.90, 32.50),
    (45.60, 33.50), (45.60, 35.20), (46.00, 36.00), (46.60, 37.20), (46.85, 37.02), (47.30, 36.95), (47.60, 36.60),
    (47.50, 36.20), (47.47, 35.80), (47.47, 35.40), (47.48, 35.00), (47.53, 34.75),
)  # fmt: skip
"""Ground of the oblasts of Kherson and Zaporizhzhia that Russia has occupied since 2022, by the front of 2025: Oleshky,
Nova Kakhovka, Enerhodar, Vasylivka, Tokmak and Berdiansk are inside; Kherson, Nikopol and Orikhiv not."""

_ABKHAZIA: Final = (
    (43.80, 39.90), (43.30, 39.80), (42.90, 40.60), (42.60, 41.20), (42.38, 41.50), (42.48, 41.65), (42.58, 41.80),
    (42.70, 41.95), (42.85, 42.05), (43.00, 42.15), (43.20, 42.40), (43.40, 42.20), (43.80, 41.00),
)  # fmt: skip
"""To the river Inguri: Gali and Tkvarcheli are inside; Zugdidi, Jvari and Khaishi not."""

_SOUTH_OSSETIA: Final = (
    (42.72, 43.70), (42.60, 43.50), (42.45, 43.50), (42.30, 43.55), (42.15, 43.68), (42.13, 43.85), (42.20, 43.95),
    (42.20, 44.02), (42.18, 44.25), (42.10, 44.38), (42.01, 44.46), (42.05, 44.58), (42.20, 44.62), (42.40, 44.60),
    (42.60, 44.30), (42.75, 43.90),
)  # fmt: skip
"""Tskhinvali, Kvaisa and Akhalgori are inside; Gori, Sachkhere, Oni and Dusheti not."""

_KARABAKH: Final = (
    (40.30, 46.30), (40.30, 46.85), (40.10, 46.92), (39.93, 46.92), (39.85, 47.20), (39.65, 47.10), (39.65, 46.75),
    (39.60, 46.50), (39.80, 46.45), (40.05, 46.20),
)  # fmt: skip
"""Where Armenian networks were on the air until September 2023: Stepanakert, Martakert and Martuni; not Shamkir, Agdam
or Fizuli."""

_KOSOVO: Final = (
    (42.83, 20.20), (42.83, 20.35), (42.93, 20.48), (43.05, 20.62), (43.20, 20.66), (43.27, 20.80), (43.22, 20.88),
    (43.10, 21.00), (43.00, 21.15), (42.97, 21.28), (42.86, 21.42), (42.72, 21.65), (42.68, 21.77), (42.57, 21.73),
    (42.45, 21.63), (42.35, 21.55), (42.20, 21.50), (41.80, 20.90), (41.80, 20.40), (42.20, 20.00), (42.70, 19.90),
)  # fmt: skip
"""Leposavic, Zubin Potok, Podujeva, Kamenica and Gjilan are inside; Novi Pazar, Raska, Medveda and Bujanovac not."""

_AKROTIRI: Final = (
    (34.68, 32.76), (34.69, 32.86), (34.65, 32.92), (34.64, 33.00), (34.63, 33.03), (34.54, 33.04), (34.54, 32.76),
)  # fmt: skip
_DHEKELIA: Final = (
    (35.00, 33.70), (35.03, 33.80), (35.10, 33.85), (35.10, 33.90), (35.05, 33.88), (34.98, 33.85), (34.95, 33.75),
    (34.96, 33.70),
)  # fmt: skip
"""The Sovereign Base Areas: Episkopi, Akrotiri and the garrison of Dhekelia; not Limassol, Kolossi or Larnaca."""

_BAIKONUR: Final = ((46.40, 62.80), (46.40, 63.90), (45.50, 63.90), (45.50, 62.80))
"""The town and the launch complex."""

_GUANTANAMO_BAY: Final = ((22.0, -90.0), (22.0, -60.0), (15.0, -60.0), (15.0, -90.0))
"""The library gives the naval base the zone of New York. No other ground of that zone is so far south."""

_ABYEI: Final = ((10 + 10 / 60, 27 + 50 / 60), (10 + 10 / 60, 29.0), (5.0, 29.0), (5.0, 27 + 50 / 60))
"""Award of the Permanent Court of Arbitration, 22 July 2009."""

_RUSSIA, _TURKEY, _ARMENIA = frozenset({"RU"}), frozenset({"TR"}), frozenset({"AM"})

SPECIAL_GROUNDS: Final = (
    SpecialGround("Europe/Simferopol", "UA-40", outline=_SEVASTOPOL),
    SpecialGround("Europe/Simferopol", "UA-43"),
    SpecialGround("Europe/Kyiv", "UA", ("UA-09",), outline=_LUHANSK),
    SpecialGround("Europe/Kyiv", "UA", ("UA-14",), outline=_DONETSK),
    SpecialGround("Europe/Kyiv", "UA", served_from=_RUSSIA, outline=_LEFT_BANK),
    SpecialGround("Asia/Tbilisi", "GE", served_from=_RUSSIA, outline=_ABKHAZIA),
    SpecialGround("Asia/Tbilisi", "GE", served_from=_RUSSIA, outline=_SOUTH_OSSETIA),
    SpecialGround("Asia/Baku", "AZ", served_from=_ARMENIA, outline=_KARABAKH),
    SpecialGround("Asia/Qyzylorda", "KZ", served_from=_RUSSIA, outline=_BAIKONUR),
    SpecialGround("Asia/Famagusta", "CY", served_from=_TURKEY),
    SpecialGround("Asia/Nicosia", "CY", ("GB",), disputed=True, outline=_AKROTIRI),
    SpecialGround("Asia/Nicosia", "CY", ("GB",), disputed=True, outline=_DHEKELIA),
    SpecialGround("Europe/Belgrade", "XK", ("RS",), disputed=True, outline=_KOSOVO),
    SpecialGround("America/New_York", "CU", ("US",), disputed=True, outline=_GUANTANAMO_BAY),
    SpecialGround("Africa/Khartoum", "SD", ("SS",), disputed=True, outline=_ABYEI),
)
"""The first that contains a position counts."""

_BY_ZONE: Final[dict[str, tuple[SpecialGround, ...]]] = {
    zone: tuple(each for each in SPECIAL_GROUNDS if each.zone == zone)
    for zone in {each.zone for each in SPECIAL_GROUNDS}
}


def special_ground(zone: str, latitude: float, longitude: float) -> SpecialGround | None:
    """The special ground at a position in degrees, or None.

    >>> special_ground("Asia/Tbilisi", 43.0, 41.02).served_from
    frozenset({'RU'})
    """
    return next((each for each in _BY_ZONE.get(zone, ()) if each.contains(latitude, longitude)), None)
