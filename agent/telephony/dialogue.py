"""The AT dialogue without I/O: bytes in, events out. The events do not depend on how the bytes are divided.

How a line is classified, in this order:

1. A line ends with CR or LF; empty lines are ignored. A line with a character that is not printable ASCII is a stray.
2. The echo of the pending command is ignored.
3. A final result code ends the pending command, unless the command requires information and none has arrived: then
   the code belongs to an older command. While probing this applies to every code, otherwise only to OK.
4. A line with the form of the pending command's response is information.
5. A line that begins like a result code, or is a known word, is unsolicited. Any other line is a stray.

There are bounds for each line and for the whole response to a command. If one is exceeded, the last event is Broken;
after it the dialogue emits no event and accepts no command.
"""

import re
from dataclasses import dataclass
from typing import Final

from agent.telephony.commands import Command
from agent.telephony.errors import TelephonyCode, TelephonyError
from agent.telephony.results import FinalResult, parse_result

_PIECE: Final = re.compile(rb"[^\r\n]+|[\r\n]+")
_LINE_ENDS: Final = b"\r\n"
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_MARKS: Final = tuple("+^*%#$&")
_WORDS: Final = frozenset(
    {"RING", "CONNECT", "RDY", "Call Ready", "SMS Ready", "PB DONE", "NORMAL POWER DOWN"}
)


@dataclass(frozen=True, slots=True)
class Information:
    """A line of the response to the pending command, without its prefix."""

    content: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The pending command has ended."""

    result: FinalResult


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """An unsolicited result code."""

    line: str


@dataclass(frozen=True, slots=True)
class Stray:
    """Noise, or part of a late response. Only the number of bytes is recorded."""

    length: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The modem exceeded a bound; the line is not usable any more."""

    code: TelephonyCode


DialogueEvent = Information | Ended | Unsolicited | Stray | Broken


@dataclass(frozen=True, slots=True)
class DialogueBounds:
    """Most bytes of a line; most bytes and lines while a command is pending."""

    line: int = 1024
    answer: int = 8192
    lines: int = 64


class DialogueMisuseError(Exception):
    """The caller sent a command while another one is pending: a programming error, not one of the modem."""


class Dialogue:
    """The state of the dialogue with one modem.

    >>> dialogue = Dialogue()
    >>> dialogue.send(Command("AT+CPIN?", "27.007 8.3", prefix="+CPIN:"))
    b'AT+CPIN?\\r'
    >>> [type(event).__name__ for event in dialogue.receive(b"\\r\\n+CPIN: READY\\r\\n\\r\\nOK\\r\\n")]
    ['Information', 'Ended']
    """

    def __init__(self, bounds: DialogueBounds | None = None) -> None:
        self._bounds = bounds or DialogueBounds()
        self._rest = b""
        self._pending: Command | None = None
        self._probing = False
        self._informed = False
        self._bytes = 0
        self._lines = 0
        self._broken: TelephonyCode | None = None

    @property
    def pending(self) -> Command | None:
        """The command that has not ended yet."""
        return self._pending

    def send(self, command: Command, *, probing: bool = False) -> bytes:
        """The bytes to write for `command`. `probing` ignores every result before the first information.

        Raises TelephonyError after a bound was exceeded, and DialogueMisuseError while a command is pending.
        """
        if self._broken is not None:
            raise TelephonyError(self._broken, command.text, "the modem exceeded a bound before")
        if self._pending is not None:
            raise DialogueMisuseError(f"{command.text} sent while {self._pending.text} is pending")
        self._pending, self._probing, self._informed = command, probing, False
        self._bytes = self._lines = 0
        return command.text.encode("ascii") + b"\r"

    def abandon(self) -> None:
        """Stop waiting for the pending command. A late response to it is not information."""
        self._pending = None
        self._bytes = self._lines = 0

    def receive(self, data: bytes) -> tuple[DialogueEvent, ...]:
        """The events of the lines that `data` completes, in order."""
        events: list[DialogueEvent] = []
        for piece in _PIECE.findall(data) if self._broken is None else ():
            if piece[0] in _LINE_ENDS:
                self._end_line(len(piece), events)
            else:
                self._extend_line(piece)
            if self._broken is not None:
                events.append(Broken(self._broken))
                break
        return tuple(events)

    def _extend_line(self, piece: bytes) -> None:
        """Bytes within a line. If both bounds are exceeded, reports the one that is reached first."""
        line_room = self._bounds.line - len(self._rest)
        answer_room = self._bounds.answer - self._bytes if self._pending is not None else line_room
        if len(piece) > min(line_room, answer_room):
            line_first = line_room <= answer_room
            self._broken = TelephonyCode.LINE_TOO_LONG if line_first else TelephonyCode.ANSWER_TOO_LONG
            return
        self._rest += piece
        self._bytes += len(piece)

    def _end_line(self, count: int, events: list[DialogueEvent]) -> None:
        """`count` consecutive CR or LF characters. The first one ends the current line, if any."""
        if self._rest:
            count -= 1
            self._count(1, lines=1)
            if self._broken is not None:
                return
            line, self._rest = self._rest, b""
            if (event := self._classify(line)) is not None:
                events.append(event)
        if count:
            self._count(count, lines=0)

    def _count(self, length: int, *, lines: int) -> None:
        """Count towards the bounds of the response, while a command is pending."""
        if self._pending is None:
            return
        if self._bytes + length > self._bounds.answer:
            self._broken = TelephonyCode.ANSWER_TOO_LONG
        elif self._lines + lines > self._bounds.lines:
            self._broken = TelephonyCode.TOO_MANY_LINES
        self._bytes += length
        self._lines += lines

    def _classify(self, raw: bytes) -> DialogueEvent | None:
        if not _PRINTABLE.fullmatch(raw):
            return Stray(len(raw))
        line = raw.decode("ascii").strip()
        if self._pending is not None:
            if line == self._pending.text:
                return None
            if (result := parse_result(line)) is not None:
                return self._end(self._pending, result, len(raw))
            if (content := self._pending.information(line)) is not None:
                self._informed = True
                return Information(content)
        known = line.startswith(_MARKS) or line in _WORDS or parse_result(line) is not None
        return Unsolicited(line) if known else Stray(len(raw))

    def _end(self, command: Command, result: FinalResult, length: int) -> DialogueEvent:
        uninformed = command.wants_information and not self._informed
        if uninformed and (result.ok or self._probing):
            return Stray(length)
        self._pending = None
        self._bytes = self._lines = 0
        return Ended(result)
