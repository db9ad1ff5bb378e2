"""Final result codes (ITU-T V.250 clause 5.7, 3GPP TS 27.007 clause 9.2, 3GPP TS 27.005 clause 3.2.5), and the
parameters of information responses (ITU-T V.250 clause 5.4)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.telephony.errors import MalformedAnswerError


class ResultKind(StrEnum):
    """How a command ended."""

    OK = "OK"
    ERROR = "ERROR"
    CME_ERROR = "+CME ERROR"
    CMS_ERROR = "+CMS ERROR"
    NO_CARRIER = "NO CARRIER"
    NO_DIALTONE = "NO DIALTONE"
    NO_ANSWER = "NO ANSWER"
    BUSY = "BUSY"
    ABORTED = "ABORTED"


class CmeError(StrEnum):
    """The errors of 3GPP TS 27.007 clause 9.2 that the agent distinguishes; OTHER is any other error."""

    SIM_NOT_INSERTED = "10"
    SIM_PIN_REQUIRED = "11"
    SIM_PUK_REQUIRED = "12"
    SIM_FAILURE = "13"
    SIM_BUSY = "14"
    SIM_WRONG = "15"
    INCORRECT_PASSWORD = "16"  # noqa: S105 - an error number
    SIM_PIN2_REQUIRED = "17"
    SIM_PUK2_REQUIRED = "18"
    OTHER = "other"


VERBOSE: Final = {
    "SIM NOT INSERTED": CmeError.SIM_NOT_INSERTED,
    "SIM PIN REQUIRED": CmeError.SIM_PIN_REQUIRED,
    "SIM PUK REQUIRED": CmeError.SIM_PUK_REQUIRED,
    "SIM FAILURE": CmeError.SIM_FAILURE,
    "SIM BUSY": CmeError.SIM_BUSY,
    "SIM WRONG": CmeError.SIM_WRONG,
    "INCORRECT PASSWORD": CmeError.INCORRECT_PASSWORD,
    "SIM PIN2 REQUIRED": CmeError.SIM_PIN2_REQUIRED,
    "SIM PUK2 REQUIRED": CmeError.SIM_PUK2_REQUIRED,
}
"""Text of `+CME ERROR` after AT+CMEE=2, in capitals: modems use different case."""

NUMERIC: Final = {error.value: error for error in CmeError if error is not CmeError.OTHER}


@dataclass(frozen=True, slots=True)
class FinalResult:
    """A final result code. `error` is set only for `+CME ERROR`."""

    kind: ResultKind
    error: CmeError | None = None

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.kind is ResultKind.OK


PLAIN: Final = {
    kind.value: FinalResult(kind)
    for kind in ResultKind
    if kind not in {ResultKind.CME_ERROR, ResultKind.CMS_ERROR}
}

_CME_ERROR: Final = f"{ResultKind.CME_ERROR}:"
_CMS_ERROR: Final = f"{ResultKind.CMS_ERROR}:"


def parse_result(line: str) -> FinalResult | None:
    """The final result code in `line`, or None if `line` is something else.

    >>> parse_result("+CME ERROR: SIM busy").error
    <CmeError.SIM_BUSY: '14'>
    """
    if plain := PLAIN.get(line):
        return plain
    if line.startswith(_CME_ERROR):
        text = line[len(_CME_ERROR) :].strip()
        error = NUMERIC.get(text.lstrip("0")) or VERBOSE.get(text.upper()) or CmeError.OTHER
        return FinalResult(ResultKind.CME_ERROR, error)
    return FinalResult(ResultKind.CMS_ERROR) if line.startswith(_CMS_ERROR) else None


# Possessive quantifiers: many spaces must not lead to exponential backtracking.
_PARAMETER: Final = re.compile(r'\s*+(?:"([^"]*+)"\s*+|([^",]*+))(,|\Z)')


def split_fields(content: str) -> tuple[str, ...]:
    """The parameters, separated by commas, without quotes. Raises MalformedAnswerError for a misplaced or open quote.

    >>> split_fields('0,2,"368,01",7')
    ('0', '2', '368,01', '7')
    """
    fields: list[str] = []
    separator, position = ",", 0
    while separator:
        match = _PARAMETER.match(content, position)
        if match is None:
            raise MalformedAnswerError("a quote is not closed, or inside a parameter")
        text, plain, separator = match.groups()
        fields.append(plain.strip() if text is None else text)
        position = match.end()
    return tuple(fields)
