"""Parsers of the responses about the network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.telephony.errors import FaultCode, MalformedError
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
    """0 to 16 are assigned (release 18). Another number costs the technology, and nothing else."""
    read = parse_registration(f'2,1,"0001","00000001",{access}')
    assert read.cell is not None
    assert (read.cell.area, read.cell.id) == (1, 1)
    if access <= 16:
        assert ACCESS[read.cell.technology] in (0, 2, 7, 11)
        assert read.faults == ()
    else:
        assert (read.cell.technology, read.faults) == (None, (FaultCode.ANSWER_MALFORMED,))


def test_cell_without_registration_is_ignored() -> None:
    assert parse_registration('2,3,"0001","00000001",7').cell is None


BITS = {AccessTechnology.NR: (24, 36), None: (24, 36)}


@given(
    st.sampled_from([0, 2, 7, 9, 10, 11, 13, 14, 16, 99]), st.integers(0, 1 << 40), st.integers(0, 1 << 30)
)
def test_numbers_are_bounded_by_value(access: int, identity: int, area: int) -> None:
    """Whatever the number of digits, the prefix and the quotes. Areas have 24 bits on a 5G core, else 16."""
    for frame in ('"{:X}"', "{:x}", '"0x{:016X}"', " {:012X} "):
        cell = parse_registration(f"2,1,{frame.format(area)},{frame.format(identity)},{access}").cell
        technology = cell.technology if cell else None
        area_bits, bits = BITS.get(technology, (24 if access == 10 else 16, 28))
        assert (cell.area if cell else None) == (area if area < 1 << area_bits else None)
        assert (cell.id if cell else None) == (identity if identity < 1 << bits else None)


@pytest.mark.parametrize("content", ["", "2", "2,x", "2,,", 'a"b,', "home", "2,-1", ","])
def test_answer_without_a_state_is_malformed(content: str) -> None:
    with pytest.raises(MalformedError):
        parse_registration(content)


@pytest.mark.parametrize("state", [12, 13, 80, 90, 255, 999])
def test_state_that_is_not_listed_is_unknown(state: int) -> None:
    read = parse_registration(f"2,{state}")
    assert (read.registration, read.faults) == (Registration.UNKNOWN, (FaultCode.STATE_UNKNOWN,))


@given(st.text(max_size=60))
def test_any_text_gives_a_state_or_the_documented_error(content: str) -> None:
    try:
        state = parse_registration(f"2,1,{content}")
    except MalformedError:
        return
    assert state.registration is Registration.HOME


WORDS = {
    AccessTechnology.GSM: ["GSM", "GSM Compact", "GSM w/EGPRS", "EC-GSM-IoT (A/Gb mode)", "GPRS", "edge"],
    AccessTechnology.UMTS: ["UTRAN", "UTRAN w/HSDPA and HSUPA", "WCDMA", "HSPA+", "DC-HSPA+", "TD-SCDMA"],
    AccessTechnology.LTE: [
        *("LTE", "lte", "FDD LTE", "LTE-M", "eMTC", "NB-IoT", "CAT-M1", "NR5G-NSA", "EN-DC", "4G+"),
        *("E-UTRAN", "E-UTRAN (NB-S1 mode)", "E-UTRA connected to a 5GCN", "E-UTRA-NR dual connectivity"),
    ],
    AccessTechnology.NR: ["NR", "NR5G-SA", "NR connected to a 5GCN", "NG-RAN", "5G", "TDD NR5G"],
    None: ["", "B", "CDMA", "unknown", "-", "1xRTT", "satellite"],
}


@pytest.mark.parametrize(
    ("technology", "word"), [(key, word) for key, words in WORDS.items() for word in words]
)
def test_technology_is_known_by_its_words(technology: AccessTechnology | None, word: str) -> None:
    """Those of 27.007 clause 7.3, and makers' own."""
    cell = parse_registration(f'2,1,"1","1","{word}"').cell
    assert cell is not None
    assert cell.technology is technology


def test_operator_is_parsed_with_two_or_three_digit_mnc() -> None:
    for plmn in (Plmn(mcc="368", mnc="01"), Plmn(mcc="310", mnc="260")):
        line = operator_line(Serving(registration=Registration.HOME, plmn=plmn), 2)
        assert parse_operator(line.removeprefix("+COPS: ")) == plmn


@pytest.mark.parametrize("content", ["", "0", "0,2", "0,2,", '0,2,"",7', "x", '0,2,"00000",7'])
def test_answer_without_an_operator_has_none(content: str) -> None:
    assert parse_operator(content) is None


@pytest.mark.parametrize(
    "content",
    ['0,0,"CUBACEL"', '0,2,"3680"', '0,2,"3680111"', '0,2,"36801', '0,0,"242 01 Nom"', '0,2,"0043"'],
)
def test_operator_that_is_not_numeric_is_named(content: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_operator(content)
    assert caught.value.code is FaultCode.OPERATOR_NOT_NUMERIC


@pytest.mark.parametrize(
    "operator",
    ["20801", "20801F", "20801f", "208-01", "208 01", "00320030003800300031", "3230383031"],
)
@pytest.mark.parametrize("form", [0, 2])
def test_every_numeric_form_gives_the_plmn(operator: str, form: int) -> None:
    """With filler, separated, in the character sets UCS2 and HEX."""
    assert parse_operator(f'0,{form},"{operator}",7') == Plmn(mcc="208", mnc="01")


@given(
    st.lists(
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"')), min_size=1
    )
)
def test_quoted_parameters_are_parsed(fields: list[str]) -> None:
    """Commas in quotes are content."""
    assert split_fields(",".join(f'"{field}"' for field in fields)) == tuple(fields)


@given(st.text(max_size=60))
def test_any_text_is_split(text: str) -> None:
    fields = split_fields(text)
    assert 1 <= len(fields) <= text.count(",") + 1
