"""Final result codes, numeric and as text."""

import pytest

from agent.telephony.results import (
    NUMERIC,
    REFUSALS,
    VERBOSE,
    CmeError,
    FinalResult,
    in_plain_characters,
    parse_result,
)
from lab.handset.modem.state import TEXTS, CmeCode


@pytest.mark.parametrize("line", ["OK", "Ok", "ok", " OK ", "0"])
def test_success_is_parsed(line: str) -> None:
    """In any case, and as a number after ATV0."""
    assert parse_result(line) == FinalResult(ok=True)


@pytest.mark.parametrize("line", sorted(REFUSALS))
def test_every_refusal_is_parsed(line: str) -> None:
    assert parse_result(line) == parse_result(line.lower()) == FinalResult(ok=False)


@pytest.mark.parametrize(
    "kind", ["+CME ERROR:", "+CME ERROR: ", "+CMS ERROR: ", "ERROR: ", "+CME ERROR ", "ERROR:"]
)
def test_every_numeric_error_is_parsed(kind: str) -> None:
    for number in map(str, range(600)):
        expected = FinalResult(ok=False, error=NUMERIC.get(number, CmeError.OTHER))
        assert parse_result(f"{kind}{number}") == parse_result(f"{kind}00{number}") == expected


@pytest.mark.parametrize("code", [code for code in CmeCode if str(code.value) in NUMERIC])
def test_number_and_text_of_an_error_are_equal(code: CmeCode) -> None:
    """A modem that ignores AT+CMEE=1 sends text."""
    assert parse_result(f"+CME ERROR: {TEXTS[code]}") == parse_result(f"+CME ERROR: {code.value}")


@pytest.mark.parametrize("text", sorted(VERBOSE))
@pytest.mark.parametrize("frame", ["+CME ERROR: {}", '+CME ERROR: "{}"', "ERROR: {}", "{}", "+CMS ERROR:{}"])
def test_every_text_is_parsed(text: str, frame: str) -> None:
    assert parse_result(frame.format(text)) == FinalResult(ok=False, error=VERBOSE[text])


def test_every_error_has_a_text_and_a_number() -> None:
    assert set(VERBOSE.values()) == set(NUMERIC.values()) == set(CmeError) - {CmeError.OTHER}


@pytest.mark.parametrize("name", ["SIM", "USIM", "(U)SIM", "UICC"])
def test_every_name_of_the_card_is_understood(name: str) -> None:
    result = parse_result(f"+CME ERROR: {name} not inserted")
    assert result == FinalResult(ok=False, error=CmeError.SIM_NOT_INSERTED)


@pytest.mark.parametrize(
    "line",
    ["+EXT ERROR: 0", "+EXT ERROR: 3", "MODEM ERROR: 4", "+CIS ERROR: 601", "ERROR: not allowed", "ERROR 50"],
)
def test_error_in_the_words_of_a_maker_is_parsed(line: str) -> None:
    assert parse_result(line) == FinalResult(ok=False, error=CmeError.OTHER)


@pytest.mark.parametrize(
    "line", ["", "ERRORS", "+CME ERRORS: 1", "+CPIN: READY", "1", "490154203237518", "NAH"]
)
def test_similar_line_is_not_a_result(line: str) -> None:
    assert parse_result(line) is None


@pytest.mark.parametrize("field", ["", "20801", "00", "Nom", "004E006F006G", "4E6F6D", "0432043E"])
def test_field_in_plain_characters_is_unchanged(field: str) -> None:
    """Also UCS2 that is not ASCII."""
    assert in_plain_characters(field) == field
