"""An emulated modem behind a pseudo-terminal, for programs that need a terminal device."""

import os
import select
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from agent.ports import Modem, ModemError

_POLL: Final = 0.02
_READ_SIZE: Final = 4096


@contextmanager
def pty_line(modem: Modem) -> Iterator[str]:
    """Serve `modem` on a pseudo-terminal; returns the path of the terminal device.

    A thread forwards bytes in both directions until the context ends. When the line of the modem fails, it closes
    the terminal.
    """
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    stop = Event()
    thread = Thread(target=_forward, args=(modem, ours, stop), name="pty-line", daemon=True)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stop.set()
        thread.join()
        os.close(theirs)


def _forward(modem: Modem, terminal: int, stop: Event) -> None:
    try:
        while not stop.is_set():
            readable, _, _ = select.select([terminal], [], [], _POLL)
            if readable:
                modem.write(os.read(terminal, _READ_SIZE))
            while data := modem.read(0 if readable else _POLL):
                _write_all(terminal, data, stop)
    except (ModemError, OSError):
        return  # the line failed or the reader is gone; closing the terminal ends the reader
    finally:
        os.close(terminal)


def _write_all(terminal: int, data: bytes, stop: Event) -> None:
    while data and not stop.is_set():
        _, writable, _ = select.select([], [terminal], [], _POLL)
        if writable:
            data = data[os.write(terminal, data) :]
