"""Errors that the emulated modem answers with (3GPP TS 27.007 clause 9.2)."""

from enum import IntEnum
from typing import Final


class CmeCode(IntEnum):
    """`<err>` of +CME ERROR."""

    NOT_SUPPORTED = 4
    SIM_NOT_INSERTED = 10
    SIM_PIN_REQUIRED = 11
    SIM_PUK_REQUIRED = 12
    SIM_FAILURE = 13
    SIM_BUSY = 14
    SIM_WRONG = 15
    NOT_FOUND = 22
    INCORRECT_PARAMETERS = 50


TEXTS: Final = {
    CmeCode.NOT_SUPPORTED: "operation not supported",
    CmeCode.SIM_NOT_INSERTED: "SIM not inserted",
    CmeCode.SIM_PIN_REQUIRED: "SIM PIN required",
    CmeCode.SIM_PUK_REQUIRED: "SIM PUK required",
    CmeCode.SIM_FAILURE: "SIM failure",
    CmeCode.SIM_BUSY: "SIM busy",
    CmeCode.SIM_WRONG: "SIM wrong",
    CmeCode.NOT_FOUND: "not found",
    CmeCode.INCORRECT_PARAMETERS: "Incorrect parameters",
}


class RefusedError(Exception):
    """The modem will not carry out a command."""

    def __init__(self, code: CmeCode) -> None:
        super().__init__(TEXTS[code])
        self.code = code


def spell_error(code: CmeCode, mode: int, *, worded: bool) -> str:
    """The final result code for `code` under AT+CMEE=`mode`; `worded` is ATV1.

    >>> spell_error(CmeCode.SIM_BUSY, 2, worded=True)
    '+CME ERROR: SIM busy'
    """
    if mode == 0:
        return "ERROR" if worded else "4"
    return f"+CME ERROR: {TEXTS[code] if mode == 2 else code.value}"
