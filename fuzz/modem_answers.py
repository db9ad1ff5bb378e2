"""Fuzzing of the reader of a modem. A document is the modem's answers, one for each command, separated by GS (0x1D).

An answer can have several pieces, separated by FS (0x1C): each is the result of one read, an empty one a time-out.
After the last answer the modem begins again with the first, so it never falls silent unless an answer is empty.
"""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Final

from agent.telephony.reader import read_telephony
from agent.telephony.session import Patience
from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemOptions
from tests.support.modems import AT_HOME, ScriptedModem, american_sim, config, cuban_sim
from wire import limits
from wire.evidence import Telephony

_ANSWER: Final = b"\x1d"
_PIECE: Final = b"\x1c"
_COMMANDS_MAX: Final = 400
"""Most command lines in one reading: every read that fails is a time-out of `_PATIENCE`, and time is limited."""
_PATIENCE: Final = Patience()


class _CountingModem(ScriptedModem):
    """Counts the time-outs and the bytes that it returned."""

    def __init__(self, answers: Iterable[list[bytes]]) -> None:
        self._answers = iter(answers)
        super().__init__(lambda _: next(self._answers))
        self.waited = 0.0

    def read(self, timeout: float) -> bytes:
        data = super().read(timeout)
        self.waited += 0 if data else timeout
        return data


def read(document: bytes) -> None:
    """Read what the modem says. Any answers give a reading, in bounded time, that can be sent."""
    answers = [answer.split(_PIECE) for answer in document.split(_ANSWER)]
    modem = _CountingModem(cycle(answers))
    reading = read_telephony(modem, patience=_PATIENCE)
    hold("a reading has a bounded number of commands", holds=len(modem.commands) <= _COMMANDS_MAX)
    limit = _PATIENCE.reading + _PATIENCE.answer + _PATIENCE.start
    hold("a reading has a bounded time", holds=modem.waited <= limit)
    telephony = reading.telephony
    sent = Telephony.model_validate_json(telephony.model_dump_json(exclude_none=True))
    hold("a reading can be sent", holds=sent == telephony)
    hold("an IMEI has 15 digits", holds=all(len(each) == 15 and each.isdigit() for each in reading.imeis))
    hold(
        "an absent SIM or registration has a fault",
        holds=bool(telephony.sims and telephony.serving) or bool(telephony.faults),
    )
    hold("faults are bounded", holds=len(telephony.faults or ()) <= limits.TELEPHONY_FAULTS_MAX)


fuzz_one: Final = BoundedTarget(read, CostBudget(0.1, 20e-6, 1_000_000, 200), (1_000, 4_000, 16_000))


def seeds() -> Iterator[bytes]:
    """The answers of the emulated modem, and units of answers, lines and pieces."""
    for slots in ((cuban_sim(),), (cuban_sim(), american_sim()), (None,)):
        yield b"1" + _recorded(EmulatedModem(config(*slots, serving=AT_HOME), ModemOptions()))
    units = (
        (b"", b"\r\nOK\r\n\x1d", b""),
        (b"", b"\r\n+CME ERROR: 14\r\n\x1d", b""),
        (b"", b"x", b"\r\nOK\r\n"),
        (b"", b"x\x1c", b"\r\nOK\r\n"),
        (b'+CRSM: 144,0,"', b"FF", b'"\r\nOK\r\n'),
        (b"+CREG: 2,", b"1,", b"\r\nOK\r\n"),
        (b"", b"+CPIN: READY\r\n", b"OK\r\n"),
        (b"", b"490154203237518\r\n", b"OK\r\n"),
        (b"", b"\r\n", b"OK\r\n"),
        (b'+COPS: 0,2,"', b"368", b'"\r\nOK\r\n'),
    )
    yield from repeated(units)


def _recorded(modem: EmulatedModem) -> bytes:
    """The answers that `modem` gives in a reading."""
    answers: list[bytes] = []

    def ask(command: str) -> list[bytes]:
        modem.write(command.encode() + b"\r")
        pieces = []
        while data := modem.read(0.0):
            pieces.append(data)
        answers.append(b"".join(pieces))
        return [answers[-1]]

    read_telephony(ScriptedModem(ask))
    return _ANSWER.join(answers)
