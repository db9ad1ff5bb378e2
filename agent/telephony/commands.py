"""The AT commands of the agent, as data, each with the clause that defines it.

A command describes its information response, so that the dialogue can distinguish a response from an unsolicited
result code with the same prefix.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent.telephony.errors import ElementaryFile


@dataclass(frozen=True, slots=True)
class Command:
    """One command line.

    `prefix` is the beginning of each line of the information response; `bare` matches a line without prefix. If an
    unsolicited code has the same prefix, `solicited` matches the rest of a line of the response. `repeats` allows
    several lines, and the last one is used. A command with neither `prefix` nor `bare` has no information response.
    """

    text: str
    clause: str
    prefix: str = ""
    bare: re.Pattern[str] | None = None
    solicited: re.Pattern[str] | None = None
    repeats: bool = False

    @property
    def wants_information(self) -> bool:
        """Whether the command has an information response, without which OK does not end it."""
        return bool(self.prefix) or self.bare is not None

    def information(self, line: str) -> str | None:
        """The content of `line` if it is part of the information response, else None."""
        if self.prefix and line.startswith(self.prefix):
            content = line[len(self.prefix) :].strip()
            return content if self.solicited is None or self.solicited.match(content) else None
        return line if self.bare is not None and self.bare.fullmatch(line) else None


# The response to the read form is `<n>,<stat>[,…]`; the unsolicited code is `<stat>[,"<lac>",…]`. They differ in the
# second field: a number of at most two digits in the response, a quoted area or nothing in the unsolicited code.
_READ_REGISTRATION: Final = re.compile(r"\d\s*,\s*\d{1,2}\s*(,|$)")

PLAIN_ANSWERS: Final = Command("ATE0V1", "V.250 6.2.4, 6.2.6")
NUMERIC_ERRORS: Final = Command("AT+CMEE=1", "27.007 9.1")
ERROR_MODE: Final = Command("AT+CMEE?", "27.007 9.1", prefix="+CMEE:")
IMEI: Final = Command("AT+CGSN", "27.007 5.4", prefix="+CGSN:", bare=re.compile(r'"?[0-9]{14,17}"?'))
PIN_STATE: Final = Command("AT+CPIN?", "27.007 8.3", prefix="+CPIN:", repeats=True)
IMSI: Final = Command("AT+CIMI", "27.007 5.6", prefix="+CIMI:", bare=re.compile(r'"?[0-9]{4,20}"?'))
CARD_NUMBER: Final = Command(
    "AT+CCID",
    "manufacturer command, used if +CRSM is not permitted",
    prefix="+CCID:",
    bare=re.compile(r'"?[0-9]{10,20}[Ff]?"?'),
)
NUMERIC_OPERATOR: Final = Command("AT+COPS=3,2", "27.007 7.3")
OPERATOR: Final = Command("AT+COPS?", "27.007 7.3", prefix="+COPS:")

REGISTRATIONS: Final = tuple(
    (
        Command(f"AT+{name}=2", clause),
        Command(f"AT+{name}?", clause, prefix=f"+{name}:", solicited=_READ_REGISTRATION),
    )
    for name, clause in (("C5GREG", "27.007 10.1.47"), ("CEREG", "27.007 10.1.22"), ("CREG", "27.007 7.2"))
)
"""Set and read form of each registration command, newest core network first."""


@lru_cache(maxsize=8)
def select_slot(slot: int) -> Command:
    """Select the card in `slot` for all further SIM commands."""
    return Command(f"AT+CSUS={slot}", "27.007 8.66")


FILE_IDS: Final = {
    ElementaryFile.ICCID: 0x2FE2,
    ElementaryFile.IMSI: 0x6F07,
    ElementaryFile.AD: 0x6FAD,
    ElementaryFile.SPN: 0x6F46,
    ElementaryFile.GID1: 0x6F3E,
}
"""File identifiers (ETSI TS 102 221 clause 13.2, 3GPP TS 31.102 clause 4.2)."""

READ_BINARY: Final = 176
GET_RESPONSE: Final = 192


@lru_cache(maxsize=64)
def restricted_access(instruction: int, file: ElementaryFile, length: int) -> Command:
    """+CRSM from the start of `file`: `READ_BINARY` of `length` bytes, or `GET_RESPONSE` for its control parameters.

    >>> restricted_access(READ_BINARY, ElementaryFile.ICCID, 10).text
    'AT+CRSM=176,12258,0,0,10'
    """
    return Command(f"AT+CRSM={instruction},{FILE_IDS[file]},0,0,{length}", "27.007 8.18", prefix="+CRSM:")
