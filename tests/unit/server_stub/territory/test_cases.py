"""Difficult cases of territory with real polygons."""

from typing import Any

import pytest
from timezonefinder import TimezoneFinder

from server_stub.reference_data.time_zones import zone_at
from server_stub.territory.boundaries import locate, nearby
from server_stub.territory.boundary_zones import TERRITORY_BY_ZONE
from server_stub.territory.judgement import (
    Confidence,
    JudgementStatus,
    SignalOutcome,
    Source,
    confidence_level,
)
from tests.support.territory import Reported, answer_of, judgement_of
from wire.codes import Registration

PARIS, HAVANA, TEHRAN = (48.8566, 2.3522), (23.1136, -82.3666), (35.6892, 51.389)
SIMFEROPOL, SEVASTOPOL, HENICHESK = (44.9521, 34.1024), (44.6166, 33.5254), (46.17, 34.8)
GENEVA, KYIV, FAR = (46.2, 6.14), (50.45, 30.52), (46.5, 34.3)
BASE, ATLANTIC, ABYEI = (19.91, -75.13), (30.0, -40.0), (9.6, 28.43)


def case(
    description: str,
    answer: str,
    sims: tuple[str, ...] = (),
    serving: str | None = None,
    state: Registration | None = None,
    **others: Any,
) -> Any:
    return pytest.param(Reported(sims, serving, state, **others), answer, id=description)


