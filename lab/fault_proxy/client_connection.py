"""The phone's end of a connection, as the hostile network sees it: a socket, perhaps under TLS."""

import contextlib
import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO, Final

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER switched on with no time: closing sends RST (POSIX; RFC 9293 section 3.10.4)."""

PATIENCE: Final = 30.0
"""Seconds until a connection on which nothing happens is given up."""


class ClientConnection:
    """One connection. Every method may raise OSError once the phone has hung up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.settimeout(PATIENCE)
        self._stream = connection.makefile("rb")
        self.answered = threading.Event()

    @property
    def stream(self) -> BinaryIO:
        """What the phone sends."""
        if not isinstance(self._stream, io.BufferedReader):
            raise TypeError("a buffered socket file was expected")
        return self._stream

    def send(self, octets: bytes) -> None:
        """Send all of `octets`."""
        self._connection.sendall(octets)

    def send_slowly(self, octets: bytes, pause: float) -> None:
        """Send an octet at a time, `pause` seconds apart."""
        for octet in octets:
            self.send(bytes((octet,)))
            time.sleep(pause)

    def stall(self) -> None:
        """Say nothing until the phone hangs up."""
        with contextlib.suppress(OSError):
            while self._stream.read1(4096):
                pass

    def reset(self) -> None:
        """End the connection by a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._stream.close()
        self._connection.close()


@contextlib.contextmanager
def calling(connection: socket.socket) -> Iterator[ClientConnection]:
    """A caller on `connection`, which ends with the block, in whatever way the phone goes."""
    caller = ClientConnection(connection)
    try:
        with contextlib.suppress(OSError):
            yield caller
    finally:
        with contextlib.suppress(OSError):
            caller.close()
