"""The `Modem` port over a terminal device: a serial line or a pseudo-terminal."""

import os
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import serial

from agent.ports import ModemError

WRITE_TIMEOUT: Final = 5.0
"""Seconds until a write fails if the modem accepts no bytes."""

_LINE_FAULTS: Final = (serial.SerialException, OSError, termios.error, ValueError)
"""What pyserial raises: its own errors, those of the system and the terminal driver, ValueError if closed."""


@contextmanager
def _modem_errors(code: str, path: str) -> Iterator[None]:
    try:
        yield
    except _LINE_FAULTS as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if isinstance(number, int) else type(error).__name__
        raise ModemError(code, f"{path}: {reason}") from error


class SerialModem:
    """A byte line to the modem at `path`, for example `/dev/ttyUSB2`. A context manager that closes it.

    Raises ModemError with code `modem-open`, `modem-write` or `modem-read`.
    """

    def __init__(self, path: str, *, baudrate: int = 115_200) -> None:
        self._path = path
        with _modem_errors("modem-open", path):
            self._port = serial.Serial(path, baudrate, timeout=0, write_timeout=WRITE_TIMEOUT)

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises ModemError."""
        with _modem_errors("modem-write", self._path):
            sent = self._port.write(data)
        if sent != len(data):
            raise ModemError("modem-write", f"{self._path}: accepted {sent} of {len(data)} bytes")

    def read(self, timeout: float) -> bytes:
        """The next bytes as soon as there are any; empty after `timeout` seconds. Raises ModemError."""
        with _modem_errors("modem-read", self._path):
            if self._port.timeout != timeout:
                self._port.timeout = timeout
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else first

    def elapsed(self) -> float:
        """Seconds since some moment. Monotonic."""
        return time.monotonic()

    def close(self) -> None:
        """Close the terminal device. Does nothing if it is closed already."""
        with _modem_errors("modem-close", self._path):
            self._port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
