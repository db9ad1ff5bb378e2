"""Generated SIM cards and cards from ICC profiles."""

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony.identity import check_digit
from lab.world.icc_profile import PROFILE_MAX, IccProfileError, parse_icc_profile
from lab.world.operators import UnknownOperatorError
from lab.world.places import load_places
from lab.world.sim import FILE_NOT_FOUND, CardCommand, CardResponse, PinState, generate_sim
from lab.world.sim_files import EF_SPN, encode_spn, fit_spn
from wire.evidence import Plmn

HOMES = sorted({plmn for place in load_places().values() for plmn in place.sims if plmn is not None}, key=str)


@pytest.mark.parametrize("plmn", HOMES, ids=str)
@given(seed=st.integers(0, 2**64))
def test_generated_sim_belongs_to_its_operator(plmn: Plmn, seed: int) -> None:
    card = generate_sim(plmn, Random(seed))
    assert card.home() == plmn
    assert len(card.imsi) == 15
    assert len(card.ccid) == 19
    assert card.ccid[-1] == str(check_digit(card.ccid[:-1]))


def test_sims_are_equal_only_for_the_same_seed() -> None:
    assert generate_sim(HOMES[0], Random(1)) == generate_sim(HOMES[0], Random(1))
    assert generate_sim(HOMES[0], Random(1)).imsi != generate_sim(HOMES[0], Random(2)).imsi


def test_sim_of_an_unknown_operator_is_rejected() -> None:
    with pytest.raises(UnknownOperatorError):
        generate_sim(Plmn(mcc="999", mnc="98"), Random(1))


@given(st.text(min_size=1, max_size=40))
def test_any_operator_name_fits_into_the_file(name: str) -> None:
    """16 bytes of text in either alphabet."""
    if all(ord(char) <= 0xFFFF and not 0xD800 <= ord(char) <= 0xDFFF for char in name):
        assert len(encode_spn(fit_spn(name))) == 17


def profile(files: str = "", rest: str = "") -> bytes:
    return f'<IccProfile><MF path="3F00">{files}</MF>{rest}</IccProfile>'.encode()


SPN = '<EF name="EF_SPN" id="6F46"><SIMIO cmd="B0" p1="0" p2="0" p3="11" data="">144,0,0041{}</SIMIO></EF>'
PIN = "<PinProfile><PINSTATE>{}</PINSTATE></PinProfile>"


def test_recorded_response_is_returned_unchanged() -> None:
    card = parse_icc_profile(
        profile(
            '<EF id="6F11"><SIMIO cmd="C0" p1="0" p2="0" p3="F" data="">106,130</SIMIO></EF>'
            + SPN.format("FF")
        )
    )
    assert card.answer(CardCommand(0xC0, 0x6F11, p3=15)) == CardResponse(0x6A, 0x82)
    assert card.answer(CardCommand(0xB0, EF_SPN, p3=17)) == CardResponse(0x90, 0, bytes.fromhex("0041FF"))
    assert card.answer(CardCommand(0xB0, EF_SPN, p3=2)) == CardResponse(0x90, 0, b"\x00A")
    assert card.answer(CardCommand(0xB0, 0x6F3E, p3=1)) == FILE_NOT_FOUND


def test_usim_application_takes_precedence_over_the_gsm_directory() -> None:
    """The modem has selected the application if an identifier is in both."""
    usim = f'<ADF name="USIM">{SPN.format("42")}</ADF>'
    old = f'<DF name="GSM">{SPN.format("43")}</DF>'
    for files in (usim + old, old + usim):
        assert parse_icc_profile(profile(files)).files[EF_SPN] == b"\x00AB"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("PINSTATE_UNKNOWN", PinState.READY),
        ("PINSTATE_DISABLED", PinState.READY),
        ("PINSTATE_ENABLED_VERIFIED", PinState.READY),
        ("PINSTATE_ENABLED_NOT_VERIFIED", PinState.PIN_REQUIRED),
        ("PINSTATE_ENABLED_BLOCKED", PinState.PUK_REQUIRED),
        ("PINSTATE_ENABLED_PERM_BLOCKED", PinState.BLOCKED),
    ],
)
def test_each_pin_state_of_the_format_is_read(text: str, state: PinState) -> None:
    assert parse_icc_profile(profile(rest=PIN.format(text))).pin is state


