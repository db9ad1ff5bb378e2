"""The AT dialogue without I/O: octets in, events out, the same whatever pieces the octets come in.

How a line is judged, in this order:

1. A line ends with CR or LF; an empty line says nothing. A line with anything but printable ASCII is a stray.
2. The echo of the pending command is dropped, whether echo is on or off.
3. A final result code ends the pending command, unless that command wants information and none has come: such a
   code answers an older command. While probing this holds for every code, otherwise for OK alone.
4. A line that the pending command knows for its own is information.
5. What begins like a result code, or is a known word, is unsolicited. All else is a stray.

Bounds apply to each line, and to all that comes while a command is pending. Breaking one is an event, once; after it
the dialogue says nothing more and takes no command.
"""

import re
from typing import Final

from agent.telephony.commands import Command
from agent.telephony.errors import TelephonyCode, TelephonyError
from agent.telephony.events import Broken, DialogueBounds, Ended, Event, Information, Stray, Unsolicited
from agent.telephony.results import FinalResult, parse_result

_PIECE: Final = re.compile(rb"[^\r\n]+|[\r\n]+")
_LINE_ENDS: Final = b"\r\n"
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_MARKS: Final = tuple("+^*%#$&")
_WORDS: Final = frozenset(
    {"RING", "CONNECT", "RDY", "Call Ready", "SMS Ready", "PB DONE", "NORMAL POWER DOWN"}
)


class DialogueMisuseError(Exception):
    """The caller sent a command while another one is pending. The fault is ours, not the modem's."""


class Dialogue:
    """One line to one modem.

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
        self._octets = 0
        self._lines = 0
        self._broken: TelephonyCode | None = None

    @property
    def pending(self) -> Command | None:
        """The command that has not ended yet."""
        return self._pending

    def send(self, command: Command, *, probing: bool = False) -> bytes:
        """The octets to write for `command`. `probing` waits for information and drops every result before it.

        Raises TelephonyError once a bound was broken, DialogueMisuseError while a command is pending.
        """
        if self._broken is not None:
            raise TelephonyError(self._broken, command.text, "the modem broke a bound before")
        if self._pending is not None:
            raise DialogueMisuseError(f"{command.text} sent while {self._pending.text} is pending")
        self._pending, self._probing, self._informed = command, probing, False
        self._octets = self._lines = 0
        return command.text.encode("ascii") + b"\r"

    def abandon(self) -> None:
        """Wait for the pending command no longer. What still comes for it is not information."""
        self._pending = None
        self._octets = self._lines = 0

    def receive(self, data: bytes) -> tuple[Event, ...]:
        """The events that `data` completes, in order."""
        events: list[Event] = []
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
        """Octets within a line. The bound that breaks is the one that breaks first, as if they came one by one."""
        line_room = self._bounds.line - len(self._rest)
        answer_room = self._bounds.answer - self._octets if self._pending is not None else line_room
        if len(piece) > min(line_room, answer_room):
            line_first = line_room <= answer_room
            self._broken = TelephonyCode.LINE_TOO_LONG if line_first else TelephonyCode.ANSWER_TOO_LONG
            return
        self._rest += piece
        self._octets += len(piece)

    def _end_line(self, count: int, events: list[Event]) -> None:
        """`count` line ends in a row: the first ends the line if there is one, the others end nothing."""
        if self._rest:
            count -= 1
            self._count(1, lines=1)
            if self._broken is not None:
                return
            line, self._rest = self._rest, b""
            if (event := self._judge(line)) is not None:
                events.append(event)
        if count:
            self._count(count, lines=0)

    def _count(self, octets: int, *, lines: int) -> None:
        """Line ends count towards the answer; nothing does while no command is pending."""
        if self._pending is None:
            return
        if self._octets + octets > self._bounds.answer:
            self._broken = TelephonyCode.ANSWER_TOO_LONG
        elif self._lines + lines > self._bounds.lines:
            self._broken = TelephonyCode.TOO_MANY_LINES
        self._octets += octets
        self._lines += lines

    def _judge(self, raw: bytes) -> Event | None:
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

    def _end(self, command: Command, result: FinalResult, octets: int) -> Event:
        uninformed = command.wants_information and not self._informed
        if uninformed and (result.ok or self._probing):
            return Stray(octets)
        self._pending = None
        self._octets = self._lines = 0
        return Ended(result)