HOME, ROAMING = Registration.HOME, Registration.ROAMING
CASES = [
    case("Cuban SIM in Paris: France", "FR", ("368-01",), "208-01", ROAMING),
    case("French SIM on a Havana network: Cuba", "CU", ("208-01",), "368-01", ROAMING),
    case("coast of Kherson, receiving Crimean cells: Ukraine without Crimea", "UA", serving="250-32", at=HENICHESK),
    case("Crimea, receiving Ukrainian cells: Crimea", "UA-43", serving="255-01", at=(46.1, 33.69)),
    case("Crimea with the Russian mainland code: Crimea", "UA-43", serving="250-01", at=SIMFEROPOL),
    case("operator of only Crimea under the Russian code", "UA-43", serving="250-60"),
    case("operator of only Crimea under the Ukrainian code", "UA-43", serving="255-60"),
    case("Sevastopol: its own code in the same zone", "UA-40", at=SEVASTOPOL),
    case("operator of Crimea in Sevastopol: Sevastopol", "UA-40", serving="250-60", at=SEVASTOPOL),
    case("Russian code in Russia: Russia", "RU", serving="250-01", at=(55.7558, 37.6173)),
    case("Wi-Fi country Ukraine in Crimea: Crimea", "UA-43", wifi="UA", at=SIMFEROPOL),
    case("Khartoum: Sudan", "SD", at=(15.5007, 32.5599)),
    case("Juba: South Sudan", "SS", at=(4.8594, 31.5713)),
    case("code of South Sudan: South Sudan", "SS", serving="659-02"),
    case("Abyei, claimed by both: the country of the cell", "SS", serving="659-02", at=ABYEI),
    case("Kinshasa: the Democratic Republic", "CD", at=(-4.32, 15.31)),
    case("Brazzaville, across the river: the Republic", "CG", serving="630-01", at=(-4.27, 15.27)),
    case("Lubumbashi: another zone of the same country", "CD", at=(-11.66, 27.48)),
    case("ground of the base: Cuba by ISO 3166", "CU", at=BASE),
    case("network of the United States at the base", "US", serving="310-410", at=BASE),
    case("Cuban network at the base", "CU", serving="368-01", at=BASE),
    case("Guantanamo city: only Cuba", "CU", at=(20.14, -75.21)),
    case("Pyongyang: its own zone", "KP", at=(39.0392, 125.7625)),
    case("test network: unknown", "unknown", serving="001-01"),
    case("private network: unknown", "unknown", serving="999-40"),
    case("SIM of an international operator: unknown", "unknown", ("901-28",)),
    case("satellite network, received in many countries: unknown", "unknown", ("208-01",), "901-05"),
    case("satellite network with Wi-Fi: the Wi-Fi country", "IR", serving="901-05", wifi="IR"),
    case("access point of a ship: unknown", "unknown", ("368-01",), "901-12", ROAMING, wifi="FR"),
    case("ship in port: the country of the port", "FR", serving="901-12", at=(43.3, 5.37)),
    case("aircraft over Iran: unknown", "unknown", ("432-11",), "901-14"),
    case("position in the Atlantic: unknown", "unknown", ("208-01",), at=ATLANTIC, wifi="FR"),
    case("near a coast, receiving its cells: the country of the coast", "CU", serving="368-01", at=(23.45, -82.3666)),
    case("Cuban cell in the middle of the ocean: contradictory", "contradictory", serving="368-01", at=ATLANTIC),
    case("no SIM, no network, no Wi-Fi", "unknown", state=Registration.NOT_REGISTERED),
    case("airplane mode with Wi-Fi", "IR", ("208-01",), state=Registration.NOT_REGISTERED, wifi="IR"),
    case("no SIM, on Wi-Fi", "SY", wifi="SY"),
    case("VPN exit against a cell: the cell", "IR", serving="432-11", source="DE"),
    case("VPN exit against Wi-Fi: Wi-Fi", "IR", wifi="IR", source="DE"),
    case("only an address: the country of the address", "CU", source="CU"),
    case("cell of an hour ago against Wi-Fi: Wi-Fi", "FR", serving="368-01", age=3600, wifi="FR"),
    case("only a cell of an hour ago: the cell", "CU", serving="368-01", age=3600),
    case("only a cell of more than a day ago: unknown", "unknown", serving="368-01", age=86_401),
    case("position against an old cell: the position", "FR", serving="368-01", age=3600, at=PARIS),
    case("Iranian cell in Paris: contradictory", "contradictory", serving="432-11", at=PARIS),
    case("French cell in Tehran: contradictory", "contradictory", serving="208-01", at=TEHRAN),
    case("roaming without a network name: the SIM is not used", "unknown", ("368-01",), state=ROAMING),
    case("at home without a network name: the SIM decides", "CU", ("368-01",), state=HOME, wifi="FR"),
    case("Wi-Fi and address against a position: contradictory", "contradictory", at=PARIS, wifi="IR", source="IR"),
    case("only Wi-Fi against a position: the position", "FR", at=PARIS, wifi="IR"),
    case("Wi-Fi and address of a neighbour in reach: the position", "CH", at=GENEVA, wifi="FR", source="FR"),
    case("inaccurate position at the isthmus: unknown", "unknown", at=(46.1, 33.69), accuracy=30_000),
    case("inaccurate position with a cell: the cell", "UA", serving="255-01", at=(46.1, 33.69), accuracy=30_000),
    case("Kosovo, which has no zone", "XK", serving="221-02", at=(42.66, 21.16)),
    case("SIM at home with a position: the position", "FR", ("208-01",), state=HOME, at=PARIS, wifi="IR", source="IR"),
    case("Wi-Fi and address of Russia in Crimea: Crimea", "UA-43", at=SIMFEROPOL, wifi="RU", source="RU"),
    case("Wi-Fi of the United States at the base", "US", at=BASE, wifi="US", source="US"),
    case("only the address of the United States at the base", "CU", at=BASE, source="US"),
    case("Wi-Fi and address of the state in Puerto Rico", "PR", at=(18.4, -66.1), wifi="US", source="US"),
    case("Wi-Fi and address of France in Reunion", "RE", at=(-20.88, 55.45), wifi="FR", source="FR"),
    case("Wi-Fi and address of the United States at McMurdo", "AQ", at=(-77.85, 166.67), wifi="US", source="US"),
    case("Wi-Fi and address of Iran at McMurdo", "contradictory", at=(-77.85, 166.67), wifi="IR", source="IR"),
    case("Wi-Fi and address of Russia in Sukhumi", "GE", at=(43.0, 41.02), wifi="RU", source="RU"),
    case("Wi-Fi and address of Russia in Tbilisi", "contradictory", at=(41.69, 44.83), wifi="RU", source="RU"),
    case("inaccurate position in Donetsk and its network", "UA-14", serving="250-97", at=(48.0, 37.8), accuracy=5000),
    case("Crimean cell too far from an exact position", "contradictory", serving="250-32", at=FAR),
    case("Crimean cell in reach of an inaccurate position", "UA", serving="250-32", at=FAR, accuracy=25_000),
    case("Crimean cell, position inaccurate in Kyiv", "contradictory", serving="250-32", at=KYIV, accuracy=50_000),
    case("Antarctic station on an ice shelf", "AQ", serving="262-01", at=(-70.67, -8.27)),
    case("Wi-Fi of the other party in Abyei", "SS", at=ABYEI, wifi="SS"),
    case("network of the United States in Puerto Rico", "PR", serving="310-410", at=(18.4, -66.1)),
    case("Antarctica", "AQ", at=(-77.85, 166.67)),
    case("Antarctic station with the zone of a country", "AQ", at=(-80.0, 0.0)),
]  # fmt: skip


