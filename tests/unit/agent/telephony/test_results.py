"""Final result codes, numbered and worded."""

import pytest

from agent.telephony.results import NUMERIC, VERBOSE, CmeError, FinalResult, ResultKind, parse_result
from lab.handset.modem.errors import TEXTS, CmeCode


@pytest.mark.parametrize("kind", [kind for kind in ResultKind if not kind.value.startswith("+")])
def test_every_plain_result_ends_a_command(kind: ResultKind) -> None:
    """V.250 lists them all; a missing one would look like silence."""
    assert parse_result(kind.value) == FinalResult(kind)
    assert FinalResult(kind).ok == (kind is ResultKind.OK)


def test_every_numbered_equipment_error_ends_a_command() -> None:
    for number in map(str, range(200)):
        expected = FinalResult(ResultKind.CME_ERROR, NUMERIC.get(number, CmeError.OTHER))
        assert parse_result(f"+CME ERROR: {number}") == expected


@pytest.mark.parametrize("code", [code for code in CmeCode if str(code.value) in NUMERIC])
def test_numbers_and_words_of_an_error_mean_the_same(code: CmeCode) -> None:
    """A modem that ignores AT+CMEE=1 words its errors."""
    assert parse_result(f"+CME ERROR: {TEXTS[code]}") == parse_result(f"+CME ERROR: {code.value}")


def test_every_word_has_its_number() -> None:
    """Both tables speak of the same errors."""
    assert set(VERBOSE.values()) == set(NUMERIC.values())


@pytest.mark.parametrize(
    "line", ["", "ok", "OK ", "ERRORS", "+CME ERROR", "+CME ERRORS: 1", "+CPIN: READY", "0"]
)
def test_what_only_looks_like_a_result_is_none(line: str) -> None:
    """A guess would end a command early."""
    assert parse_result(line) is None


def test_message_service_errors_end_a_command() -> None:
    """+CMS ERROR comes from the SMS part of a modem."""
    assert parse_result("+CMS ERROR: 500") == FinalResult(ResultKind.CMS_ERROR)
