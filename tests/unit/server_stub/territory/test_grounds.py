"""Towns and networks: parts of countries, ground without a country of its own, and cells that reach across a border.

Each line has a town with its position, then networks with the expected answer: a territory, or `no` for contradictory.
"""

import re
from typing import Final

import pycountry
import pytest

from server_stub.reference_data.time_zones import zone_at
from server_stub.territory.boundaries import locate
from server_stub.territory.mcc import SERVED_FROM, SERVES_TOO, TERRITORY_BY_MCC, TERRITORY_BY_PLMN
from server_stub.territory.special_grounds import SPECIAL_GROUNDS
from tests.support.territory import Reported, answer_of, judgement_of, signals

CRIMEA, DONETSK, LUHANSK, RUSSIA, UKRAINE = "250-32", "250-97", "250-98", "250-01", "255-01"

TOWNS: Final = """
Kyiv              50.45 30.52    250-32 no, 255-60 no, 250-33 no, 250-97 no, 250-98 no, 250-01 no, 255-01 UA
Lviv              49.84 24.03    250-32 no, 250-97 no, 250-98 no, 250-01 no, 250-02 no, 250-99 no, 260-01 no
Odesa             46.48 30.73    250-32 no, 250-33 no, 250-97 no, 250-01 no, 255-03 UA, 259-01 no
Dnipro            48.46 35.04    250-32 no, 250-97 no, 250-98 no, 250-01 no
Zaporizhzhia      47.84 35.14    250-32 no, 250-97 no, 250-01 no
Mykolaiv          46.97 32.00    250-32 no, 250-97 no
Poltava           49.59 34.55    250-32 no, 250-97 no, 250-98 no, 250-01 no
Chernihiv         51.49 31.29    250-32 no, 250-97 no, 250-01 no
Uzhhorod          48.62 22.29    250-97 no, 250-98 no, 250-32 no, 250-01 no, 231-01 UA, 216-01 UA
Kharkiv           49.99 36.23    250-97 no, 250-98 no, 250-32 no
Vovchansk         50.29 36.94    250-01 UA, 250-97 no, 250-98 no, 250-32 no
Sumy              50.91 34.80    250-01 UA, 250-32 no
Kupiansk          49.71 37.61    250-98 UA, 250-97 UA, 250-32 no
Kramatorsk        48.74 37.58    250-97 UA, 250-01 UA, 250-32 no, 255-01 UA
Pokrovsk          48.28 37.18    250-97 UA, 250-01 UA
Donetsk           48.00 37.80    250-97 UA-14, 250-01 UA-14, 255-01 UA, 250-32 no
Mariupol          47.10 37.55    250-97 UA-14, 250-01 UA-14, 255-01 UA
Luhansk           48.57 39.31    250-98 UA-09, 250-97 UA-09, 250-01 UA-09, 255-01 UA, 250-32 no
Svatove           49.41 38.15    250-98 UA-09, 250-01 UA-09
Henichesk         46.17 34.80    250-32 UA, 250-33 UA, 250-01 UA, 255-60 UA, 250-97 no
Melitopol         46.85 35.37    250-01 UA, 250-96 UA, 255-01 UA, 250-32 no
Kherson           46.64 32.61    250-01 UA, 255-01 UA, 250-32 no, 250-97 no
Simferopol        44.95 34.10    250-32 UA-43, 250-33 UA-43, 250-01 UA-43, 255-01 UA-43, 250-97 no, 286-01 no
Kerch             45.36 36.47    250-32 UA-43, 250-01 UA-43
Sevastopol        44.62 33.53    250-32 UA-40, 250-33 UA-40, 250-01 UA-40, 255-01 UA-40
Taman             45.21 36.72    250-01 RU, 250-32 RU, 255-01 RU
Krasnodar         45.04 38.98    250-01 RU, 250-32 no, 255-01 no
Taganrog          47.21 38.93    250-01 RU, 250-32 no
Moscow            55.76 37.62    250-01 RU, 250-32 no, 250-97 no, 255-01 no
Sukhumi           43.00 41.02    250-01 GE, 289-67 GE, 282-01 GE, 286-01 no
Gali              42.63 41.74    250-01 GE, 289-88 GE
Tskhinvali        42.23 43.97    250-02 GE, 282-01 GE
Gori              41.98 44.11    250-02 GE
Tbilisi           41.69 44.83    250-01 no, 282-01 GE, 289-67 GE
Batumi            41.64 41.64    250-01 no, 286-01 GE
Kutaisi           42.27 42.70    250-01 no
Tiraspol          46.84 29.63    259-15 MD, 255-01 MD
Stepanakert       39.82 46.75    283-04 AZ, 400-01 AZ, 250-01 no
Baku              40.41 49.87    283-04 no, 400-01 AZ
Baikonur          45.62 63.32    250-02 KZ, 401-01 KZ
Almaty            43.24 76.89    250-02 no, 401-01 KZ
Kyrenia           35.34 33.32    286-01 CY, 280-01 CY
Famagusta         35.12 33.94    286-02 CY, 280-01 CY
Nicosia           35.16 33.36    286-01 CY, 280-01 CY
Limassol          34.68 33.04    286-01 no, 280-01 CY, 234-10 CY
Paphos            34.77 32.42    286-01 no, 280-01 CY, 620-01 no
Akrotiri          34.59 32.98    234-10 GB, 280-01 CY, 286-01 no
Dhekelia          34.99 33.74    234-10 GB, 280-01 CY, 286-01 CY
Pristina          42.66 21.16    212-01 XK, 293-41 XK, 220-01 XK, 221-01 XK, 276-01 no
Mitrovica         42.90 20.87    212-01 XK, 293-41 XK, 220-03 XK, 221-07 XK
Belgrade          44.80 20.46    212-01 no, 293-41 no, 220-01 RS, 221-01 no
Nis               43.32 21.90    212-01 no, 293-41 no, 220-01 RS, 221-01 no
Bujanovac         42.46 21.77    220-01 RS, 221-01 RS, 212-01 RS
Monaco            43.73  7.42    212-10 MC, 208-01 MC, 222-01 MC
Ljubljana         46.05 14.51    293-41 SI, 221-01 no
Guantanamo-base   19.91 -75.13   310-410 US, 368-01 CU, 208-01 no
Guantanamo-city   20.14 -75.21   368-01 CU, 310-410 CU
Santiago          20.02 -75.82   368-01 CU, 310-410 no
Diego-Garcia      -7.31 72.41    995-01 IO, 310-410 IO, 234-10 IO, 368-01 no
Pitcairn          -25.07 -130.10 530-05 PN, 234-10 PN, 432-11 no
Longyearbyen      78.22 15.65    242-01 SJ, 250-01 SJ, 240-01 no
Barentsburg       78.06 14.22    242-01 SJ, 250-02 SJ
Mariehamn         60.10 19.94    244-05 AX, 240-01 AX, 248-01 no
Saint-Helier      49.19 -2.11    234-50 JE, 208-01 JE
Saint-Peter-Port  49.46 -2.54    234-55 GG
Douglas           54.15 -4.48    234-58 IM
Gibraltar         36.14 -5.35    266-01 GI, 214-01 GI, 234-10 GI
Ceuta             35.89 -5.32    214-01 ES, 604-00 ES
Melilla           35.29 -2.94    214-01 ES, 604-00 ES
Vatican           41.902 12.453  222-01 VA, 225-01 VA
Rome              41.89 12.50    222-01 IT, 225-01 IT, 292-01 no
Rimini            44.06 12.57    222-01 IT, 292-01 IT
Nice              43.70  7.27    208-01 FR, 212-10 FR
La-Linea          36.17 -5.35    214-01 ES, 266-01 ES
Zhuhai            22.27 113.58   460-00 CN, 455-00 CN, 466-01 no
San-Marino        43.94 12.45    222-01 SM, 292-01 SM
Campione          45.97  8.97    222-01 IT, 228-01 IT
Busingen          47.70  8.69    262-01 DE, 228-01 DE
Gaza              31.50 34.46    425-05 PS, 425-01 PS, 602-01 PS
Ramallah          31.90 35.20    425-06 PS, 425-01 PS, 416-01 PS
Katzrin           33.00 35.69    425-01 IL, 417-01 IL
Tel-Aviv          32.08 34.78    425-01 IL, 417-01 no
Laayoune          27.15 -13.20   604-00 EH, 603-01 no
Hargeisa           9.56 44.06    637-01 SO, 636-01 no
Hong-Kong         22.30 114.17   454-00 HK, 460-00 HK
Macau             22.20 113.54   455-00 MO, 460-00 MO
Saint-Denis       -20.88 55.45   647-00 RE, 208-01 RE, 368-01 no
Mamoudzou         -12.78 45.23   647-00 YT, 208-01 YT
Cayenne            4.92 -52.31   340-01 GF, 742-01 GF
Marigot           18.07 -63.08   340-01 MF, 362-51 MF
Noumea            -22.27 166.45  546-01 NC, 208-01 NC
Saint-Pierre      46.78 -56.18   308-01 PM, 208-01 PM
Kerguelen         -49.35 70.22   208-01 TF
Hamilton          32.30 -64.78   310-59 BM, 350-01 BM
San-Juan          18.40 -66.10   310-410 PR, 330-110 PR
Hagatna           13.47 144.75   310-370 GU, 535-01 GU
Castries          14.01 -60.99   338-05 LC, 358-110 LC
Thorshavn         62.01 -6.77    288-01 FO, 238-01 FO
Norfolk           -29.03 167.96  505-10 NF
Stanley           -51.70 -57.85  750-001 FK, 234-10 FK
Grytviken         -54.28 -36.50  750-001 GS
Ascension         -7.93 -14.41   658-01 SH, 234-10 SH
Abyei              9.60 28.43    634-01 SD, 659-02 SS
McMurdo           -77.85 166.67  530-01 AQ, 310-410 AQ, 368-01 no, 432-11 no, 250-32 no
Vostok            -78.46 106.84  250-01 AQ, 467-05 no
Esperanza         -63.40 -57.00  722-34 AQ, 722-07 AQ, 417-01 no
Villa-Estrellas   -62.20 -58.96  730-01 AQ, 748-01 AQ, 250-20 AQ
Neumayer          -70.67 -8.27   262-01 AQ, 634-01 no
Rothera           -67.57 -68.13  234-10 AQ, 730-01 AQ
"""


