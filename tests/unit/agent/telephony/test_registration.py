"""Parsers of the responses about the network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony.errors import MalformedAnswerError
from agent.telephony.registration import REGISTERED, parse_operator, parse_registration
from agent.telephony.results import split_fields
from lab.handset.modem.answers import ACCESS, STATES, operator_line, registration_line
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

CELLS = st.builds(
    Cell,
    area=st.integers(0, 0xFFFF),
    id=st.integers(0, 0xFFFFFFF),
    technology=st.sampled_from(AccessTechnology),
)


@given(st.sampled_from(sorted(REGISTERED)), CELLS)
def test_registration_and_cell_are_parsed(state: Registration, cell: Cell) -> None:
    line = registration_line("+CREG", Serving(registration=state, cell=cell), 2, solicited=True)
    read = parse_registration(line.removeprefix("+CREG: "))
    assert (read.registration, read.cell) == (state, cell)


@pytest.mark.parametrize("state", Registration)
def test_every_registration_state_is_parsed(state: Registration) -> None:
    assert parse_registration(f"0,{STATES[state]}").registration is state


@pytest.mark.parametrize("access", range(20))
def test_every_access_technology_of_the_clause_is_known(access: int) -> None:
    """0 to 13 are assigned; other numbers are rejected."""
    content = f'2,1,"0001","00000001",{access}'
    if access <= 13:
        cell = parse_registration(content).cell
        assert cell is not None
        assert ACCESS[cell.technology] in (0, 2, 7, 11)
    else:
        with pytest.raises(MalformedAnswerError):
            parse_registration(content)


def test_cell_without_registration_is_ignored() -> None:
    assert parse_registration('2,3,"0001","00000001",7').cell is None


@pytest.mark.parametrize(
    "content",
    ["", "2", "2,x", "2,12", "2,99", '2,1,"00G1","1",7', '2,1,"1000000","1",7', '2,1,"1","1","', 'a"b,1'],
)
def test_malformed_registration_is_rejected(content: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_registration(content)


def test_operator_is_parsed_with_two_or_three_digit_mnc() -> None:
    for plmn in (Plmn(mcc="368", mnc="01"), Plmn(mcc="310", mnc="260")):
        line = operator_line(Serving(registration=Registration.HOME, plmn=plmn), 2)
        assert parse_operator(line.removeprefix("+COPS: ")) == plmn
    assert parse_operator("0") is None


@pytest.mark.parametrize("content", ["", "x", '0,0,"CUBACEL"', '0,2,"3680"', '0,2,"3680111"', '0,2,"36801'])
def test_operator_that_is_not_numeric_is_rejected(content: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_operator(content)


@given(
    st.lists(
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"')), min_size=1
    )
)
def test_quoted_parameters_are_parsed(fields: list[str]) -> None:
    """Commas and spaces in quotes are content."""
    assert split_fields(",".join(f'"{field}"' for field in fields)) == tuple(fields)


@given(st.text(max_size=60))
def test_any_text_is_split_or_raises_the_documented_error(text: str) -> None:
    try:
        fields = split_fields(text)
    except MalformedAnswerError:
        return
    assert len(fields) >= 1
