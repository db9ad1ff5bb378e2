"""Where a device registers, by its SIMs, its bands and the received networks."""

from dataclasses import replace
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.world.operators import (
    Band,
    BandError,
    UnknownOperatorError,
    find_operator,
    parse_band,
    parse_bands,
    table_bands,
)
from lab.world.radio import Guests, ReceivedNetwork, received_networks, register
from lab.world.sim import PinState, generate_sim
from wire.codes import AccessTechnology, Registration
from wire.evidence import Plmn

CUBACEL, ORANGE, SFR = (Plmn(mcc=mcc, mnc=mnc) for mcc, mnc in (("368", "01"), ("208", "01"), ("208", "10")))
ALL_BANDS = parse_bands(["GSM 900", "UMTS 2100", "LTE 1800", "5G 3500"])
FAMILIES = ("GSM", "UMTS", "LTE", "TD-LTE", "5G")
BANDS = st.builds(Band, st.sampled_from(FAMILIES), st.sampled_from([0, 900, 1800, 2100]))


def network(plmn: Plmn, *bands: str, guests: Guests = Guests.FOREIGN) -> ReceivedNetwork:
    return ReceivedNetwork(plmn, 0x65, 0x12C01, parse_bands(bands or ("LTE 1800",)), guests)


NETWORKS = st.lists(
    st.builds(
        ReceivedNetwork,
        st.sampled_from([CUBACEL, ORANGE, SFR]),
        st.just(1),
        st.just(2),
        st.frozensets(BANDS, min_size=1, max_size=4),
        st.sampled_from(Guests),
    ),
    max_size=4,
)
SIMS = [None, *(generate_sim(plmn, Random(1)) for plmn in (CUBACEL, ORANGE, SFR))]


@given(st.lists(st.sampled_from(SIMS), max_size=2), NETWORKS, st.frozensets(BANDS, max_size=6))
def test_registration_prefers_home_and_uses_only_admitting_networks(
    sims: list[None], networks: list[ReceivedNetwork], bands: frozenset[Band]
) -> None:
    serving = register(sims, networks, bands)
    received = received_networks(networks, bands)
    home = next((sim.home() for sim in sims if sim is not None), None)
    admitting = [each.plmn for each in received if home is not None and each.admits(home)]
    if not received:
        assert serving.registration is Registration.NOT_REGISTERED
    elif not admitting:
        assert serving.registration is Registration.EMERGENCY_ONLY
    else:
        assert serving.plmn == (home if home in admitting else admitting[0])
        assert serving.roaming == (serving.plmn != home)
        assert serving.cell is not None
    assert (serving.plmn is None) == (serving.cell is None) == (not admitting)


@given(st.frozensets(BANDS, min_size=1, max_size=4), st.frozensets(BANDS, max_size=6))
def test_device_receives_only_networks_on_a_common_band(
    on_air: frozenset[Band], bands: frozenset[Band]
) -> None:
    common = any(
        mine.family == other.family and (mine.megahertz in (0, other.megahertz) or other.megahertz == 0)
        for mine, other in product(bands, on_air)
    )
    assert bool(received_networks([ReceivedNetwork(CUBACEL, 1, 2, on_air)], bands)) == common


@pytest.mark.parametrize("state", [state for state in PinState if state is not PinState.READY])
def test_locked_sim_allows_only_emergency_calls(state: PinState) -> None:
    sim = replace(generate_sim(CUBACEL, Random(1)), pin=state)
    assert register([sim], [network(CUBACEL)], ALL_BANDS).registration is Registration.EMERGENCY_ONLY


@pytest.mark.parametrize(
    ("guests", "home", "registration"),
    [
        (Guests.NONE, CUBACEL, Registration.EMERGENCY_ONLY),
        (Guests.NONE, SFR, Registration.HOME),
        (Guests.FOREIGN, CUBACEL, Registration.ROAMING),
        (Guests.FOREIGN, ORANGE, Registration.EMERGENCY_ONLY),
        (Guests.ALL, ORANGE, Registration.ROAMING),
    ],
)
def test_network_admits_sims_by_its_guest_rule(
    guests: Guests, home: Plmn, registration: Registration
) -> None:
    sim = generate_sim(home, Random(1))
    assert register([sim], [network(SFR, guests=guests)], ALL_BANDS).registration is registration


def test_newest_common_technology_is_used() -> None:
    """A GSM cell identity has 16 bits."""
    sim = generate_sim(CUBACEL, Random(1))
    on_air = network(CUBACEL, "GSM 900", "UMTS 2100", "LTE 1800", "5G 3500")
    for phone, technology in (
        (ALL_BANDS, AccessTechnology.NR),
        (parse_bands(["GSM 900", "UMTS 2100", "LTE 1800"]), AccessTechnology.LTE),
        (parse_bands(["GSM 900", "UMTS 2100"]), AccessTechnology.UMTS),
        (parse_bands(["GSM 900"]), AccessTechnology.GSM),
    ):
        cell = register([sim], [on_air], phone).cell
        assert cell is not None
        assert cell.technology is technology
        assert cell.id == (0x2C01 if technology is AccessTechnology.GSM else 0x12C01)


@given(BANDS)
def test_band_is_parsed_from_its_own_text(band: Band) -> None:
    assert parse_band(str(band)) == band


@pytest.mark.parametrize(
    "text", ["", "LTE1800", "CDMA 850", "MVNO", "WiMAX", "LTE 1800 / GSM 900", "lte 1800", "5G x"]
)
def test_invalid_band_is_rejected(text: str) -> None:
    with pytest.raises(BandError):
        parse_band(text)


def test_unsupported_systems_of_the_table_are_left_out() -> None:
    assert table_bands("CDMA 850 / GSM 900 / TD-LTE 2600&nbsp;MHz / MVNO / Satellite / 5G") == parse_bands(
        ["GSM 900", "TD-LTE 2600", "5G"]
    )


@pytest.mark.parametrize(
    "plmn", [Plmn(mcc="368", mnc="99"), Plmn(mcc="999", mnc="98"), Plmn(mcc="310", mnc="26")]
)
def test_unknown_operator_is_rejected(plmn: Plmn) -> None:
    """Also an MNC that is only a prefix of one in the table."""
    with pytest.raises(UnknownOperatorError):
        find_operator(plmn)


def test_operator_status_is_read_from_the_table() -> None:
    """Sevmobile is listed as not operational."""
    assert not find_operator(Plmn(mcc="250", mnc="33")).on_air
    assert find_operator(Plmn(mcc="310", mnc="260")).name == "T-Mobile"
