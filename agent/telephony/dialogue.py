"""The AT dialogue without I/O: bytes in, events out. The events do not depend on how the bytes are divided.

How a line is classified, in this order:

1. A line ends with CR or LF. Control characters in it are ignored, spaces and bytes that are not ASCII around it
   are removed, and such bytes inside it become `?`. An empty line is ignored.
2. The echo of the pending command is removed, also where the response follows it on the same line.
3. A final result code ends the pending command. If the command requires information and none has arrived, the code may
   belong to an older command: OK is then reported as Uninformed, and while probing every code as Stale.
4. A line with the form of the pending command's response is information.
5. A line that begins like a result code, or is a known word, is unsolicited. Any other line is a stray.

There are bounds for each line and for the whole response to a command. If one is exceeded, the command ends with
Broken, and the rest of the line is skipped.
"""

import re
from dataclasses import dataclass
from typing import Final

from agent.telephony.commands import Command
from agent.telephony.errors import FaultCode
from agent.telephony.results import FinalResult, parse_result

_PIECE: Final = re.compile(rb"[^\r\n]+|[\r\n]+")
_LINE_ENDS: Final = b"\r\n"
_CONTROLS: Final = bytes((*range(0x20), 0x7F))
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")
_MARGIN: Final = bytes((0x20, *range(0x80, 0x100)))
_MARKS: Final = tuple("+^*%#$&!")
_WORDS: Final = frozenset(
    {"RING", "CONNECT", "RDY", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "NORMAL POWER DOWN"}
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
class Uninformed:
    """OK without the information that the pending command requires; the command has not ended."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A final result code that belongs to an older command, or to none."""

    ok: bool


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
    """The modem exceeded a bound; the pending command has ended without a result."""

    code: FaultCode


DialogueEvent = Information | Ended | Uninformed | Stale | Unsolicited | Stray | Broken


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
    >>> dialogue.send(Command("AT+CPIN?", "27.007 8.3", re.compile("[+]CPIN: (.*)")))
    b'AT+CPIN?\\r'
    >>> [type(event).__name__ for event in dialogue.receive(b"\\r\\n+CPIN: READY\\r\\n\\r\\nOK\\r\\n")]
    ['Information', 'Ended']
    """

    def __init__(self, bounds: DialogueBounds | None = None) -> None:
        self._bounds = bounds or DialogueBounds()
        self._rest = b""
        self._skipping = False
        self._pending: Command | None = None
        self._probing = False
        self._informed = False
        self._bytes = 0
        self._lines = 0

    @property
    def pending(self) -> Command | None:
        """The command that has not ended yet."""
        return self._pending

    def send(self, command: Command, *, probing: bool = False) -> bytes:
        """The bytes to write for `command`. `probing` ignores every result before the first information.

        Raises DialogueMisuseError while a command is pending.
        """
        if self._pending is not None:
            raise DialogueMisuseError(f"{command.text} sent while {self._pending.text} is pending")
        self._pending, self._probing, self._informed = command, probing, False
        self._bytes = self._lines = 0
        return command.text.encode("ascii") + b"\r"

    def abandon(self) -> None:
        """Stop waiting for the pending command. A late response to it is not information."""
        self._pending = None

    def receive(self, data: bytes) -> tuple[DialogueEvent, ...]:
        """The events of the lines that `data` completes, in order."""
        events: list[DialogueEvent] = []
        for piece in _PIECE.findall(data):
            if piece[0] in _LINE_ENDS:
                self._end_line(len(piece), events)
            elif (broken := self._extend_line(piece)) is not None:
                events.append(broken)
        return tuple(events)

    def _extend_line(self, piece: bytes) -> Broken | None:
        """Bytes within a line. If both bounds are exceeded, reports the one that is reached first."""
        if self._skipping:
            return self._count(len(piece), lines=0)
        line_room = self._bounds.line - len(self._rest)
        answer_room = self._bounds.answer - self._bytes if self._pending is not None else line_room
        if len(piece) > min(line_room, answer_room):
            line_first = line_room <= answer_room
            self._rest, self._skipping = b"", True
            return self._break(FaultCode.LINE_TOO_LONG if line_first else FaultCode.ANSWER_TOO_LONG)
        self._rest += piece
        self._bytes += len(piece)
        return None

    def _end_line(self, count: int, events: list[DialogueEvent]) -> None:
        """`count` consecutive CR or LF characters. The first one ends the current line, if any."""
        self._skipping = False
        line, self._rest = self._rest, b""
        if line:
            count -= 1
            event = self._count(1, lines=1) or self._classify(line)
            if event is not None:
                events.append(event)
        if count and (broken := self._count(count, lines=0)) is not None:
            events.append(broken)

    def _count(self, length: int, *, lines: int) -> Broken | None:
        """Count towards the bounds of the response, while a command is pending."""
        if self._pending is None:
            return None
        self._bytes += length
        self._lines += lines
        if self._bytes > self._bounds.answer:
            return self._break(FaultCode.ANSWER_TOO_LONG)
        return self._break(FaultCode.TOO_MANY_LINES) if self._lines > self._bounds.lines else None

    def _break(self, code: FaultCode) -> Broken | None:
        """End the pending command, if any."""
        if self._pending is None:
            return None
        self.abandon()
        return Broken(code)

    def _classify(self, raw: bytes) -> DialogueEvent | None:
        if not _PRINTABLE.fullmatch(raw):
            raw = _NOT_ASCII.sub(b"?", raw.translate(None, _CONTROLS).strip(_MARGIN))
        line = raw.decode("ascii").strip()
        command = self._pending
        if command is not None:
            line = line.removeprefix(command.text).strip()
        if not line:
            return None
        result = parse_result(line)
        if command is not None:
            if result is not None:
                return self._end(command, result)
            if (content := command.information(line)) is not None:
                self._informed = True
                return Information(content)
        if result is not None:
            return Stale(result.ok)
        return Unsolicited(line) if line.startswith(_MARKS) or line in _WORDS else Stray(len(raw))

    def _end(self, command: Command, result: FinalResult) -> DialogueEvent:
        if command.form is not None and not self._informed:
            if self._probing:
                return Stale(result.ok)
            if result.ok:
                return Uninformed()
        self._pending = None
        return Ended(result)
