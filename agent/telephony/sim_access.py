"""Reads files of a SIM by +CRSM (3GPP TS 27.007 clause 8.18), with status words of ETSI TS 102 221 clause 10.2."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.telephony import commands
from agent.telephony.errors import ElementaryFile, MalformedAnswerError, SimFileCode, SimFileError
from agent.telephony.results import CmeError, FinalResult, split_fields
from agent.telephony.session import CommandReply, ModemSession
from wire.codes import SimStatus


class SimUnavailableError(Exception):
    """The card cannot be used. `status` is the reason; the modem works."""

    def __init__(self, status: SimStatus) -> None:
        super().__init__(status.value)
        self.status = status


_UNAVAILABLE: Final = {
    CmeError.SIM_NOT_INSERTED: SimStatus.ABSENT,
    CmeError.SIM_PIN_REQUIRED: SimStatus.PIN_REQUIRED,
    CmeError.INCORRECT_PASSWORD: SimStatus.PIN_REQUIRED,
    CmeError.SIM_PUK_REQUIRED: SimStatus.PUK_REQUIRED,
    CmeError.SIM_FAILURE: SimStatus.UNREADABLE,
    CmeError.SIM_BUSY: SimStatus.UNREADABLE,
    CmeError.SIM_WRONG: SimStatus.UNREADABLE,
}


def sim_status(result: FinalResult) -> SimStatus | None:
    """The status of the whole card after an error; None if the error concerns only the command."""
    return None if result.error is None else _UNAVAILABLE.get(result.error)


class StatusWord(StrEnum):
    """The meaning of SW1 and SW2."""

    SUCCESS = "success"
    EXACT_LENGTH = "exact-length"
    NOT_FOUND = "not-found"
    ACCESS_DENIED = "access-denied"
    FAILED = "failed"


_NOT_FOUND: Final = frozenset({(0x6A, 0x82), (0x6A, 0x83), (0x94, 0x02), (0x94, 0x04)})
_DENIED: Final = frozenset(
    {(0x69, 0x82), (0x69, 0x83), (0x69, 0x84), (0x69, 0x85), (0x98, 0x04), (0x98, 0x40)}
)


def parse_status(sw1: int, sw2: int) -> StatusWord:
    """The meaning of a status word, of a UICC or a GSM SIM (3GPP TS 51.011 clause 9.4).

    >>> parse_status(0x6A, 0x82)
    <StatusWord.NOT_FOUND: 'not-found'>
    """
    if (sw1, sw2) == (0x90, 0x00) or (sw1 in (0x91, 0x92) and (sw1, sw2) != (0x92, 0x40)):
        return StatusWord.SUCCESS
    if sw1 == 0x6C or (sw1 == 0x67 and sw2):
        return StatusWord.EXACT_LENGTH
    if (sw1, sw2) in _NOT_FOUND:
        return StatusWord.NOT_FOUND
    return StatusWord.ACCESS_DENIED if (sw1, sw2) in _DENIED else StatusWord.FAILED


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """`+CRSM: <sw1>,<sw2>[,<response>]`."""

    sw1: int
    sw2: int
    data: bytes = b""

    @property
    def status(self) -> StatusWord:
        """The meaning of the status word."""
        return parse_status(self.sw1, self.sw2)


_BYTE: Final = re.compile(r"[0-9]{1,3}")
_HEX: Final = re.compile(r"([0-9A-Fa-f]{2})*")


def parse_card_answer(content: str) -> CardAnswer:
    """The parameters of +CRSM. Raises MalformedAnswerError.

    >>> parse_card_answer('144,0,"00000003"').data.hex()
    '00000003'
    """
    fields = split_fields(content)
    words = [int(field) for field in fields[:2] if _BYTE.fullmatch(field) and int(field) <= 0xFF]
    if len(words) != 2 or len(fields) > 3 or not _HEX.fullmatch(fields[-1] if len(fields) == 3 else ""):
        raise MalformedAnswerError("not a status word and hexadecimal data")
    return CardAnswer(words[0], words[1], bytes.fromhex(fields[2]) if len(fields) == 3 else b"")


DEFAULT_SIZES: Final = {
    ElementaryFile.ICCID: 10,
    ElementaryFile.IMSI: 9,
    ElementaryFile.AD: 4,
    ElementaryFile.SPN: 17,
    ElementaryFile.GID1: 1,
}
"""The number of bytes to read if the card does not report the size of a file."""

_PARAMETERS_LENGTH: Final = 15  # of a GSM SIM (3GPP TS 51.011 clause 9.2.1); a UICC sends all its parameters


def read_file(session: ModemSession, file: ElementaryFile) -> bytes | None:
    """The content of a transparent file, or None if the card has no such file.

    Raises SimFileError, SimUnavailableError, TelephonyError.
    """
    parameters = _access(session, commands.GET_RESPONSE, file, _PARAMETERS_LENGTH)
    if parameters.status is StatusWord.NOT_FOUND:
        return None
    size = file_size(parameters.data) if parameters.status is StatusWord.SUCCESS else None
    answer = _access(session, commands.READ_BINARY, file, size or DEFAULT_SIZES[file])
    if answer.status is StatusWord.EXACT_LENGTH and answer.sw2:
        answer = _access(session, commands.READ_BINARY, file, answer.sw2)
    match answer.status:
        case StatusWord.SUCCESS:
            return answer.data
        case StatusWord.NOT_FOUND:
            return None
        case StatusWord.ACCESS_DENIED:
            raise SimFileError(file, SimFileCode.ACCESS_DENIED)
        case _:
            raise SimFileError(file, SimFileCode.STATUS_WORD)


def _access(session: ModemSession, instruction: int, file: ElementaryFile, length: int) -> CardAnswer:
    command = commands.restricted_access(instruction, file, length)
    reply = session.ask(command)
    if not reply.ok:
        raise refusal(reply, file)
    try:
        return parse_card_answer(reply.only(command))
    except MalformedAnswerError:
        raise SimFileError(file, SimFileCode.ANSWER) from None


def refusal(reply: CommandReply, file: ElementaryFile) -> Exception:
    """The exception for an error result while reading `file`."""
    status = sim_status(reply.result)
    return SimFileError(file, SimFileCode.REFUSED) if status is None else SimUnavailableError(status)


def file_size(parameters: bytes) -> int | None:
    """The size of a file from its control parameters, 1 to 255 bytes; None if they do not contain it.

    A UICC sends a template, tag 62, in which tag 80 is the size (ETSI TS 102 221 clause 11.1.1.3). A GSM SIM sends a
    fixed layout with the size in bytes 3 and 4 (3GPP TS 51.011 clause 9.2.1).

    >>> file_size(bytes.fromhex("62178202412183026FAD8A01058B036F060180020004880118"))
    4
    """
    size = 0
    if parameters[:1] == b"\x62":
        objects = parameters[2:]
        while len(objects) >= 2 and objects[0] != 0x80:
            objects = objects[2 + objects[1] :]
        if len(objects) >= 2:
            size = int.from_bytes(objects[2 : 2 + objects[1]])
    else:
        size = int.from_bytes(parameters[2:4])
    return size if 1 <= size <= 255 else None
