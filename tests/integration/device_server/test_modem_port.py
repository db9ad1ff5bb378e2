"""The `Modem` port, in process and over a pseudo-terminal: the same promises, the same reading."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.adapters.serial_modem import SerialModem
from agent.ports import Modem, ModemError
from agent.telephony.reader import TelephonyCode, TelephonyError, read_telephony
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.pty import pty_line
from lab.handset.modem.state import ModemFaults, ModemOptions
from tests.support.modems import QUICK, UNSOLICITED, american_sim, config, cuban_sim

PHONE = config(cuban_sim(), american_sim())


@pytest.fixture(params=["in process", "pseudo-terminal"])
def modem(request: pytest.FixtureRequest) -> Iterator[Modem]:
    emulated = EmulatedModem(PHONE, ModemOptions(echo=False))
    with ExitStack() as stack:
        if request.param == "in process":
            yield emulated
        else:
            yield stack.enter_context(SerialModem(stack.enter_context(pty_line(emulated))))


def test_a_read_gives_octets_as_soon_as_there_are_any(modem: Modem) -> None:
    """A long time-out must not cost time when the answer is there."""
    modem.write(b"AT+CGSN\r")
    started = time.monotonic()
    answer = b""
    while not answer.endswith(b"OK\r\n"):
        answer += modem.read(30.0)
    assert time.monotonic() - started < 10
    assert b"490154203237518" in answer


def test_a_read_gives_nothing_when_nothing_comes(modem: Modem) -> None:
    """Silence is an empty read, not an error."""
    assert modem.read(0.05) == b""


@pytest.mark.parametrize("chunk", [0, 1, 64])
def test_a_pseudo_terminal_gives_the_same_reading(chunk: int) -> None:
    """The emulated modem behind a real terminal device, read by the adapter for real ones."""
    options = ModemOptions(chunk=chunk, unsolicited=UNSOLICITED, chatter=0.3, seed=chunk)
    with pty_line(EmulatedModem(PHONE, options)) as path, SerialModem(path) as line:
        over_terminal = read_telephony(line, patience=QUICK)
    assert over_terminal == read_telephony(EmulatedModem(PHONE))


def test_a_modem_that_leaves_its_terminal_is_gone() -> None:
    """Unplugging a USB modem hangs the terminal up."""
    dying = EmulatedModem(PHONE, faults=ModemFaults(dies_after=200))
    with pty_line(dying) as path, SerialModem(path) as line, pytest.raises(TelephonyError) as caught:
        read_telephony(line, patience=QUICK)
    assert caught.value.code is TelephonyCode.MODEM_GONE


def test_a_silent_modem_on_a_terminal_is_silent() -> None:
    """Time-outs are real here, and bounded."""
    silent = EmulatedModem(PHONE, faults=ModemFaults(silent=True))
    with pty_line(silent) as path, SerialModem(path) as line, pytest.raises(TelephonyError) as caught:
        read_telephony(line, patience=QUICK)
    assert caught.value.code is TelephonyCode.MODEM_SILENT


@pytest.mark.parametrize("path", ["/dev/no-such-modem", "/dev/null", "/"])
def test_what_is_no_terminal_cannot_be_opened(path: str) -> None:
    """A wrong path is the commonest mistake of a user."""
    with pytest.raises(ModemError) as caught:
        SerialModem(path)
    assert caught.value.code == "modem-open"


def test_a_closed_modem_is_gone() -> None:
    """Every use after closing is the port's error; closing twice is harmless."""
    with pty_line(EmulatedModem(PHONE)) as path:
        line = SerialModem(path)
        line.close()
        line.close()
        with pytest.raises(ModemError):
            line.write(b"AT\r")
        with pytest.raises(ModemError):
            line.read(0.01)


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_terminal_line_leaves_nothing_behind() -> None:
    """Thousands of phones in one process: no descriptor may leak."""
    before = open_descriptors()
    for _ in range(5):
        with pty_line(EmulatedModem(PHONE)):
            pass
    assert open_descriptors() == before
