"""What can go wrong between the agent and a modem, by stable code. No message carries what the modem said."""

from dataclasses import dataclass
from enum import StrEnum


class TelephonyCode(StrEnum):
    """Why the modem could not be read at all."""

    MODEM_GONE = "modem-gone"
    """The line failed under a read or a write."""
    MODEM_SILENT = "modem-silent"
    """Not even a probe was answered in time."""
    COMMAND_TIMED_OUT = "command-timed-out"
    """The modem answers probes, but not this command."""
    COMMAND_REFUSED = "command-refused"
    """A command that every modem must know was answered by an error."""
    ANSWER_MALFORMED = "answer-malformed"
    """The answer is not in the form that 3GPP TS 27.007 gives it."""
    LINE_TOO_LONG = "line-too-long"
    ANSWER_TOO_LONG = "answer-too-long"
    TOO_MANY_LINES = "too-many-lines"
    IMEI_INVALID = "imei-invalid"
    """Not fifteen digits that satisfy the check digit."""


class TelephonyError(Exception):
    """The modem could not be read. `command` names the command, never its answer."""

    def __init__(self, code: TelephonyCode, command: str, detail: str) -> None:
        super().__init__(f"{code.value}: {command}: {detail}")
        self.code = code
        self.command = command
        self.detail = detail


class MalformedAnswerError(Exception):
    """An information response is not in the form that its clause gives it."""


class ElementaryFile(StrEnum):
    """The files of a SIM that the agent reads (3GPP TS 31.102 clause 4.2, ETSI TS 102 221 clause 13.2)."""

    ICCID = "EF_ICCID"
    IMSI = "EF_IMSI"
    AD = "EF_AD"
    SPN = "EF_SPN"
    GID1 = "EF_GID1"


class SimFileCode(StrEnum):
    """Why a file of a SIM was refused, or not read."""

    LENGTH = "length"
    """Shorter or longer than the file can be."""
    DIGIT = "digit"
    """A nibble that is not a decimal digit, or filler before the end."""
    IDENTITY_TYPE = "identity-type"
    """The type or parity bits of the mobile identity do not fit an IMSI."""
    MNC_LENGTH = "mnc-length"
    """Neither 2 nor 3."""
    CHARACTER = "character"
    """Not a character of the alphabet in use, or one that no name may hold."""
    PADDING = "padding"
    """Something follows the end of the content."""
    STATUS_WORD = "status-word"
    """The card answered with a status that is not success."""
    ACCESS_DENIED = "access-denied"
    """The card wants a condition fulfilled that the agent cannot fulfil."""
    REFUSED = "refused"
    """The modem refused the command."""
    ANSWER = "answer"
    """The modem's +CRSM answer is malformed."""


class SimFileError(Exception):
    """A file is not what its specification says. `offset` is the first octet at fault, from 0."""

    def __init__(self, file: ElementaryFile, code: SimFileCode, offset: int = 0) -> None:
        super().__init__(f"{file.value}: {code.value} at octet {offset}")
        self.file = file
        self.code = code
        self.offset = offset


@dataclass(frozen=True, slots=True)
class SimFault:
    """A file of the SIM in `slot` that was left out of the evidence, and why."""

    slot: int
    file: ElementaryFile
    code: SimFileCode
    offset: int = 0
