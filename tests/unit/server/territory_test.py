"""Where a phone is, judged from its signals."""

from itertools import permutations, product

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.domain.mcc import TERRITORY_BY_MCC, TERRITORY_BY_PLMN, territory_of
from server_stub.domain.territory import RANK, Signal, Source, Status, judge, signals_of
from tests.support.server_phone import claims, telephony
from wire.evidence import Evidence, Plmn

SIGNALS = st.lists(
    st.builds(
        Signal,
        st.sampled_from(Source),
        st.just("reading"),
        st.sampled_from(["CU", "FR", "US", None]),
    ),
    max_size=5,
)


def evidence(**changes: object) -> Evidence:
    return Evidence.model_validate(claims("A" * 44, **changes))


@pytest.mark.parametrize(
    ("mcc", "territory"),
    [
        ("368", "CU"), ("432", "IR"), ("417", "SY"), ("467", "KP"), ("634", "SD"), ("659", "SS"),
        ("425", "IL"), ("255", "UA"), ("250", "RU"), *((str(mcc), "US") for mcc in range(310, 317)),
    ],
)  # fmt: skip
def test_a_country_code_stands_for_its_country(mcc: str, territory: str) -> None:
    """These are the codes that policies and their mistakes turn on: South Sudan is not Sudan."""
    assert territory_of(Plmn(mcc=mcc, mnc="01")) == territory


@pytest.mark.parametrize(("mcc", "mnc"), [("310", "260"), ("310", "59"), ("425", "05")])
def test_an_operator_seated_elsewhere_does_not_move_the_network(mcc: str, mnc: str) -> None:
    """Tables by operator put a network of the United States on an island."""
    assert territory_of(Plmn(mcc=mcc, mnc=mnc)) == TERRITORY_BY_MCC[mcc]


@pytest.mark.parametrize("mcc", ["001", "901", "902", "999", "000"])
def test_a_code_of_no_country_is_no_territory(mcc: str) -> None:
    """Test networks, satellites and ships are in no territory that a policy could mean."""
    assert territory_of(Plmn(mcc=mcc, mnc="01")) is None


@pytest.mark.parametrize("mcc", ["250", "255"])
@pytest.mark.parametrize(
    ("mnc", "territory"),
    [("32", "UA-43"), ("34", "UA-43"), ("54", "UA-43"), ("60", "UA-43"), ("33", "UA-40")],
)
def test_an_operator_that_serves_crimea_alone_is_in_crimea(mcc: str, mnc: str, territory: str) -> None:
    """Whether the country code that it uses is the Russian or the Ukrainian one."""
    assert territory_of(Plmn(mcc=mcc, mnc=mnc)) == territory


def test_every_territory_of_the_tables_exists() -> None:
    """A misspelt code would be eligible everywhere. Kosovo's code is user-assigned and in no register."""
    known = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    assert set(TERRITORY_BY_MCC.values()) <= known
    assert all(pycountry.subdivisions.get(code=code) for code in TERRITORY_BY_PLMN.values())


@pytest.mark.parametrize(("serving", "wifi", "sim"), list(product(["CU", None], ["FR", None], ["IR", None])))
def test_the_strongest_signal_that_tells_decides(
    serving: str | None, wifi: str | None, sim: str | None
) -> None:
    """Serving network, then Wi-Fi, then SIM; silence of the stronger leaves it to the weaker."""
    signals = [
        Signal(Source.SERVING_NETWORK, "s", serving),
        Signal(Source.WIFI_COUNTRY, "w", wifi),
        Signal(Source.SIM_HOME, "h", sim),
    ]
    judgement = judge(signals)
    telling = [each for each in (serving, wifi, sim) if each]
    assert judgement.territory == (telling[0] if telling else None)
    assert judgement.status is (Status.RESOLVED if telling else Status.UNKNOWN)
    assert {signal.territory for signal in judgement.overruled} == set(telling[1:])


def test_a_cuban_sim_in_paris_is_in_france_and_a_french_one_in_havana_in_cuba() -> None:
    """The tourist's case and its mirror."""
    assert judge(signals_of(evidence(telephony=telephony("208", home=("368", "01"))))).territory == "FR"
    assert judge(signals_of(evidence(telephony=telephony("368", home=("208", "01"))))).territory == "CU"


def test_two_sims_that_disagree_contradict_each_other() -> None:
    """Neither outranks the other, and a guess would lock or spare at random."""
    sims = [
        {"slot": 0, "status": "ready", "mcc": "368", "mnc": "01"},
        {"slot": 1, "status": "ready", "mcc": "208", "mnc": "01"},
    ]
    told = {"sims": sims, "serving": {"registration": "searching"}}
    assert judge(signals_of(evidence(telephony=told))).status is Status.CONTRADICTORY
    told["serving"] = {"registration": "roaming", "plmn": {"mcc": "208", "mnc": "10"}}
    assert judge(signals_of(evidence(telephony=told))).territory == "FR"


def test_wifi_alone_tells_where_a_phone_without_a_sim_is() -> None:
    """A phone set up at home over Wi-Fi is still somewhere."""
    found = signals_of(evidence(telephony=telephony(None), wifi={"connected": True, "country": "IR"}))
    assert judge(found).territory == "IR"


def test_a_position_is_named_and_neither_kept_nor_judged() -> None:
    """Where exactly somebody stands does not belong in a record."""
    found = signals_of(evidence(location={"latitude": 23.1, "longitude": -82.4}, telephony=telephony(None)))
    assert found == (Signal(Source.POSITION, "given", None),)
    assert judge(found).status is Status.UNKNOWN


@given(SIGNALS)
def test_the_order_of_signals_does_not_matter(signals: list[Signal]) -> None:
    """A judgement that depends on who spoke first cannot be explained."""
    answers = {(judge(each).status, judge(each).territory) for each in permutations(signals[:4])}
    assert len(answers) == 1


@given(SIGNALS)
def test_a_territory_is_given_exactly_when_it_is_resolved_and_a_signal_said_it(signals: list[Signal]) -> None:
    """No territory comes out of nothing."""
    judgement = judge(signals)
    assert (judgement.territory is not None) == (judgement.status is Status.RESOLVED)
    said = {signal.territory for signal in signals if signal.source in RANK}
    assert judgement.territory is None or judgement.territory in said
    assert judgement.explanation.endswith(".")
