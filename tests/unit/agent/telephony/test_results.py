"""Final result codes, numeric and as text."""

import pytest

from agent.telephony.results import NUMERIC, VERBOSE, CmeError, FinalResult, ResultKind, parse_result
from lab.handset.modem.state import TEXTS, CmeCode


@pytest.mark.parametrize("kind", [kind for kind in ResultKind if not kind.value.startswith("+")])
def test_every_plain_result_is_parsed(kind: ResultKind) -> None:
    assert parse_result(kind.value) == FinalResult(kind)
    assert FinalResult(kind).ok == (kind is ResultKind.OK)


def test_every_numeric_equipment_error_is_parsed() -> None:
    for number in map(str, range(200)):
        expected = FinalResult(ResultKind.CME_ERROR, NUMERIC.get(number, CmeError.OTHER))
        assert parse_result(f"+CME ERROR: {number}") == expected


@pytest.mark.parametrize("code", [code for code in CmeCode if str(code.value) in NUMERIC])
def test_number_and_text_of_an_error_are_equal(code: CmeCode) -> None:
    """A modem that ignores AT+CMEE=1 sends text."""
    assert parse_result(f"+CME ERROR: {TEXTS[code]}") == parse_result(f"+CME ERROR: {code.value}")


def test_every_text_has_a_number() -> None:
    assert set(VERBOSE.values()) == set(NUMERIC.values())


@pytest.mark.parametrize(
    "line", ["", "ok", "OK ", "ERRORS", "+CME ERROR", "+CME ERRORS: 1", "+CPIN: READY", "0"]
)
def test_similar_line_is_not_a_result(line: str) -> None:
    assert parse_result(line) is None


def test_message_service_error_is_parsed() -> None:
    assert parse_result("+CMS ERROR: 500") == FinalResult(ResultKind.CMS_ERROR)
