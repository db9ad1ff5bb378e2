"""The `Modem` port over a terminal device: a modem on a serial line, or the far end of a pseudo-terminal."""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import serial

from agent.ports import ModemError

WRITE_TIMEOUT: Final = 5.0
"""Seconds. A modem that takes no octets for so long is gone."""

_LINE_FAULTS: Final = (serial.SerialException, OSError, termios.error, ValueError)
"""What pyserial lets through: its own errors, the system's, the terminal driver's, and misuse of a closed port."""


@contextmanager
def _reported(code: str, path: str) -> Iterator[None]:
    try:
        yield
    except _LINE_FAULTS as error:
        raise ModemError(code, f"{path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    """The system's words where it has some, such as "No such file or directory"."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else type(error).__name__


class SerialModem:
    """A byte line to the modem at `path`, for example `/dev/ttyUSB2`. Close it, or use it as a context manager.

    Raises ModemError with code `modem-open`, `modem-write` or `modem-read`.
    """

    def __init__(self, path: str, *, baudrate: int = 115_200) -> None:
        self._path = path
        with _reported("modem-open", path):
            self._port = serial.Serial(path, baudrate, timeout=0, write_timeout=WRITE_TIMEOUT)

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises ModemError."""
        with _reported("modem-write", self._path):
            sent = self._port.write(data)
        if sent != len(data):
            raise ModemError("modem-write", f"{self._path}: took {sent} of {len(data)} octets")

    def read(self, timeout: float) -> bytes:
        """At least one octet as soon as there is one, or nothing after `timeout` seconds. Raises ModemError."""
        with _reported("modem-read", self._path):
            if self._port.timeout != timeout:
                self._port.timeout = timeout
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else first

    def close(self) -> None:
        """Give the device back. Closing twice does nothing."""
        with _reported("modem-close", self._path):
            self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
