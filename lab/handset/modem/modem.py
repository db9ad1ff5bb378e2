"""The emulated modem: the `Modem` port in process, with the behaviour and the faults of a real line."""

import re
from collections import deque
from random import Random
from typing import Final

from agent.ports import ModemError
from lab.handset.modem.answers import registration_line
from lab.handset.modem.commands import execute
from lab.handset.modem.state import ModemConfig, ModemFaults, ModemOptions, power_up
from lab.world.sim import SimCard
from wire.evidence import Serving

LINE_MAX: Final = 2048
"""Bytes of a command line that the modem accepts; it ignores further ones."""

_PIECE: Final = re.compile(rb"[^\r]*\r|[^\r]+")


class EmulatedModem:
    """Executes AT commands. A read without pending output returns immediately, and `elapsed` advances by its time-out.

    `sent` counts the bytes that the modem has sent.

    >>> modem = EmulatedModem(ModemConfig(imeis=("490154203237518",), slots=(None,)), ModemOptions(echo=False))
    >>> modem.write(b"AT+CGSN\\r")
    >>> modem.read(1.0)
    b'\\r\\n490154203237518\\r\\n\\r\\nOK\\r\\n'
    """

    def __init__(
        self, config: ModemConfig, options: ModemOptions | None = None, faults: ModemFaults | None = None
    ) -> None:
        self._options = options or ModemOptions()
        self._faults = faults or ModemFaults()
        self._state = power_up(config, self._options, self._faults)
        self._random = Random(self._options.seed)  # noqa: S311 - emulation, seeded on purpose
        self._delays = dict(self._faults.delays)
        self._line = bytearray()
        self._answers: deque[_Answer] = deque()
        self._commands = 0
        self._unsolicited = self._options.unsolicited + self._options.forms.unsolicited.lines
        self._started = False
        self.sent = 0
        self._start()

    def write(self, data: bytes) -> None:
        """Receive bytes; each carriage return ends a command line. Raises ModemError after the line has failed."""
        self._check_alive()
        for piece in _PIECE.findall(data) if self._started else ():
            self._take(piece)

    def read(self, timeout: float) -> bytes:
        """Pending output, or nothing. Raises ModemError after the line has failed."""
        self._check_alive()
        chunk = b""
        if self._answers and self._answers[0].delay:
            self._answers[0].delay -= 1
        else:
            chunk = self._next_chunk()
        if not chunk:
            self._state.elapsed += timeout
            self._start()
        if self._faults.dies_after is not None:
            chunk = chunk[: self._faults.dies_after - self.sent]
        self.sent += len(chunk)
        return chunk

    def elapsed(self) -> float:
        """The sum of the time-outs of all reads without output, in seconds."""
        return self._state.elapsed

    def serve(self, serving: Serving) -> None:
        """Change the registration; the modem reports it if reports are on."""
        self._state.serving = serving
        for name, mode in self._state.reports.items():
            if mode:
                form = self._options.forms.registration
                self._say(self._framed(registration_line(name, serving, mode, solicited=False, form=form)))

    def insert(self, slot: int, card: SimCard | None) -> None:
        """Put a card into a slot, or remove it. Another card than the one there needs its time to start."""
        if card != self._state.slots[slot]:
            self._state.slots[slot] = card
            self._state.sim_from = self._state.elapsed

    def _start(self) -> None:
        """Send the lines of the start when the modem accepts input."""
        form = self._options.forms.start
        if self._started or self._state.elapsed < form.unresponsive:
            return
        self._started = True
        card = self._state.card
        ready = card is not None and card.usable
        for line in form.lines + (form.ready_lines if ready else ()):
            self._say(self._framed(line))

    def _check_alive(self) -> None:
        if self._faults.dies_after is not None and self.sent >= self._faults.dies_after:
            raise ModemError("modem-dead", "the modem left the line")

    def _take(self, piece: bytes) -> None:
        """Bytes of a command line, with or without the carriage return that ends it."""
        if self._state.echo:
            self._say(piece)
        text = piece.rstrip(b"\r").replace(b"\n", b"")
        self._line += text[: LINE_MAX - len(self._line)]
        if piece.endswith(b"\r"):
            line = self._line.decode("latin-1")
            self._line.clear()
            self._run(line)

    def _run(self, line: str) -> None:
        if self._faults.ignored and line.upper().startswith(self._faults.ignored):
            return
        lines = execute(self._state, line)
        if not lines:
            return
        *information, result = lines
        delay = self._delays.get(self._commands, 0)
        self._commands += 1
        frames = [*map(self._framed, information), *([self._framed(result, result=True)] if result else [])]
        if self._unsolicited:
            frames = [self._gap() + frame for frame in frames] + [self._gap()]
        frames += map(self._framed, self._state.late_reports)
        self._state.late_reports.clear()
        self._say(b"".join(frames), delay)

    def _framed(self, line: str, *, result: bool = False) -> bytes:
        form = self._options.forms.line
        frame = form.result if result else form.information
        before, after = frame if self._state.worded else ("", "\r")
        return f"{before}{line}{after}".encode("latin-1")

    def _gap(self) -> bytes:
        """At random an unsolicited result code."""
        if self._random.random() >= self._options.chatter:
            return b""
        return self._framed(self._random.choice(self._unsolicited))

    def _say(self, data: bytes, delay: int = 0) -> None:
        if not self._faults.silent:
            self._answers.append(_Answer(data, delay))

    def _next_chunk(self) -> bytes:
        """The pending bytes up to the next delayed response, or a random part of them."""
        limit = self._random.randint(1, self._options.chunk) if self._options.chunk else None
        chunk = b""
        while self._answers and not self._answers[0].delay and (limit is None or len(chunk) < limit):
            room = None if limit is None else limit - len(chunk)
            chunk += self._answers[0].take(room)
            if not self._answers[0].data:
                self._answers.popleft()
        return chunk


class _Answer:
    """Bytes for the reader, and the number of empty reads before them."""

    def __init__(self, data: bytes, delay: int) -> None:
        self.data = data
        self.delay = delay

    def take(self, count: int | None) -> bytes:
        taken, self.data = self.data[:count], b"" if count is None else self.data[count:]
        return taken
