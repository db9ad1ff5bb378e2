"""Tables and rules of the territory judgement."""

from itertools import chain, permutations, product

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.reference_data.time_zones import zone_at
from server_stub.territory.judgement import (
    Confidence,
    Judgement,
    JudgementStatus,
    Signal,
    SignalOutcome,
    Source,
    confidence_level,
    judge,
    signals_of,
)
from server_stub.territory.mcc import (
    SERVES_TOO,
    TERRITORY_BY_MCC,
    TERRITORY_BY_PLMN,
    NetworkCodeType,
    network_of,
)
from server_stub.territory.signals import PROVENANCE, Note
from tests.support.server_phone import claims
from tests.support.territory import SIGNALS
from wire.codes import Registration
from wire.evidence import Evidence, Plmn

PLACED = [source for source in Source if source is not Source.REGISTRATION]


def evidence(**changes: object) -> Evidence:
    return Evidence.model_validate(claims("A" * 44, **changes))


@pytest.mark.parametrize(
    ("mcc", "territory"),
    [
        ("368", "CU"), ("432", "IR"), ("417", "SY"), ("467", "KP"), ("634", "SD"), ("659", "SS"),
        ("425", "IL"), ("255", "UA"), ("250", "RU"), *((str(mcc), "US") for mcc in range(310, 317)),
    ],
)  # fmt: skip
def test_country_code_gives_its_country(mcc: str, territory: str) -> None:
    assert network_of(Plmn(mcc=mcc, mnc="01")).territory == territory


@pytest.mark.parametrize(("mcc", "mnc"), [("310", "260"), ("310", "59"), ("425", "05")])
def test_seat_of_an_operator_does_not_change_the_territory(mcc: str, mnc: str) -> None:
    """Tables by operator place a network of the United States on an island."""
    assert network_of(Plmn(mcc=mcc, mnc=mnc)).territory == TERRITORY_BY_MCC[mcc]


@pytest.mark.parametrize(
    ("mcc", "mnc", "code_type"),
    [
        ("001", "01", NetworkCodeType.TEST),
        ("999", "99", NetworkCodeType.PRIVATE),
        ("902", "01", NetworkCodeType.PRIVATE),
        ("901", "05", NetworkCodeType.SATELLITE),
        ("901", "12", NetworkCodeType.VESSEL),
        ("901", "14", NetworkCodeType.VESSEL),
        ("901", "28", NetworkCodeType.INTERNATIONAL),
        ("000", "00", NetworkCodeType.UNASSIGNED),
    ],
)
def test_code_without_a_country_has_no_territory(mcc: str, mnc: str, code_type: NetworkCodeType) -> None:
    network = network_of(Plmn(mcc=mcc, mnc=mnc))
    assert (network.code_type, network.territory, network.also) == (code_type, None, ())


@pytest.mark.parametrize("mcc", ["250", "255"])
@pytest.mark.parametrize(
    ("mnc", "territory"),
    [("32", "UA-43"), ("34", "UA-43"), ("54", "UA-43"), ("60", "UA-43"), ("33", "UA-40")],
)
def test_operator_that_serves_only_crimea_is_in_crimea(mcc: str, mnc: str, territory: str) -> None:
    """Under the Russian and the Ukrainian country code."""
    assert network_of(Plmn(mcc=mcc, mnc=mnc)).territory == territory


@pytest.mark.parametrize(
    ("mcc", "mnc", "territory"),
    [
        ("250", "032", "RU"),
        ("250", "320", "RU"),
        ("250", "811", "RU"),
        ("255", "701", "UA"),
        ("310", "32", "US"),
    ],
)
def test_network_codes_of_two_and_three_digits_differ(mcc: str, mnc: str, territory: str) -> None:
    """3GPP TS 23.003 clause 2.2: leading zeros count."""
    assert network_of(Plmn(mcc=mcc, mnc=mnc)).territory == territory


