"""Final result codes (ITU-T V.250 clause 5.7, 3GPP TS 27.007 clause 9.2, 3GPP TS 27.005 clause 3.2.5, and makers' own
words), and the parameters of information responses (ITU-T V.250 clause 5.4)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    "NO SIM": CmeError.SIM_NOT_INSERTED,
    "SIM PIN REQUIRED": CmeError.SIM_PIN_REQUIRED,
    "SIM PUK REQUIRED": CmeError.SIM_PUK_REQUIRED,
    "SIM FAILURE": CmeError.SIM_FAILURE,
    "SIM BUSY": CmeError.SIM_BUSY,
    "SIM NOT READY": CmeError.SIM_BUSY,
    "PLEASE WAIT, INIT OR COMMAND PROCESSING IN PROGRESS": CmeError.SIM_BUSY,
    "SIM WRONG": CmeError.SIM_WRONG,
    "INCORRECT PASSWORD": CmeError.INCORRECT_PASSWORD,
    "SIM PIN2 REQUIRED": CmeError.SIM_PIN2_REQUIRED,
    "SIM PUK2 REQUIRED": CmeError.SIM_PUK2_REQUIRED,
}
"""Text of `+CME ERROR` after AT+CMEE=2, in capitals: modems use different case."""

NUMERIC: Final = {error.value: error for error in CmeError if error is not CmeError.OTHER} | {
    "310": CmeError.SIM_NOT_INSERTED,
    "311": CmeError.SIM_PIN_REQUIRED,
    "313": CmeError.SIM_FAILURE,
    "314": CmeError.SIM_BUSY,
    "315": CmeError.SIM_WRONG,
    "316": CmeError.SIM_PUK_REQUIRED,
    "317": CmeError.SIM_PIN2_REQUIRED,
    "318": CmeError.SIM_PUK2_REQUIRED,
    "515": CmeError.SIM_BUSY,
}
"""Numbers of `+CME ERROR`; from 300 those of `+CMS ERROR`, and 515, with which makers say "please wait"."""


@dataclass(frozen=True, slots=True)
class FinalResult:
    """A final result code. `error` is set for an error with a number or a text."""

    ok: bool
    error: CmeError | None = None


REFUSALS: Final = frozenset(
    {
        "ERROR",
        "NO CARRIER",
        "NO DIALTONE",
        "NO ANSWER",
        "BUSY",
        "ABORTED",
        "COMMAND NOT SUPPORT",
        "COMMAND NOT SUPPORTED",
        "NOT SUPPORT",
        "NOT SUPPORTED",
        "OPERATION NOT SUPPORTED",
        "OPERATION NOT ALLOWED",
        "NOT ALLOWED",
        "NOT IMPLEMENTED",
        "TOO MANY PARAMETERS",
        "INVALID COMMAND",
        "INVALID PARAMETER",
        "INVALID PARAMETERS",
        "UNKNOWN COMMAND",
        "UNKNOWN ERROR",
        "COMMAND FAILED",
        "FAIL",
        "FAILED",
        "NA",
        "N/A",
        "4",
    }
)
"""Lines that end a command without success, in capitals: those of V.250 and makers' own. 4 is ERROR after ATV0."""

_ERROR: Final = re.compile(r"(?:\+?[A-Z0-9]{2,10} )?ERROR\b\s*(?:[:=]?\s*)(.*)")
_SIM: Final = re.compile(r"\(?\bU\)?SIM\b|\bUICC\b")


def parse_result(line: str) -> FinalResult | None:
    """The final result code in `line`, or None if `line` is something else.

    >>> parse_result("+CME ERROR: SIM busy").error
    <CmeError.SIM_BUSY: '14'>
    """
    text = line.strip().upper()
    if text in ("OK", "0"):
        return FinalResult(ok=True)
    if text in REFUSALS:
        return FinalResult(ok=False)
    if text in VERBOSE:
        return FinalResult(ok=False, error=VERBOSE[text])
    if "ERROR" in text and (error := _ERROR.fullmatch(text)):
        detail = _SIM.sub("SIM", error[1].strip(' ".'))
        known = NUMERIC.get(detail.lstrip("0")) or VERBOSE.get(detail) or CmeError.OTHER
        return FinalResult(ok=False, error=known)
    return None


# Possessive quantifiers: many spaces must not lead to exponential backtracking.
_PARAMETER: Final = re.compile(r'\s*+(?:"([^"]*+)"\s*+(?=,|\Z)|([^,]*+))(,|\Z)')


def split_fields(content: str) -> tuple[str, ...]:
    """The parameters, separated by commas, without quotes and spaces around them.

    A quote that is not closed, or is inside a parameter, stays: what is cut is not taken for a whole value.

    >>> split_fields('0,2,"368,01",7'), split_fields('2,1,"00C3","0001')
    (('0', '2', '368,01', '7'), ('2', '1', '00C3', '"0001'))
    """
    fields: list[str] = []
    separator, position = ",", 0
    while separator and (match := _PARAMETER.match(content, position)):
        text, plain, separator = match.groups()
        fields.append((plain if text is None else text).strip())
        position = match.end()
    return tuple(fields)


_UCS2_ASCII: Final = re.compile(r"(?:00[2-7][0-9A-Fa-f])+")
_HEX_DIGITS: Final = re.compile(r"(?:3[0-9])+")


def in_plain_characters(field: str) -> str:
    """A string parameter in the character sets UCS2 or HEX (AT+CSCS, 3GPP TS 27.007 clause 5.5) as ASCII.

    Only a field that consists of ASCII characters in UCS2, or of digits in HEX, is changed.

    >>> in_plain_characters("00320030003800300031"), in_plain_characters("3230383031"), in_plain_characters("20801")
    ('20801', '20801', '20801')
    """
    if _UCS2_ASCII.fullmatch(field):
        return bytes.fromhex(field).decode("utf-16-be")
    if len(field) >= 10 and _HEX_DIGITS.fullmatch(field):
        return bytes.fromhex(field).decode("ascii")
    return field