def rows() -> list[tuple[str, tuple[float, float], str, str]]:
    found = []
    for line in TOWNS.strip().splitlines():
        town, latitude, longitude, networks = line.split(maxsplit=3)
        for network in networks.split(","):
            plmn, answer = network.split()
            at = (float(latitude), float(longitude))
            found.append((town, at, plmn, "contradictory" if answer == "no" else answer))
    return found


PLACES: Final = {town: at for town, at, _, _ in rows()}


def test_network_at_a_town_has_its_answer() -> None:
    wrong = [
        f"{town} on {plmn}: {judgement_of(reported).explanation}"
        for town, at, plmn, answer in rows()
        if answer_of(reported := Reported(serving=plmn, at=at)) != answer
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("town", PLACES)
def test_town_without_a_network_is_resolved(town: str) -> None:
    """Its own networks are on the air there, and agree with the position."""
    judgement = judgement_of(Reported(at=PLACES[town]))
    assert judgement.territory is not None
    country = judgement.territory.partition("-")[0]
    for mcc in (mcc for mcc, territory in TERRITORY_BY_MCC.items() if territory == country):
        assert judgement_of(Reported(at=PLACES[town], serving=f"{mcc}-01")).territory is not None


def test_wifi_and_address_of_whom_a_ground_is_served_from_do_not_contradict_a_position() -> None:
    """Access points and address tables have the code of the state."""
    for town, at in PLACES.items():
        position = signals(Reported(at=at))[-1]
        for origin in (each for each in position.served_from if "-" not in each):
            reported = Reported(at=at, wifi=origin, source=origin)
            assert judgement_of(reported).territory, f"{town}: {judgement_of(reported).explanation}"


PROHIBITED: Final = ("368-01", "432-11", "417-01", "467-05", "634-01", "250-32", "250-33", "255-60")


@pytest.mark.parametrize("plmn", PROHIBITED)
def test_network_of_a_prohibited_territory_is_on_the_air_on_no_other_ground(plmn: str) -> None:
    """A false position on special ground must not free a phone."""
    (network,) = signals(Reported(serving=plmn))
    assert set(network.also) <= {"UA-40", "UA-43"}
    for town, at in PLACES.items():
        judgement = judgement_of(Reported(serving=plmn, at=at))
        if judgement.territory and judgement.territory not in network.territories:
            position = signals(Reported(serving=plmn, at=at))[-1]
            assert network.territory not in position.served_from, town
            assert any(map(network.admits, position.nearby)), town


@pytest.mark.parametrize("plmn", [*PROHIBITED, DONETSK, LUHANSK])
@pytest.mark.parametrize(
    "at", [(50.45, 30.52), (49.84, 24.03), (48.62, 22.29), (50.62, 26.25), (51.49, 31.29)]
)
def test_false_position_in_another_part_of_the_country_is_contradictory(
    plmn: str, at: tuple[float, float]
) -> None:
    assert answer_of(Reported(serving=plmn, at=at)) == "contradictory"
    paris = Reported(serving=plmn, at=(48.8566, 2.3522))
    assert answer_of(paris) == "contradictory"


@pytest.mark.parametrize(
    ("name", "at", "inside"),
    [
        ("Kupiansk", (49.71, 37.61), ()), ("Svatove", (49.41, 38.15), ("UA-09",)),
        ("Kreminna", (49.05, 38.22), ("UA-09",)),
        ("Lysychansk", (48.90, 38.43), ("UA-09",)), ("Popasna", (48.63, 38.38), ("UA-09",)),
        ("Khrustalnyi", (48.14, 38.93), ("UA-09",)), ("Antratsyt", (48.12, 39.09), ("UA-09",)),
        ("Troitske", (49.92, 38.30), ("UA-09",)), ("Milove", (49.37, 40.13), ("UA-09",)),
        ("Debaltseve", (48.34, 38.40), ("UA-14",)), ("Snizhne", (48.03, 38.76), ("UA-14",)),
        ("Svitlodarsk", (48.44, 38.22), ("UA-14",)), ("Horlivka", (48.33, 38.05), ("UA-14",)),
        ("Volnovakha", (47.60, 37.50), ("UA-14",)), ("Manhush", (47.06, 37.31), ("UA-14",)),
        ("Bakhmut", (48.60, 38.00), ("UA-14",)), ("Amvrosiivka", (47.79, 38.48), ("UA-14",)),
        ("Siversk", (48.87, 38.10), ()), ("Sloviansk", (48.85, 37.61), ()), ("Lyman", (48.98, 37.81), ()),
        ("Pavlohrad", (48.53, 35.87), ()), ("Izium", (49.21, 37.26), ()), ("Berdiansk", (46.76, 36.79), ()),
    ],
)  # fmt: skip
def test_outlines_of_the_east_contain_their_towns(
    name: str, at: tuple[float, float], inside: tuple[str, ...]
) -> None:
    assert (locate(*at, None, zone_at).territory, locate(*at, None, zone_at).also) == ("UA", inside)


@pytest.mark.parametrize(
    ("origin", "inside", "outside"),
    [
        (
            "RU",
            {
                "Oleshky": (46.62, 32.72), "Nova Kakhovka": (46.755, 33.37), "Enerhodar": (47.50, 34.66),
                "Vasylivka": (47.44, 35.28), "Tokmak": (47.25, 35.71), "Berdiansk": (46.76, 36.79),
                "Skadovsk": (46.11, 32.91), "Gagra": (43.28, 40.27), "Tkvarcheli": (42.84, 41.68),
                "Akhalgori": (42.125, 44.483), "Kvaisa": (42.53, 43.64), "Toretam": (45.65, 63.31),
            },
            {
                "Kherson": (46.64, 32.61), "Nikopol": (47.57, 34.40), "Orikhiv": (47.57, 35.79),
                "Zugdidi": (42.508, 41.871), "Jvari": (42.717, 42.05), "Mestia": (43.045, 42.727),
                "Sachkhere": (42.345, 43.42), "Oni": (42.58, 43.44), "Dusheti": (42.085, 44.696),
                "Kyzylorda": (44.85, 65.50),
            },
        ),
        (
            "AM",
            {"Martakert": (40.21, 46.82), "Martuni": (39.79, 47.11), "Askeran": (39.94, 46.83)},
            {"Ganja": (40.68, 46.36), "Fizuli": (39.60, 47.15), "Barda": (40.37, 47.13), "Agdam": (39.99, 46.99)},
        ),
        ("TR", {"Morphou": (35.20, 32.99), "Rizokarpaso": (35.60, 34.38)}, {"Larnaca": (34.92, 33.63)}),
        (
            "GB",
            {"Episkopi": (34.665, 32.84), "Ayios Nikolaos": (35.09, 33.88)},
            {"Kolossi": (34.67, 32.93), "Limassol": (34.68, 33.04), "Ayia Napa": (34.99, 34.00)},
        ),
        (
            "RS",
            {
                "Leposavic": (43.10, 20.80), "Zubin Potok": (42.91, 20.69), "Podujeva": (42.91, 21.19),
                "Kamenica": (42.58, 21.58), "Gjilan": (42.46, 21.47), "Peja": (42.66, 20.29), "Prizren": (42.21, 20.74),
            },
            {
                "Novi Pazar": (43.14, 20.52), "Raska": (43.29, 20.61), "Medveda": (42.84, 21.58),
                "Bujanovac": (42.46, 21.77), "Presevo": (42.31, 21.65), "Kursumlija": (43.14, 21.27),
            },
        ),
    ],
)  # fmt: skip
def test_outlines_of_served_grounds_contain_their_towns(
    origin: str, inside: dict[str, tuple[float, float]], outside: dict[str, tuple[float, float]]
) -> None:
    def serves(at: tuple[float, float]) -> bool:
        ground = locate(*at, None, zone_at)
        return origin in ground.served_from or origin in ground.also

    assert {name for name, at in (inside | outside).items() if serves(at)} == inside.keys()


def test_special_grounds_have_known_codes_and_reachable_entries() -> None:
    countries = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    for index, ground in enumerate(SPECIAL_GROUNDS):
        codes = {ground.territory, *ground.also, *ground.served_from}
        assert all(pycountry.subdivisions.get(code=each) for each in codes if "-" in each)
        assert {each for each in codes if "-" not in each} <= countries
        before = [each for each in SPECIAL_GROUNDS[:index] if each.zone == ground.zone]
        assert all(each.outline for each in before), "an entry for a whole zone hides the later ones"
        assert all(len(each.outline) >= 4 for each in before if each.outline)


def test_who_serves_a_ground_is_the_inverse_of_the_grounds_that_are_served() -> None:
    pairs = {(origin, ground) for origin, grounds in SERVES_TOO.items() for ground in grounds}
    assert {(origin, ground) for ground, origins in SERVED_FROM.items() for origin in origins} == pairs
    assert all(origin != ground for origin, ground in pairs)
    assert all(re.fullmatch(r"[A-Z]{2}(-[0-9]{2})?", each) for pair in pairs for each in pair)


def test_operators_of_one_part_are_known_under_their_own_territory() -> None:
    for (mcc, mnc), territory in TERRITORY_BY_PLMN.items():
        (network,) = signals(Reported(serving=f"{mcc}-{mnc}"))
        assert network.territory == territory
        assert network.also, "the neighbouring part"


def test_each_town_of_a_part_is_a_few_networks_apart() -> None:
    """The table has both answers for each network of a part, so that neither can be given to all towns."""
    for plmn in (CRIMEA, DONETSK, LUHANSK, RUSSIA, UKRAINE):
        answers = {answer for _, _, network, answer in rows() if network == plmn}
        assert "contradictory" in answers
        assert len(answers) > 1