def test_each_territory_of_the_tables_exists() -> None:
    """Kosovo's code is user-assigned and not in the register."""
    known = {country.alpha_2 for country in pycountry.countries} | {"XK"}
    also = {territory for each in SERVES_TOO.values() for territory in each}
    assert set(TERRITORY_BY_MCC.values()) | {each for each in also if "-" not in each} <= known
    parts = {*TERRITORY_BY_PLMN.values(), *(each for each in also if "-" in each)}
    assert all(pycountry.subdivisions.get(code=code) for code in parts)
    assert SERVES_TOO.keys() <= {*TERRITORY_BY_MCC.values(), *TERRITORY_BY_PLMN.values()}


@pytest.mark.parametrize(("serving", "wifi", "sim"), list(product(["CU", None], ["FR", None], ["IR", None])))
def test_strongest_signal_that_indicates_a_territory_decides(
    serving: str | None, wifi: str | None, sim: str | None
) -> None:
    """Serving network, then Wi-Fi, then SIM."""
    indicated = [(Source.SERVING_NETWORK, serving), (Source.WIFI_COUNTRY, wifi), (Source.SIM_HOME, sim)]
    judgement = judge([Signal(source, "r", territory) for source, territory in indicated if territory])
    telling = [each for each in (serving, wifi, sim) if each]
    assert judgement.territory == (telling[0] if telling else None)
    assert judgement.status is (JudgementStatus.RESOLVED if telling else JudgementStatus.UNKNOWN)
    assert {signal.territory for signal in judgement.overruled} == set(telling[1:])


def test_sims_of_two_countries_contradict_each_other() -> None:
    sims = [
        {"slot": 0, "status": "ready", "mcc": "368", "mnc": "01"},
        {"slot": 1, "status": "ready", "mcc": "208", "mnc": "01"},
    ]
    telephony = {"sims": sims, "serving": {"registration": "searching"}}
    assert judge(signals_of(evidence(telephony=telephony))).status is JudgementStatus.CONTRADICTORY
    telephony["serving"] = {"registration": "roaming", "plmn": {"mcc": "208", "mnc": "10"}}
    assert judge(signals_of(evidence(telephony=telephony))).territory == "FR"


@pytest.mark.parametrize(("mcc", "territory"), [("368", "CU"), ("250", "RU"), ("901", None), ("000", None)])
def test_sim_without_mnc_indicates_the_country_of_its_mcc(mcc: str, territory: str | None) -> None:
    """EF_AD does not always say how long the MNC is."""
    telephony = {
        "sims": [{"slot": 0, "status": "ready", "mcc": mcc}],
        "serving": {"registration": "searching"},
    }
    found = [
        signal for signal in signals_of(evidence(telephony=telephony)) if signal.source is Source.SIM_HOME
    ]
    assert [(signal.reading, signal.territory) for signal in found] == [(mcc, territory)]


def test_signals_of_evidence_contain_no_coordinates() -> None:
    sent = evidence(
        location={"latitude": 23.1136, "longitude": -82.3666}, wifi={"connected": True, "country": "CU"}
    )
    found = signals_of(sent, zone_at, "DE")
    assert {signal.source for signal in found} == set(Source) - {Source.LAST_NETWORK}
    judgement = judge(found)
    assert judgement.territory == "CU"
    assert "America/Havana" in judgement.explanation
    assert not any(digits in repr(judgement) for digits in ("23.1", "82.3"))


def test_evidence_without_sims_and_serving_network_is_judged_by_its_position() -> None:
    faults = [{"code": "modem-silent", "source": "ATE0V1"}]
    sent = evidence(telephony={"faults": faults}, location={"latitude": 23.1136, "longitude": -82.3666})
    found = signals_of(sent, zone_at)
    assert {signal.source for signal in found} == {Source.POSITION}
    assert judge(found).territory == "CU"


