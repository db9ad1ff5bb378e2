"""The hard cases of where a phone is, each with its reason, over real polygons."""

from dataclasses import dataclass

import pytest
from timezonefinder import TimezoneFinder

from server_stub.reference_data.time_zones import zone_at
from server_stub.territory import signals as make
from server_stub.territory.boundaries import locate, nearby
from server_stub.territory.boundary_zones import TERRITORY_BY_ZONE
from server_stub.territory.judgement import (
    Confidence,
    Judgement,
    JudgementStatus,
    SignalOutcome,
    Source,
    confidence_level,
    judge,
)
from wire.codes import Registration
from wire.evidence import Location, Plmn

PARIS, HAVANA, TEHRAN = (48.8566, 2.3522), (23.1136, -82.3666), (35.6892, 51.389)
SIMFEROPOL, SEVASTOPOL, HENICHESK = (44.9521, 34.1024), (44.6166, 33.5254), (46.17, 34.8)
GENEVA = (46.2, 6.14)
BASE, ATLANTIC, ABYEI = (19.91, -75.13), (30.0, -40.0), (9.6, 28.43)


@dataclass(frozen=True)
class Case:
    """One phone. `answer` is a territory, or the status where there is none."""

    description: str
    answer: str
    sims: tuple[str, ...] = ()
    serving: str | None = None
    state: Registration | None = None
    at: tuple[float, float] | None = None
    accuracy: float | None = None
    wifi: str | None = None
    source: str | None = None
    age: int | None = None


HOME, ROAMING = Registration.HOME, Registration.ROAMING
CASES = [
    Case("a Cuban card in Paris is in France", "FR", ("368-01",), "208-01", ROAMING),
    Case("a French card on a Havana network is in Cuba", "CU", ("208-01",), "368-01", ROAMING),
    Case("Kherson's shore hears Crimean cells and is not Crimea", "UA", serving="250-32", at=HENICHESK),
    Case("Crimea hears Ukrainian cells and is Crimea", "UA-43", serving="255-01", at=(46.1, 33.69)),
    Case("the Russian mainland code does not move Crimea", "UA-43", serving="250-01", at=SIMFEROPOL),
    Case("an operator of Crimea alone under Russia's code", "UA-43", serving="250-60"),
    Case("the same under Ukraine's code", "UA-43", serving="255-60"),
    Case("Sevastopol is a code of its own, in the same zone", "UA-40", at=SEVASTOPOL),
    Case("Crimea's operators serve Sevastopol too", "UA-40", serving="250-60", at=SEVASTOPOL),
    Case("a Russian code in Russia is Russia", "RU", serving="250-01", at=(55.7558, 37.6173)),
    Case("Wi-Fi says Ukraine, which is true of Crimea", "UA-43", wifi="UA", at=SIMFEROPOL),
    Case("Khartoum is Sudan", "SD", at=(15.5007, 32.5599)),
    Case("Juba is South Sudan", "SS", at=(4.8594, 31.5713)),
    Case("South Sudan's code is not Sudan's", "SS", serving="659-02"),
    Case("Abyei is claimed by both, its cell tells which", "SS", serving="659-02", at=ABYEI),
    Case("Kinshasa is the Democratic Republic", "CD", at=(-4.32, 15.31)),
    Case("Brazzaville is the Republic, across the river", "CG", serving="630-01", at=(-4.27, 15.27)),
    Case("Lubumbashi has a zone of its own in the same country", "CD", at=(-11.66, 27.48)),
    Case("the base's ground is Cuba by ISO 3166", "CU", at=BASE),
    Case("a network of the United States at the base", "US", serving="310-410", at=BASE),
    Case("a Cuban network at the base", "CU", serving="368-01", at=BASE),
    Case("Guantanamo city is Cuba and nothing else", "CU", at=(20.14, -75.21)),
    Case("Pyongyang keeps its own clock", "KP", at=(39.0392, 125.7625)),
    Case("a test network is nowhere", "unknown", serving="001-01"),
    Case("a private network is nowhere", "unknown", serving="999-40"),
    Case("a card of an international operator is from nowhere", "unknown", ("901-28",)),
    Case("a satellite is heard in many countries", "unknown", ("208-01",), "901-05"),
    Case("Wi-Fi tells where the satellite phone is", "IR", serving="901-05", wifi="IR"),
    Case("a ship's access point is no country", "unknown", ("368-01",), "901-12", ROAMING, wifi="FR"),
    Case("a ship in port is where the port is", "FR", serving="901-12", at=(43.3, 5.37)),
    Case("an aircraft over Iran is not in a network of Iran", "unknown", ("432-11",), "901-14"),
    Case("a position in the Atlantic is no territory", "unknown", ("208-01",), at=ATLANTIC, wifi="FR"),
    Case("off a coast its cells are still heard", "CU", serving="368-01", at=(23.45, -82.3666)),
    Case("no Cuban cell reaches the middle of the ocean", "contradictory", serving="368-01", at=ATLANTIC),
    Case("no card, no network, no Wi-Fi", "unknown", state=Registration.NOT_REGISTERED),
    Case("airplane mode with Wi-Fi", "IR", ("208-01",), state=Registration.NOT_REGISTERED, wifi="IR"),
    Case("a phone without a card on Wi-Fi", "SY", wifi="SY"),
    Case("a VPN exit loses against a cell", "IR", serving="432-11", source="DE"),
    Case("and against Wi-Fi", "IR", wifi="IR", source="DE"),
    Case("an address alone is a guess, and an answer", "CU", source="CU"),
    Case("a cell heard an hour ago loses against Wi-Fi", "FR", serving="368-01", age=3600, wifi="FR"),
    Case("it still tells something alone", "CU", serving="368-01", age=3600),
    Case("after a day it tells nothing", "unknown", serving="368-01", age=86_401),
    Case("a position overrules a stale cell", "FR", serving="368-01", age=3600, at=PARIS),
    Case("an Iranian cell is not heard in Paris", "contradictory", serving="432-11", at=PARIS),
    Case("nor is a French one in Tehran", "contradictory", serving="208-01", at=TEHRAN),
    Case("roaming with no network named, the card is from elsewhere", "unknown", ("368-01",), state=ROAMING),
    Case("at home with no network named, the card tells", "CU", ("368-01",), state=HOME, wifi="FR"),
    Case("Wi-Fi and address together against a lone position", "contradictory", at=PARIS, wifi="IR", source="IR"),
    Case("Wi-Fi alone does not stand against a position", "FR", at=PARIS, wifi="IR"),
    Case("both of a neighbour in reach, as a router bought there says", "CH", at=GENEVA, wifi="FR", source="FR"),
    Case("30 km of accuracy at the isthmus tells no side", "unknown", at=(46.1, 33.69), accuracy=30_000),
    Case("a cell then tells the side", "UA", serving="255-01", at=(46.1, 33.69), accuracy=30_000),
    Case("Kosovo has no zone of its own", "XK", serving="221-02", at=(42.66, 21.16)),
    Case("networks of the United States serve Puerto Rico", "PR", serving="310-410", at=(18.4, -66.1)),
    Case("Antarctica is no country's", "AQ", at=(-77.85, 166.67)),
    Case("a station there keeps its country's clock", "AQ", at=(-80.0, 0.0)),
]  # fmt: skip


