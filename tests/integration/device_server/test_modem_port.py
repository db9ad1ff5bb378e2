"""The `Modem` port, in process and over a pseudo-terminal."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.serial_modem import SerialModem
from agent.core.screens import ModemTrouble
from agent.ports import Modem, ModemError
from agent.telephony.reader import FaultCode, read_telephony
from lab.handset.modem.forms import find_dialect
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemFaults, ModemOptions
from tests.support.modems import QUICK, UNSOLICITED, american_sim, config, cuban_sim
from tests.support.pty_line import pty_line

PHONE = config(cuban_sim(), american_sim())


@pytest.fixture(params=["in process", "pseudo-terminal"])
def modem(request: pytest.FixtureRequest) -> Iterator[Modem]:
    emulated = EmulatedModem(PHONE, ModemOptions(echo=False))
    with ExitStack() as stack:
        if request.param == "in process":
            yield emulated
        else:
            yield stack.enter_context(SerialModem(stack.enter_context(pty_line(emulated))))


def test_a_read_returns_as_soon_as_there_are_bytes(modem: Modem) -> None:
    """With a time-out of an hour, a read that waits for it would exceed the time-out of the test."""
    modem.write(b"AT+CGSN\r")
    answer = b""
    while not answer.endswith(b"OK\r\n"):
        answer += modem.read(3600.0)
    assert b"490154203237518" in answer


def test_a_read_without_data_returns_no_bytes(modem: Modem) -> None:
    assert modem.read(0.05) == b""


@pytest.mark.parametrize("chunk", [0, 1, 64])
def test_a_pseudo_terminal_gives_the_same_telephony(chunk: int) -> None:
    """The emulated modem behind a terminal device, read by the adapter for real ones."""
    options = ModemOptions(chunk=chunk, unsolicited=UNSOLICITED, chatter=0.3, seed=chunk)
    with pty_line(EmulatedModem(PHONE, options)) as path, SerialModem(path) as line:
        over_terminal = read_telephony(line, patience=QUICK)
    assert over_terminal == read_telephony(EmulatedModem(PHONE))


@pytest.mark.parametrize("name", ["huawei", "nordic", pytest.param("quectel", marks=pytest.mark.slow)])
def test_a_dialect_on_a_pseudo_terminal_gives_the_same_telephony(name: str) -> None:
    """The card of the Quectel dialect starts for two real seconds here."""
    options = ModemOptions(chunk=9, seed=3, forms=find_dialect(name))
    with pty_line(EmulatedModem(PHONE, options)) as path, SerialModem(path) as line:
        over_terminal = read_telephony(line, patience=replace(QUICK, start=20.0))
    assert over_terminal == read_telephony(EmulatedModem(PHONE, options))
    assert [sim.mcc for sim in over_terminal.telephony.sims or ()] == ["368"]


def test_a_disconnected_modem_is_gone() -> None:
    """Unplugging a USB modem hangs the terminal up."""
    dying = EmulatedModem(PHONE, faults=ModemFaults(dies_after=200))
    with pty_line(dying) as path, SerialModem(path) as line:
        reading = read_telephony(line, patience=QUICK)
    faults = reading.telephony.faults
    assert faults is not None
    assert faults[0].code == FaultCode.MODEM_GONE


@pytest.mark.slow
def test_a_silent_modem_on_a_terminal_is_silent() -> None:
    """Time-outs are real here, and short."""
    silent = EmulatedModem(PHONE, faults=ModemFaults(silent=True))
    with pty_line(silent) as path, SerialModem(path) as line:
        assert read_telephony(line, patience=QUICK).trouble is ModemTrouble.NO_ANSWER


@pytest.mark.parametrize("path", ["/dev/no-such-modem", "/dev/null", "/"])
def test_a_path_that_is_not_a_terminal_is_rejected(path: str) -> None:
    with pytest.raises(ModemError) as caught:
        SerialModem(path)
    assert caught.value.code == "modem-open"


def test_time_of_a_terminal_line_passes_while_it_is_read() -> None:
    with pty_line(EmulatedModem(PHONE, ModemOptions(echo=False))) as path, SerialModem(path) as line:
        before = line.elapsed()
        assert line.read(0.02) == b""
        assert line.elapsed() - before >= 0.02


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


def test_a_closed_terminal_line_leaks_no_descriptor() -> None:
    before = open_descriptors()
    for _ in range(5):
        with pty_line(EmulatedModem(PHONE)):
            pass
    assert open_descriptors() == before
