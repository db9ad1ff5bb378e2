"""How long a reading lasts, and how much of a modem's output it reads. Time is that of the line, not of the test."""

from collections.abc import Callable

import pytest

from agent.core.screens import ModemTrouble
from agent.telephony.reader import FaultCode, Patience, TelephonyReading, read_telephony
from tests.support.transcripts import BASE, TimedTranscriptModem, TranscriptModem
from wire.codes import SimStatus

PATIENCE = Patience()


def codes(reading: TelephonyReading) -> list[str]:
    return [fault.code for fault in reading.telephony.faults or ()]


class DrippingModem:
    """Sends `data` again and again, one byte after each `gap` seconds, whatever it is asked."""

    def __init__(self, data: bytes, gap: float) -> None:
        self._data = data
        self._gap = gap
        self._time = 0.0
        self._due = gap
        self.reads = 0

    def write(self, data: bytes) -> None:
        """Nothing is executed."""

    def read(self, timeout: float) -> bytes:
        self.reads += 1
        assert timeout > 0
        if self._time + timeout < self._due:
            self._time += timeout
            return b""
        self._time, self._due = self._due, self._due + self._gap
        self._data = self._data[1:] + self._data[:1]
        return self._data[-1:]

    def elapsed(self) -> float:
        return self._time


@pytest.mark.parametrize("gap", [5.0, 4.9, 2.9, 1.0, 0.29, 0.01])
@pytest.mark.parametrize(
    "data", [b"x", b"\r\n", b"+CMEE: 1\r\n", b"OK\r\n", b"\r\n+CSQ: 9,9\r\n\r\nOK\r\n", b"\x00"]
)
def test_modem_that_sends_a_byte_now_and_then_ends_in_seconds(data: bytes, gap: float) -> None:
    modem = DrippingModem(data, gap)
    read_telephony(modem)
    assert modem.elapsed() <= PATIENCE.reading + PATIENCE.answer


def test_byte_every_five_seconds_is_not_understood() -> None:
    modem = DrippingModem(b"x", 5.0)
    assert read_telephony(modem).trouble is ModemTrouble.NOT_UNDERSTOOD
    assert modem.elapsed() < 16


