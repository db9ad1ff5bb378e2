"""IMEI and the assumed length of an MNC."""

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imei as peer

from agent.telephony.identity import BOTH, THREE_DIGITS, assumed_mnc_length, check_digit, is_imei
from lab.world.places import load_places

DIGITS = "0123456789"


@given(st.text(DIGITS, min_size=14, max_size=14))
def test_exactly_one_check_digit_is_valid(body: str) -> None:
    """Compared with python-stdnum."""
    fitting = [digit for digit in DIGITS if is_imei(body + digit)]
    assert fitting == [str(check_digit(body))]
    assert peer.is_valid(body + fitting[0])


@given(st.text(max_size=20))
def test_only_fifteen_ascii_digits_are_an_imei(text: str) -> None:
    """Sixteen digits are an IMEISV."""
    if is_imei(text):
        assert re.fullmatch("[0-9]{15}", text)


def test_countries_with_three_digit_codes_agree_with_the_operator_table() -> None:
    """The table of python-stdnum."""
    table = (resources.files("stdnum") / "imsi.dat").read_text(encoding="utf-8")
    blocks = re.findall(r"^(\d{3})\n((?: .*\n)*)", table, re.MULTILINE)
    lengths = {
        mcc: {len(code) for code in re.findall(r"^ (\d+) ", rows, re.MULTILINE)} for mcc, rows in blocks
    }
    assert {mcc for mcc, found in lengths.items() if found == {3}} <= THREE_DIGITS
    assert {mcc for mcc, found in lengths.items() if found == {2}}.isdisjoint(THREE_DIGITS | BOTH)


@pytest.mark.parametrize("place", sorted(load_places()))
def test_assumed_length_is_right_for_the_sims_of_all_places(place: str) -> None:
    for plmn in filter(None, load_places()[place].sims):
        assert assumed_mnc_length(plmn.mcc) == len(plmn.mnc)


def test_no_length_is_assumed_if_both_are_in_use() -> None:
    assert assumed_mnc_length("405") is None
