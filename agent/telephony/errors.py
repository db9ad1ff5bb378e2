"""Faults of a reading, with stable codes. No fault contains output of the modem."""

from enum import StrEnum
from typing import Final

from wire import limits
from wire.evidence import TelephonyFault


class FaultCode(StrEnum):
    """Why a detail is not in the reading."""

    MODEM_GONE = "modem-gone"
    """Reading from or writing to the line failed."""
    MODEM_SILENT = "modem-silent"
    """No response in time, and none to a probe."""
    MODEM_NOT_UNDERSTOOD = "modem-not-understood"
    """Output, but no response to a probe."""
    READING_TIMED_OUT = "reading-timed-out"
    """The deadline of the whole reading has passed."""
    COMMAND_TIMED_OUT = "command-timed-out"
    """The modem responds to probes, but not to this command."""
    COMMAND_REFUSED = "command-refused"
    """The modem returned an error for the command."""
    ANSWER_EMPTY = "answer-empty"
    """The command succeeded without information."""
    ANSWER_MALFORMED = "answer-malformed"
    """The response, or one detail of it, does not have a known form."""
    LINE_TOO_LONG = "line-too-long"
    ANSWER_TOO_LONG = "answer-too-long"
    TOO_MANY_LINES = "too-many-lines"
    IMEI_INVALID = "imei-invalid"
    """Not an IMEI or IMEISV of 3GPP TS 23.003 clause 6.2."""
    STATE_UNKNOWN = "state-unknown"
    """A registration state that 3GPP TS 27.007 does not list."""
    OPERATOR_NOT_NUMERIC = "operator-not-numeric"
    """The operator is given by its name."""
    LENGTH = "length"
    """A SIM file that is shorter or longer than its clause permits, or of which the card sent only a part."""
    DIGIT = "digit"
    """A SIM file with a nibble that is not a digit, or filler before the end."""
    IDENTITY_TYPE = "identity-type"
    """The mobile identity in EF_IMSI is not an IMSI."""
    MNC_LENGTH = "mnc-length"
    """The MNC length in EF_AD is neither 2 nor 3."""
    CHARACTER = "character"
    """A character that is not in the alphabet, or not permitted in a name; the name lacks it."""
    STATUS_WORD = "status-word"
    """The status word of the card is not success."""
    ACCESS_DENIED = "access-denied"
    """The card requires an access condition that the agent cannot fulfil."""


class SessionEndedError(Exception):
    """The dialogue with the modem cannot continue. `source` is the command that was pending."""

    def __init__(self, code: FaultCode, source: str) -> None:
        super().__init__(f"{code.value}: {source}")
        self.code = code
        self.source = source


class MalformedError(Exception):
    """A response or a SIM file is not used."""

    def __init__(self, code: FaultCode = FaultCode.ANSWER_MALFORMED) -> None:
        super().__init__(code.value)
        self.code = code


class ElementaryFile(StrEnum):
    """The files of a SIM that the agent reads (3GPP TS 31.102 clause 4.2, ETSI TS 102 221 clause 13.2)."""

    ICCID = "EF_ICCID"
    IMSI = "EF_IMSI"
    AD = "EF_AD"
    SPN = "EF_SPN"
    GID1 = "EF_GID1"


_SOURCE_MAX: Final = 32


class FaultLog:
    """The faults of one reading in their order, each once; at most as many as evidence can hold."""

    def __init__(self) -> None:
        self._faults: dict[TelephonyFault, None] = {}

    def note(self, code: FaultCode, source: str, slot: int | None = None) -> None:
        """Add a fault of a command or a SIM file."""
        if len(self._faults) < limits.TELEPHONY_FAULTS_MAX:
            self._faults[TelephonyFault(code=code.value, source=source[:_SOURCE_MAX], slot=slot)] = None

    def note_end(self, ended: SessionEndedError) -> None:
        """Add the fault that ended the reading, as the first one: it explains everything that is absent."""
        first = TelephonyFault(code=ended.code.value, source=ended.source[:_SOURCE_MAX])
        self._faults = dict.fromkeys((first, *self._faults))
        while len(self._faults) > limits.TELEPHONY_FAULTS_MAX:
            self._faults.popitem()

    def faults(self) -> tuple[TelephonyFault, ...]:
        """All faults."""
        return tuple(self._faults)