@pytest.mark.parametrize(("reported", "answer"), CASES)
def test_difficult_case_has_its_result(reported: Reported, answer: str) -> None:
    assert answer_of(reported) == answer, judgement_of(reported).explanation


def test_position_on_disputed_ground_has_low_confidence() -> None:
    for at in (BASE, ABYEI):
        assert confidence_level(judgement_of(Reported(at=at)).confidence) is Confidence.LOW


def test_cell_across_the_border_has_its_own_reason() -> None:
    judgement = judgement_of(Reported(serving="250-32", at=HENICHESK))
    assert [each.reason.value for each in judgement.findings if each.outcome is SignalOutcome.OVERRULED] == [
        "cell-reaches-across-border"
    ]


def test_each_zone_of_the_polygons_has_a_territory() -> None:
    names = {name for name in TimezoneFinder().timezone_names if not name.startswith("Etc/")}
    assert names - TERRITORY_BY_ZONE.keys() == {"Europe/Simferopol"}


@pytest.mark.parametrize(
    ("name", "at", "territory"),
    [
        ("Kacha", (44.777, 33.545), "UA-40"), ("Balaklava", (44.5, 33.6), "UA-40"),
        ("Inkerman", (44.61, 33.6), "UA-40"), ("Orlyne", (44.45, 33.77), "UA-40"),
        ("Bakhchysarai", (44.75, 33.86), "UA-43"), ("Yalta", (44.5, 34.16), "UA-43"),
        ("Foros", (44.39, 33.787), "UA-43"), ("Kerch", (45.36, 36.47), "UA-43"),
    ],
)  # fmt: skip
def test_outline_of_sevastopol_contains_its_towns(name: str, at: tuple[float, float], territory: str) -> None:
    assert locate(*at, None, zone_at).territory == territory


@pytest.mark.parametrize(
    ("at", "territory"),
    [
        ((90.0, 0.0), None), ((-90.0, 180.0), "AQ"), ((0.0, 180.0), None), ((0.0, -180.0), None),
        ((-16.8, 179.99), "FJ"),
    ],
)  # fmt: skip
def test_positions_at_poles_and_date_line_are_located(at: tuple[float, float], territory: str | None) -> None:
    assert locate(*at, 100_000.0, zone_at).territory == territory
    assert bool(nearby(*at, 100_000.0, zone_at)) == bool(territory)


def test_position_overrules_wifi() -> None:
    judgement = judgement_of(Reported(at=HAVANA, wifi="FR"))
    assert judgement.status is JudgementStatus.RESOLVED
    assert judgement.decided_by is not None
    assert judgement.decided_by.source is Source.POSITION