class EndlessModem:
    """Sends without a pause, on a line that does not know the time."""

    def __init__(self, piece: bytes) -> None:
        self._piece = piece
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Nothing is executed."""

    def read(self, timeout: float) -> bytes:
        self.bytes += len(self._piece)
        return self._piece


@pytest.mark.parametrize(
    "piece", [b"x", b"\r", b"\n\n", b"\x00", b"RING\r\n", b"OK\r\n", b"y" * 5000, b"\xff\r"]
)
def test_output_without_end_is_bounded(piece: bytes) -> None:
    """The bounds of the dialogue stop a modem where no time does."""
    modem = EndlessModem(piece)
    read_telephony(modem)
    assert modem.bytes <= 3_000_000


def test_silence_costs_seconds_and_few_reads() -> None:
    reads: list[float] = []

    class Silent:
        def write(self, data: bytes) -> None:
            """Nothing is executed."""

        def read(self, timeout: float) -> bytes:
            reads.append(timeout)
            return b""

    assert read_telephony(Silent()).trouble is ModemTrouble.NO_ANSWER
    assert sum(reads) < 16
    assert len(reads) < 30


@pytest.mark.parametrize("kind", [TranscriptModem, TimedTranscriptModem])
def test_card_that_never_starts_is_waited_for_once(kind: Callable[..., TranscriptModem]) -> None:
    """For thirty seconds in all, whatever the number of slots; then it is read as far as possible."""
    modem = kind({"AT+CPIN?": ["+CME ERROR: 14"], "AT+CSUS*": ["OK"]})
    reading = read_telephony(modem)
    assert [sim.status for sim in reading.telephony.sims or ()] == [SimStatus.READY, SimStatus.READY]
    assert PATIENCE.start <= modem.waited <= PATIENCE.start + 5


@pytest.mark.parametrize("seconds", [1, 10, 29])
def test_card_is_read_when_it_has_started(seconds: int) -> None:
    waits = int(seconds / PATIENCE.busy)
    modem = TranscriptModem({"AT+CPIN?": [["+CME ERROR: 13"]] * waits + [["+CPIN: READY", "OK"]]})
    reading = read_telephony(modem)
    assert codes(reading) == []
    assert modem.waited <= seconds + 5


def test_reading_has_a_deadline() -> None:
    """A modem that answers only probes. What it gave before is kept."""
    given = {command: BASE[command] for command in ("AT+CMEE?", "AT+CGSN=1")}
    modem = TimedTranscriptModem({**given, "AT*": []})
    reading = read_telephony(modem, patience=Patience(reading=20))
    assert reading.imeis == ("356938035643809",)
    assert codes(reading)[0] == FaultCode.READING_TIMED_OUT
    assert modem.waited <= 20 + PATIENCE.answer


@pytest.mark.parametrize(
    "command", ["AT+CSUS=0", "AT+C5GREG?", "AT+C5GREG=2", "AT+COPS=3,2", "AT+CMEE=1", "ATE0V1"]
)
def test_optional_command_is_asked_once(command: str) -> None:
    modem = TranscriptModem({command: []})
    read_telephony(modem)
    assert modem.commands.count(command) == 1


@pytest.mark.parametrize("command", ["AT+CPIN?", "AT+CIMI", "AT+CEREG?", "AT+COPS?"])
def test_command_that_matters_is_asked_again(command: str) -> None:
    """A response that was lost on the line."""
    modem = TranscriptModem({command: [[], list(BASE[command])]})
    assert codes(read_telephony(modem)) == []
    assert modem.commands.count(command) == 2


class BusyTranscriptModem(TimedTranscriptModem):
    """Answers one command line after the other; `slow` takes `seconds`, the others no time."""

    def __init__(self, slow: str, seconds: float) -> None:
        super().__init__()
        self._slow = slow
        self._seconds = seconds
        self._queue: list[tuple[float, bytes]] = []

    def _answer(self, command: str) -> bytes:
        due = max([self.waited, *(due for due, _ in self._queue)])
        due += self._seconds if command == self._slow else 0
        self._queue.append((due, super()._answer(command)))
        return b""

    def read(self, timeout: float) -> bytes:
        end = self.waited + timeout
        if self._queue and self._queue[0][0] <= end:
            due, data = self._queue.pop(0)
            self.waited = max(self.waited, due)
            return data
        self.waited = end
        return b""


@pytest.mark.parametrize("seconds", [6, 12, 20])
@pytest.mark.parametrize("command", ["AT+CPIN?", "AT+CIMI", "AT+C5GREG?", "AT+CEREG?", "AT+COPS?"])
def test_slow_command_costs_only_its_detail(command: str, seconds: float) -> None:
    """A search of the network or the SIM takes some modems so long; other commands wait for it."""
    modem = BusyTranscriptModem(command, seconds)
    reading = read_telephony(modem)
    faults = reading.telephony.faults or ()
    assert {(fault.code, fault.source) for fault in faults} <= {(FaultCode.COMMAND_TIMED_OUT, command)}
    assert reading.imeis == ("356938035643809",)
    assert reading.telephony.sims is not None
    assert reading.telephony.sims[0].iccid == "8949012345678901234"
    assert reading.telephony.serving is not None
    assert modem.waited <= PATIENCE.reading


def test_success_without_information_costs_no_time_out() -> None:
    modem = TranscriptModem({"AT+CIMI": ["OK"], "AT+COPS?": ["OK"]})
    read_telephony(modem)
    assert modem.waited < 3


def test_modem_without_file_access_is_not_asked_for_every_file() -> None:
    """After two silent files: parameters and content of each."""
    modem = TranscriptModem({"AT+CRSM*": []})
    read_telephony(modem)
    assert sum(command.startswith("AT+CRSM") for command in modem.commands) == 4


class LateImsiModem(TranscriptModem):
    """Answers +CIMI only while an IMEI is asked for, and refuses everything else that could be a probe."""

    def __init__(self) -> None:
        refused = ("AT+CMEE*", "AT+CSQ", "AT+CPIN?", "AT+CREG?", "AT+CGSN=1")
        super().__init__({command: ["ERROR"] for command in refused})
        self._late: bytes = b""

    def read(self, timeout: float) -> bytes:
        """One line at a time."""
        line, ending, rest = self._output.partition(b"\r\n")
        if not ending:
            return super().read(timeout)
        self._output = rest
        return line + ending

    def _answer(self, command: str) -> bytes:
        answer = super()._answer(command)
        if command == "AT+CIMI" and not self._late:
            self._late = answer
            return b""
        if command.startswith("AT+CGSN") and self._late:
            answer, self._late = self._late + answer, b" "
        return answer


def test_late_imsi_is_no_imei_and_no_probe() -> None:
    """Both are digits: after a silence of one, the other does not show that the modem is in step."""
    reading = read_telephony(LateImsiModem())
    assert reading.imeis == ("356938035643809",)
    assert [sim.mcc for sim in reading.telephony.sims or ()] == ["262"]
