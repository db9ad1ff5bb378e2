"""Answers about the network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony.errors import MalformedAnswerError
from agent.telephony.registration import REGISTERED, parse_operator, parse_registration
from agent.telephony.results import split_fields
from lab.handset.modem.registration import ACCESS, STATES, operator_line, registration_line
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

CELLS = st.builds(
    Cell,
    area=st.integers(0, 0xFFFF),
    id=st.integers(0, 0xFFFFFFF),
    technology=st.sampled_from(AccessTechnology),
)


@given(st.sampled_from(sorted(REGISTERED)), CELLS)
def test_a_registration_comes_back_with_its_cell(state: Registration, cell: Cell) -> None:
    """What the modem words, the agent reads."""
    line = registration_line("+CREG", Serving(registration=state, cell=cell), 2, solicited=True)
    read = parse_registration(line.removeprefix("+CREG: "))
    assert (read.registration, read.cell) == (state, cell)


@pytest.mark.parametrize("state", Registration)
def test_every_state_comes_back(state: Registration) -> None:
    """All of the contract's states can be told by +CREG."""
    assert parse_registration(f"0,{STATES[state]}").registration is state


@pytest.mark.parametrize("access", range(20))
def test_every_access_technology_of_the_clause_is_known(access: int) -> None:
    """0 to 13 are assigned; a number from the future is refused, not guessed."""
    content = f'2,1,"0001","00000001",{access}'
    if access <= 13:
        cell = parse_registration(content).cell
        assert cell is not None
        assert ACCESS[cell.technology] in (0, 2, 7, 11)
    else:
        with pytest.raises(MalformedAnswerError):
            parse_registration(content)


def test_a_cell_without_registration_is_not_told() -> None:
    """A phone that is not registered has no serving cell, whatever the modem adds."""
    assert parse_registration('2,3,"0001","00000001",7').cell is None


@pytest.mark.parametrize(
    "content",
    ["", "2", "2,x", "2,12", "2,99", '2,1,"00G1","1",7', '2,1,"1000000","1",7', '2,1,"1","1","', 'a"b,1'],
)
def test_a_malformed_registration_is_refused(content: str) -> None:
    """Half an answer is no answer."""
    with pytest.raises(MalformedAnswerError):
        parse_registration(content)


def test_the_operator_comes_back_by_number() -> None:
    """Two and three digit MNCs are told apart by length."""
    for plmn in (Plmn(mcc="368", mnc="01"), Plmn(mcc="310", mnc="260")):
        line = operator_line(Serving(registration=Registration.HOME, plmn=plmn), 2)
        assert parse_operator(line.removeprefix("+COPS: ")) == plmn
    assert parse_operator("0") is None


@pytest.mark.parametrize("content", ["", "x", '0,0,"CUBACEL"', '0,2,"3680"', '0,2,"3680111"', '0,2,"36801'])
def test_an_operator_that_is_not_a_number_is_refused(content: str) -> None:
    """A name is not an identity."""
    with pytest.raises(MalformedAnswerError):
        parse_operator(content)


@given(
    st.lists(
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"')), min_size=1
    )
)
def test_quoted_parameters_come_back(fields: list[str]) -> None:
    """A comma or a space inside quotes is content."""
    assert split_fields(",".join(f'"{field}"' for field in fields)) == tuple(fields)


@given(st.text(max_size=60))
def test_any_text_is_split_or_refused(text: str) -> None:
    """Nothing but the named error."""
    try:
        fields = split_fields(text)
    except MalformedAnswerError:
        return
    assert len(fields) >= 1