def test_ship_is_known_by_its_network_without_details_of_the_cell() -> None:
    serving = {"registration": "roaming", "plmn": {"mcc": "901", "mnc": "12"}}
    sims = [{"slot": 0, "status": "ready", "mcc": "368", "mnc": "01"}]
    for cell in ({}, {"cell": {"technology": "lte"}}):
        sent = evidence(
            telephony={"sims": sims, "serving": serving | cell}, wifi={"connected": True, "country": "FR"}
        )
        judgement = judge(signals_of(sent, zone_at))
        assert judgement.status is JudgementStatus.UNKNOWN
        assert "aboard a ship" in judgement.explanation


def test_each_source_has_a_provenance() -> None:
    assert PROVENANCE.keys() == set(Source)


def answer(judgement: Judgement) -> tuple[object, ...]:
    return (judgement.status, judgement.territory, judgement.confidence, judgement.explanation)


@given(SIGNALS)
def test_order_of_signals_has_no_effect(signals: list[Signal]) -> None:
    assert len({answer(judge(each)) for each in permutations(signals[:4])}) == 1


@given(SIGNALS)
def test_territory_is_set_only_if_resolved_and_indicated_by_a_signal(signals: list[Signal]) -> None:
    judgement = judge(signals)
    assert (judgement.territory is not None) == (judgement.status is JudgementStatus.RESOLVED)
    assert (judgement.confidence > 0) == (judgement.status is JudgementStatus.RESOLVED)
    assert judgement.territory is None or judgement.territory in {
        t for each in signals for t in each.territories
    }


@given(SIGNALS, st.sampled_from(PLACED))
def test_agreeing_signal_never_lowers_confidence(signals: list[Signal], source: Source) -> None:
    """A position agrees only if the same borders are in reach: elsewhere the cell may be out of range."""
    before = judge(signals)
    if before.territory and not any(each.note for each in signals):
        reach = frozenset(chain.from_iterable(each.nearby for each in signals if each.source is source))
        after = judge([*signals, Signal(source, "more", before.territory, nearby=reach)])
        assert after.territory == before.territory
        assert after.confidence >= before.confidence


def test_each_combination_of_signals_is_judged_and_explained() -> None:
    options = [
        [
            None,
            Signal(source, f"reading-{source.value}", "CU"),
            Signal(source, f"reading-{source.value}", "FR"),
        ]
        for source in PLACED
    ]
    options[0].append(Signal(Source.POSITION, "zone Etc/GMT", None, note=Note.AT_SEA))
    options[1].append(Signal(Source.SERVING_NETWORK, "901-12", None, note=Note.VESSEL_NETWORK))
    options.append([None, *(Signal(Source.REGISTRATION, each.value, None) for each in Registration)])
    for combination in product(*options):
        signals = [each for each in combination if each]
        judgement = judge(signals)
        assert len(judgement.findings) == len(signals)
        assert judgement.explanation.count(".") >= len(signals) + 1 or not signals
        assert all(
            each.reading in judgement.explanation
            for each in signals
            if each.source is not Source.WIFI_COUNTRY
        )
        decided = [each for each in judgement.findings if each.outcome is SignalOutcome.DECIDED]
        assert len(decided) == (judgement.status is JudgementStatus.RESOLVED)


@pytest.mark.parametrize("territory", ["CU", "IR", "SY", "KP", "SD", "UA-43", "FR"])
def test_source_address_without_other_signals_has_low_confidence(territory: str) -> None:
    """An address in any country can be rented."""
    judgement = judge([Signal(Source.SOURCE_ADDRESS, territory, territory)])
    assert confidence_level(judgement.confidence) is Confidence.LOW


def test_high_confidence_requires_a_position_or_a_cell() -> None:
    direct = {Source.POSITION, Source.SERVING_NETWORK}
    weak = [Signal(source, "r", "CU") for source in PLACED if source not in direct]
    assert judge(weak).confidence == 0.69
    for source in direct:
        assert confidence_level(judge([*weak, Signal(source, "r", "CU")]).confidence) is Confidence.HIGH