def plmn(text: str) -> Plmn:
    mcc, _, mnc = text.partition("-")
    return Plmn(mcc=mcc, mnc=mnc)


def judged(case: Case) -> Judgement:
    found = [make.sim_home(plmn(each)) for each in case.sims]
    if case.serving:
        found.append(make.serving_network(plmn(case.serving), age=case.age))
    if case.state:
        found.append(make.registration(case.state))
    if case.wifi:
        found.append(make.wifi_country(case.wifi))
    if case.source:
        found.append(make.source_address(case.source))
    if case.at:
        here = Location(latitude=case.at[0], longitude=case.at[1], accuracy=case.accuracy)
        found.append(make.position(here, zone_at, found))
    return judge(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.description)
def test_a_hard_case_has_its_answer(case: Case) -> None:
    """The reason stands beside each case."""
    judgement = judged(case)
    assert (judgement.territory or judgement.status.value) == case.answer, judgement.explanation


def test_disputed_ground_is_never_sure_by_position_alone() -> None:
    """No code of ISO 3166 is the whole truth there."""
    for at in (BASE, ABYEI):
        assert confidence_level(judged(Case("", "", at=at)).confidence) is Confidence.LOW


def test_a_cell_across_the_border_is_named_as_such() -> None:
    """The explanation has to say why a Crimean operator did not make it Crimea."""
    judgement = judged(Case("", "", serving="250-32", at=HENICHESK))
    assert [each.reason.value for each in judgement.findings if each.outcome is SignalOutcome.OVERRULED] == [
        "cell-reaches-across-border"
    ]


def test_every_zone_of_the_polygons_is_mapped() -> None:
    """A zone that the table does not know would be no territory at all."""
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
def test_the_outline_of_sevastopol_has_its_towns(name: str, at: tuple[float, float], territory: str) -> None:
    """City and republic share a zone; the outline is ours, and coarse."""
    assert locate(*at, None, zone_at).territory == territory


@pytest.mark.parametrize("at", [(90.0, 0.0), (-90.0, 180.0), (0.0, 180.0), (0.0, -180.0), (-16.8, 179.99)])
def test_no_position_is_off_the_map(at: tuple[float, float]) -> None:
    """At the poles and where the date changes, circles still are positions."""
    nearby(*at, zone_at)
    locate(*at, 100_000.0, zone_at)


def test_a_position_decides_over_wifi() -> None:
    """And the record says which signal it was."""
    judgement = judged(Case("", "", at=HAVANA, wifi="FR"))
    assert judgement.status is JudgementStatus.RESOLVED
    assert judgement.decided_by is not None
    assert judgement.decided_by.source is Source.POSITION
