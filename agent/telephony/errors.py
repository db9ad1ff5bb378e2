"""Errors in the dialogue with a modem, with stable codes. No message contains output of the modem."""

from dataclasses import dataclass
from enum import StrEnum


class TelephonyCode(StrEnum):
    """Why the modem could not be read."""

    MODEM_GONE = "modem-gone"
    """Reading from or writing to the line failed."""
    MODEM_SILENT = "modem-silent"
    """No response in time, and none to a probe."""
    COMMAND_TIMED_OUT = "command-timed-out"
    """The modem responds to probes, but not to this command."""
    COMMAND_REFUSED = "command-refused"
    """A mandatory command returned an error."""
    ANSWER_MALFORMED = "answer-malformed"
    """The response does not have the form of 3GPP TS 27.007."""
    LINE_TOO_LONG = "line-too-long"
    ANSWER_TOO_LONG = "answer-too-long"
    TOO_MANY_LINES = "too-many-lines"
    IMEI_INVALID = "imei-invalid"
    """Not fifteen digits with a correct check digit."""


class TelephonyError(Exception):
    """The modem could not be read. `command` is the command; its response is not included."""

    def __init__(self, code: TelephonyCode, command: str, detail: str) -> None:
        super().__init__(f"{code.value}: {command}: {detail}")
        self.code = code
        self.command = command
        self.detail = detail


class MalformedAnswerError(Exception):
    """An information response does not have the form of its clause."""


class ElementaryFile(StrEnum):
    """The files of a SIM that the agent reads (3GPP TS 31.102 clause 4.2, ETSI TS 102 221 clause 13.2)."""

    ICCID = "EF_ICCID"
    IMSI = "EF_IMSI"
    AD = "EF_AD"
    SPN = "EF_SPN"
    GID1 = "EF_GID1"


class SimFileCode(StrEnum):
    """Why a file of a SIM is not used."""

    LENGTH = "length"
    """Shorter or longer than permitted."""
    DIGIT = "digit"
    """A nibble that is not a decimal digit, or filler before the end."""
    IDENTITY_TYPE = "identity-type"
    """The type or parity bits of the mobile identity do not fit an IMSI."""
    MNC_LENGTH = "mnc-length"
    """Neither 2 nor 3."""
    CHARACTER = "character"
    """Not in the alphabet, or not permitted in a name."""
    PADDING = "padding"
    """Data after the end of the content."""
    STATUS_WORD = "status-word"
    """The status word of the card is not success."""
    ACCESS_DENIED = "access-denied"
    """The card requires an access condition that the agent cannot fulfil."""
    REFUSED = "refused"
    """The modem returned an error for the command."""
    ANSWER = "answer"
    """The +CRSM response of the modem is malformed."""


class SimFileError(Exception):
    """A file does not conform to its specification. `offset` is the first byte that does not, from 0."""

    def __init__(self, file: ElementaryFile, code: SimFileCode, offset: int = 0) -> None:
        super().__init__(f"{file.value}: {code.value} at byte {offset}")
        self.file = file
        self.code = code
        self.offset = offset


@dataclass(frozen=True, slots=True)
class SimFault:
    """A file of the SIM in `slot` that is not in the evidence, and the reason."""

    slot: int
    file: ElementaryFile
    code: SimFileCode
    offset: int = 0
