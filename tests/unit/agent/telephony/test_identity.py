"""IMEI and IMEISV."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imei as peer

from agent.telephony.identity import check_digit, find_imeis

DIGITS = "0123456789"
BODIES = st.text(DIGITS, min_size=14, max_size=14).filter(lambda body: body.strip("0"))


@given(st.text(DIGITS, min_size=14, max_size=14))
def test_exactly_one_check_digit_is_valid(body: str) -> None:
    """Compared with python-stdnum."""
    fitting = [digit for digit in DIGITS if peer.is_valid(body + digit)]
    assert fitting == [str(check_digit(body))]


FRAMES = (
    "{}",
    '"{}"',
    "IMEI: {}",
    "IMEI:{}",
    "+CGSN: {}",
    '"{}","01"',
    "{},02",
    "{}F",
    "  {}  ",
    "IMEISV={}",
)


@given(BODIES, st.sampled_from(FRAMES))
def test_every_stated_length_gives_the_imei(body: str, frame: str) -> None:
    """14 digits, 15 with the check digit or 0 in its place, 16 with the software version, 17 with both."""
    imei = f"{body}{check_digit(body)}"
    for stated in (body, imei, f"{body}0", f"{body}42", f"{imei}42", f"{body}042"):
        assert find_imeis(frame.format(stated)) == (imei,)


@given(BODIES)
def test_digits_in_ucs2_or_with_separators_give_the_imei(body: str) -> None:
    imei = f"{body}{check_digit(body)}"
    ucs2 = imei.encode("utf-16-be").hex()
    grouped = f"{imei[:2]}-{imei[2:8]}-{imei[8:14]}-{imei[14]}"
    assert find_imeis(f'"{ucs2}"') == find_imeis(grouped) == find_imeis(grouped.replace("-", " ")) == (imei,)


@given(BODIES, st.sampled_from(DIGITS[1:]))
def test_wrong_check_digit_is_no_imei(body: str, digit: str) -> None:
    expected = (body + digit,) if digit == str(check_digit(body)) else ()
    assert find_imeis(body + digit) == expected


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "SN00TEST0000001",
            "000000000000000",
            "0000000000000000",
            "1234567890123",
            "A1000049015420",
            "0",
        ),
        *("SN490154203237518", "0xA1000049015420323", "490154203237518490154203237518"),
    ],
)
def test_other_numbers_are_no_imei(line: str) -> None:
    """Serial numbers, an MEID, a number that was never written."""
    assert find_imeis(line) == ()


def test_two_imeis_on_a_line_are_both_found() -> None:
    assert find_imeis("490154203237518 356938035643809") == ("490154203237518", "356938035643809")


@given(st.text(max_size=80))
def test_found_numbers_are_imeis(line: str) -> None:
    assert all(len(imei) == 15 and peer.is_valid(imei) for imei in find_imeis(line))
