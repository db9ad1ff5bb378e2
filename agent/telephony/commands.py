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

    `form` matches a whole line of the information response, and its group is the content. A command without `form`
    has no information response. A command that is `optional` is not repeated after a silence.
    """

    text: str
    clause: str
    form: re.Pattern[str] | None = None
    optional: bool = False

    @property
    def bare(self) -> bool:
        """Whether a line of digits is part of the information response."""
        return self.information("4" * 15) is not None

    def information(self, line: str) -> str | None:
        """The content of `line` if it is part of the information response, else None."""
        match = self.form.fullmatch(line) if self.form is not None else None
        return match[match.lastindex or 0].strip() if match else None


def _prefixed(name: str, content: str = ".*", *, bare: str | None = None) -> re.Pattern[str]:
    """A line `<name>: <content>`, or a line without prefix that matches `bare`."""
    prefixed = rf"{re.escape(name)}\s*:\s*({content})"
    return re.compile(prefixed if bare is None else rf"{prefixed}|{bare}", re.IGNORECASE)


# The response to the read form is `<n>,<stat>[,…]`; the unsolicited code is `<stat>[,"<lac>",…]`. They differ in the
# second field: a number of one or two digits in the response, an area or nothing in the unsolicited code.
_READ_REGISTRATION: Final = r'"?\d{1,3}"?\s*,\s*(?:"\d{1,2}"|0?\d{1,2})\s*(?:,.*)?'

_IMEI: Final = re.compile(
    r"[+#^*%]?(?:[CK]?GSN|EGMR|IMEI(?:SV)?)\s*[:=]?\s*(.*)|([^+^*%#$&!]*[0-9](?:[ /.-]?[0-9]){13}.*)",
    re.IGNORECASE,
)
_CARD_NUMBER: Final = re.compile(r'[+#^%!]?[A-Z]{0,6}CID\s*[:=]\s*(.*)|("?[0-9A-F]{10,20}"?)', re.IGNORECASE)

PLAIN_ANSWERS: Final = Command("ATE0V1", "V.250 6.2.4, 6.2.6", optional=True)
NUMERIC_ERRORS: Final = Command("AT+CMEE=1", "27.007 9.1", optional=True)
ERROR_MODE: Final = Command("AT+CMEE?", "27.007 9.1", _prefixed("+CMEE"), optional=True)
SIGNAL: Final = Command("AT+CSQ", "27.007 8.5", _prefixed("+CSQ"), optional=True)
PIN_STATE: Final = Command(
    "AT+CPIN?", "27.007 8.3", _prefixed("+CPIN", bare=r'("?(?:READY|(?:SIM|PH-[A-Z]+) P[IU][NK]2?)"?)')
)
IMSI: Final = Command(
    "AT+CIMI", "27.007 5.6", _prefixed("+CIMI", bare=r'(?:IMSI\s*[:=]\s*)?("?[0-9]{4,60}F?"?)')
)
NUMERIC_OPERATOR: Final = Command("AT+COPS=3,2", "27.007 7.3", optional=True)
OPERATOR: Final = Command("AT+COPS?", "27.007 7.3", _prefixed("+COPS"))

IMEIS: Final = (
    Command("AT+CGSN=1", "27.007 5.4, from Release 12", _IMEI, optional=True),
    Command("AT+CGSN", "27.007 5.4: a serial number, often the IMEI", _IMEI),
    Command("AT+GSN", "V.250 6.1.5: the same", _IMEI, optional=True),
    Command("AT+EGMR=0,7", "MediaTek: reads the IMEI", _IMEI, optional=True),
)
"""Commands that state the IMEI; the first one that does is used."""

CARD_NUMBERS: Final = tuple(
    Command(text, f"{makers}: used if +CRSM does not give EF_ICCID", _CARD_NUMBER, optional=True)
    for text, makers in (
        ("AT+CCID", "several makers"),
        ("AT+QCCID", "Quectel"),
        ("AT+CICCID", "SIMCom"),
        ("AT+ICCID", "Fibocom, MeiG"),
        ("AT^ICCID?", "Huawei"),
        ("AT#CCID", "Telit"),
        ("AT^SCID", "Cinterion"),
        ("AT!ICCID?", "Sierra"),
        ("AT%XICCID", "Nordic"),
        ("AT+CCID?", "makers with the read form only"),
        ("AT+SQNCCID?", "Sequans"),
        ("AT+MCCID", "China Mobile"),
        ("AT+ZGETICCID", "ZTE"),
    )
)

REGISTRATIONS: Final = tuple(
    (
        Command(f"AT+{name}=2", clause, optional=True),
        Command(f"AT+{name}?", clause, _prefixed(f"+{name}", _READ_REGISTRATION), optional=optional),
    )
    for name, clause, optional in (
        ("C5GREG", "27.007 10.1.47", True),
        ("CEREG", "27.007 10.1.22", False),
        ("CREG", "27.007 7.2", False),
    )
)
"""Set and read form of each registration command, newest core network first."""

PROBES: Final = (ERROR_MODE, SIGNAL, PIN_STATE, REGISTRATIONS[-1][1], *IMEIS[:2])
"""Commands with an information response that differs from those of other commands, or at least from most."""


@lru_cache(maxsize=8)
def select_slot(slot: int) -> Command:
    """Select the card in `slot` for all further SIM commands."""
    return Command(f"AT+CSUS={slot}", "27.007 8.66", optional=True)


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
def restricted_access(instruction: int, file: ElementaryFile, length: int, offset: int = 0) -> Command:
    """+CRSM: `READ_BINARY` of `length` bytes of `file` from `offset`, or `GET_RESPONSE` for its control parameters.

    A `length` of 0 asks for all that there is, up to 256 bytes (ETSI TS 102 221 clause 10.1.6).

    >>> restricted_access(READ_BINARY, ElementaryFile.ICCID, 10).text
    'AT+CRSM=176,12258,0,0,10'
    """
    text = f"AT+CRSM={instruction},{FILE_IDS[file]},{offset >> 8},{offset & 0xFF},{length}"
    return Command(text, "27.007 8.18", _prefixed("+CRSM"), optional=True)
