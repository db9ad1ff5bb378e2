"""Reads files of a SIM by +CRSM (3GPP TS 27.007 clause 8.18), with status words of ETSI TS 102 221 clause 10.2."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from agent.telephony import commands
from agent.telephony.errors import ElementaryFile, FaultCode, MalformedError
from agent.telephony.results import in_plain_characters, split_fields
from agent.telephony.session import ModemSession


class StatusWord(StrEnum):
    """The meaning of SW1 and SW2."""

    SUCCESS = "success"
    OTHER_LENGTH = "other-length"
    """SW2 is the number of bytes to ask for, 0 for 256."""
    ANY_LENGTH = "any-length"
    """The length is wrong, and the right one is not given."""
    NOT_FOUND = "not-found"
    ACCESS_DENIED = "access-denied"
    FAILED = "failed"


_END_OF_FILE: Final = (0x62, 0x82)  # data, but fewer than asked for: the file has no more
_SUCCESS: Final = frozenset({(0x90, 0x00), _END_OF_FILE})
_NOT_FOUND: Final = frozenset({(0x6A, 0x82), (0x6A, 0x83), (0x94, 0x02), (0x94, 0x04)})
_DENIED: Final = frozenset(
    {(0x69, 0x82), (0x69, 0x83), (0x69, 0x84), (0x69, 0x85), (0x98, 0x04), (0x98, 0x40)}
)


def parse_status(sw1: int, sw2: int) -> StatusWord:
    """The meaning of a status word, of a UICC or a GSM SIM (3GPP TS 51.011 clause 9.4).

    >>> parse_status(0x6A, 0x82)
    <StatusWord.NOT_FOUND: 'not-found'>
    """
    if (sw1, sw2) in _SUCCESS or (sw1 in (0x91, 0x92) and (sw1, sw2) != (0x92, 0x40)):
        return StatusWord.SUCCESS
    if sw1 in (0x61, 0x6C, 0x9F) or (sw1 == 0x67 and sw2):
        return StatusWord.OTHER_LENGTH
    if sw1 == 0x67:
        return StatusWord.ANY_LENGTH
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
        """The meaning of the status word. Success if there are data although it announces some (61xx, 9Fxx)."""
        announced = self.sw1 in (0x61, 0x9F) and self.data
        return StatusWord.SUCCESS if announced else parse_status(self.sw1, self.sw2)


_BYTE: Final = re.compile(r"[0-9]{1,3}")
_HEX: Final = re.compile(r"([0-9A-Fa-f]{2})*")


def parse_card_answer(content: str) -> CardAnswer:
    """The parameters of +CRSM. Raises MalformedError.

    >>> parse_card_answer('144,0,"00000003"').data.hex()
    '00000003'
    """
    fields = split_fields(content)
    words = [int(field) for field in fields[:2] if _BYTE.fullmatch(field) and int(field) <= 0xFF]
    data = fields[2].replace(" ", "") if len(fields) > 2 else ""
    if len(words) != 2 or not _HEX.fullmatch(data):
        raise MalformedError
    return CardAnswer(words[0], words[1], bytes.fromhex(data))


_ALL: Final = 0
"""The length that asks for all bytes of a file, at most 256."""

_USUAL_SIZES: Final = {
    ElementaryFile.ICCID: 10,
    ElementaryFile.IMSI: 9,
    ElementaryFile.AD: 4,
    ElementaryFile.SPN: 17,
    ElementaryFile.GID1: 255,  # no usual size; the card says in 6Cxx how much less it is
}
"""The number of bytes of a file whose size the card does not give."""

_PARTS_MAX: Final = 32
"""Most reads of one file by a modem that returns it in parts."""

_PARAMETERS_LENGTH: Final = 15  # of a GSM SIM (3GPP TS 51.011 clause 9.2.1); a UICC has more, or fewer


def read_file(session: ModemSession, file: ElementaryFile) -> bytes | None:
    """The whole content of a transparent file, or None if the card has no such file.

    Raises MalformedError if it cannot be read, or only a part of it, and SessionEndedError.
    """
    try:
        parameters = _read_parameters(session, file)
    except MalformedError:
        parameters = CardAnswer(0, 0)  # without its parameters a file can often be read all the same
    if parameters.status is StatusWord.NOT_FOUND:
        return None
    size = file_size(parameters.data) if parameters.status is StatusWord.SUCCESS else None
    lengths = (_ALL, _USUAL_SIZES[file]) if size is None else (size, _ALL)
    failure = MalformedError(FaultCode.STATUS_WORD)
    for length in lengths:
        try:
            answer = _access(session, commands.READ_BINARY, file, length)
            if answer.status is StatusWord.OTHER_LENGTH and answer.sw2 not in (length, _ALL):
                size = answer.sw2
                answer = _access(session, commands.READ_BINARY, file, size)
        except MalformedError as error:
            failure = error
            if error.code is FaultCode.COMMAND_TIMED_OUT:
                break
            continue
        match answer.status:
            case StatusWord.SUCCESS:
                ended = (answer.sw1, answer.sw2) == _END_OF_FILE
                return _with_rest(session, file, answer.data, length, None if ended else size)
            case StatusWord.NOT_FOUND:
                return None
            case StatusWord.ACCESS_DENIED:
                raise MalformedError(FaultCode.ACCESS_DENIED)
            case _:
                failure = MalformedError(FaultCode.STATUS_WORD)
    raise failure


def _read_parameters(session: ModemSession, file: ElementaryFile) -> CardAnswer:
    """The control parameters of `file`, asked for with the length that the card gives, once for each length."""
    asked: set[int] = set()
    length = _PARAMETERS_LENGTH
    answer = CardAnswer(0, 0)
    while length not in asked:
        asked.add(length)
        answer = _access(session, commands.GET_RESPONSE, file, length)
        match answer.status:
            case StatusWord.SUCCESS:
                if file_size(answer.data) is not None or len(asked) > 2:
                    break
                length = _template_length(answer.data)
            case StatusWord.OTHER_LENGTH if len(asked) <= 2:
                length = answer.sw2
            case StatusWord.ANY_LENGTH:
                length = _ALL
            case _:
                break
    return answer


def _with_rest(
    session: ModemSession, file: ElementaryFile, start: bytes, length: int, size: int | None
) -> bytes:
    """`start` and what follows it: a modem may return less than was asked for.

    Of a file whose size is not known, the end is where the card has no more bytes, or where they are usual. Raises
    MalformedError if the card does not send all of a known size, does not stop, or begins again.
    """
    content = start
    for _ in range(_PARTS_MAX):
        if len(content) >= (size or _USUAL_SIZES[file]):
            return content[:size]
        left = length if size is None else size - len(content)
        answer = _access(session, commands.READ_BINARY, file, left, len(content))
        if answer.status is StatusWord.OTHER_LENGTH and answer.sw2 not in (left, _ALL):
            answer = _access(session, commands.READ_BINARY, file, answer.sw2, len(content))
        if answer.status is not StatusWord.SUCCESS or not answer.data:
            if size is None:
                return content
            break
        if answer.data == content and answer.data.strip(b"\xff"):
            break  # the modem ignores the offset
        content += answer.data
    raise MalformedError(FaultCode.LENGTH)


def _access(
    session: ModemSession, instruction: int, file: ElementaryFile, length: int, offset: int = 0
) -> CardAnswer:
    reply = session.ask(commands.restricted_access(instruction, file, length, offset))
    if reply.fault is not None:
        raise MalformedError(reply.fault)
    answer = parse_card_answer(reply.information[-1])
    if length and len(answer.data) == 4 * length:
        return replace(answer, data=_in_plain_bytes(answer.data))
    return answer


def _in_plain_bytes(data: bytes) -> bytes:
    """`data` of a modem that writes the hexadecimal digits in UCS2 (AT+CSCS, 27.007 clause 8.18); else unchanged."""
    digits = in_plain_characters(data.hex().upper())
    return bytes.fromhex(digits) if _HEX.fullmatch(digits) else data


_TEMPLATES: Final = frozenset({0x62, 0x6F})
"""Tags of the file control parameters, and of the file control information of ISO/IEC 7816-4."""


def _template_length(parameters: bytes) -> int:
    """The length of all parameters, which begin with `parameters`; `_ALL` if it does not fit into one byte."""
    length = parameters[1] + 2 if len(parameters) > 1 else 0
    return length if parameters[:1] and parameters[0] in _TEMPLATES and length <= 0xFF else _ALL


def file_size(parameters: bytes) -> int | None:
    """The size of a file from its control parameters, 1 to 255 bytes; None if they do not contain it.

    A UICC sends a template, tag 62, in which tag 80 is the size (ETSI TS 102 221 clause 11.1.1.3). A GSM SIM sends a
    fixed layout with the size in bytes 3 and 4 (3GPP TS 51.011 clause 9.2.1).

    >>> file_size(bytes.fromhex("62178202412183026FAD8A01058B036F060180020004880118"))
    4
    """
    size = 0
    if parameters[:1] and parameters[0] in _TEMPLATES:
        objects = parameters[3:] if parameters[1:2] == b"\x81" else parameters[2:]
        while len(objects) >= 2 and objects[0] != 0x80:
            objects = objects[2 + objects[1] :]
        if len(objects) >= 4 and len(objects) >= 2 + objects[1]:
            size = int.from_bytes(objects[2 : 2 + objects[1]])
    else:
        size = int.from_bytes(parameters[2:4]) if len(parameters) >= 4 else 0
    return size if 1 <= size <= 255 else None