BAD = {
    "not XML": b"SIM",
    "empty": b"",
    "truncated": profile()[:-4],
    "other root": b"<Profile><MF/></Profile>",
    "no master file": b"<IccProfile/>",
    "document type": b'<!DOCTYPE x [<!ENTITY a "b">]>' + profile(),
    "external entity": b'<!DOCTYPE x SYSTEM "file:///etc/hostname">' + profile(),
    "undefined entity": profile("&a;"),
    "unknown encoding": b'<?xml version="1.0" encoding="none-such"?>' + profile(),
    "too deep": profile("<DF>" * 40 + "</DF>" * 40),
    "too large": profile(" " * PROFILE_MAX),
    "file without id": profile('<EF><SIMIO cmd="B0" p1="0" p2="0" p3="1">144,0</SIMIO></EF>'),
    "command too large": profile('<EF id="1"><SIMIO cmd="1B0" p1="0" p2="0" p3="1">144,0</SIMIO></EF>'),
    "status too large": profile('<EF id="1"><SIMIO cmd="B0" p1="0" p2="0" p3="1">256,0</SIMIO></EF>'),
    "odd data": profile('<EF id="1"><SIMIO cmd="B0" p1="0" p2="0" p3="1">144,0,ABC</SIMIO></EF>'),
    "words for a number": profile('<EF id="2FE2"><CCID>none</CCID></EF>'),
    "short IMSI": profile('<EF id="6F07"><CIMI>12345</CIMI></EF>'),
    "unknown PIN state": profile(rest=PIN.format("OPEN")),
}


@pytest.mark.parametrize("case", BAD)
def test_malformed_profile_is_rejected_with_its_line(case: str) -> None:
    with pytest.raises(IccProfileError) as caught:
        parse_icc_profile(BAD[case])
    assert caught.value.line >= 1


def test_error_of_a_profile_has_the_line() -> None:
    with pytest.raises(IccProfileError) as caught:
        parse_icc_profile(b'<IccProfile>\n<MF>\n<EF id="6F07">\n<CIMI>x</CIMI>\n</EF></MF></IccProfile>')
    assert caught.value.line == 4


@given(st.binary(max_size=200) | st.text(alphabet='<>/IccProfileMF "=&;!', max_size=80).map(str.encode))
def test_any_bytes_give_a_sim_or_the_documented_error(document: bytes) -> None:
    try:
        card = parse_icc_profile(document)
    except IccProfileError:
        return
    assert card.pin in PinState


def test_number_of_elements_is_bounded() -> None:
    with pytest.raises(IccProfileError) as caught:
        parse_icc_profile(b"<IccProfile>\n<MF>\n" + b"<a/>" * 100_000)
    assert (caught.value.line, caught.value.detail) == (3, "more than 20000 elements")


@pytest.mark.parametrize(
    ("piece", "count"), [(b"x" * 40 + b"<a/>", 8_000), (b'<ADF name="USIM"/><DF/>', 4_500)]
)
def test_elements_cost_in_proportion_to_their_number(piece: bytes, count: int) -> None:
    def cost(pieces: int) -> float:
        document = b"<IccProfile><MF>" + piece * pieces + b"</MF></IccProfile>"
        seconds = []
        for _ in range(3):
            start = time.process_time()
            parse_icc_profile(document)
            seconds.append(time.process_time() - start)
        return min(seconds)

    assert cost(2 * count) < 2.5 * cost(count) + 0.02
