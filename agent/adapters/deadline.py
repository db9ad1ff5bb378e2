"""A bound on a whole request.

Time-outs of sockets bound one read; a server that sends an octet now and then would hold the phone for ever. When
the time is up, the watchdog shuts the sockets, and the read that waits ends.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet, finalize

import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class SocketHandle:
    """A second handle on a connected socket, good for shutting it from outside.

    The first one changes owners (TLS takes it over, a response that ends with the connection keeps it).
    """

    def __init__(self, connected: socket.socket) -> None:
        self._handle = socket.socket(fileno=os.dup(connected.fileno()))
        finalize(self, self._handle.close)

    def shut_down(self) -> None:
        """End every read and write on the connection."""
        with contextlib.suppress(OSError):  # the peer may have gone already
            self._handle.shutdown(socket.SHUT_RDWR)


class RequestDeadline:
    """Knows the connections of one transport, and bounds one request at a time."""

    def __init__(self) -> None:
        self._leashes: WeakSet[SocketHandle] = WeakSet()
        self.expired = False

    def leash(self, connected: socket.socket) -> SocketHandle:
        """Watch this connection for as long as the leash is kept."""
        leash = SocketHandle(connected)
        self._leashes.add(leash)
        if (
            self.expired
        ):  # the name took so long to resolve that the time was up before there was a connection
            leash.shut_down()
        return leash

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Shut everything if the block takes longer than `seconds`; `barked` tells whether it did."""
        self.expired = False
        timer = threading.Timer(seconds, self._on_timeout)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close_all(self) -> None:
        """End every connection now. A leash would keep one open that its owner has closed."""
        for leash in list(self._leashes):
            leash.shut_down()

    def _on_timeout(self) -> None:
        self.expired = True
        self.close_all()


class WatchedAdapter(requests.adapters.HTTPAdapter):
    """The adapter of requests, with connections that a watchdog knows."""

    def __init__(self, watchdog: RequestDeadline) -> None:
        self._watchdog = watchdog
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watchdog)


def _pools(watchdog: RequestDeadline) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            self.leash = watchdog.leash(connected)
            return connected

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = super()._new_conn()
            self.leash = watchdog.leash(connected)
            return connected

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
