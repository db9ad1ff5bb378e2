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


class Leash:
    """A second handle on a connected socket, good for shutting it from outside.

    The first one changes owners (TLS takes it over, a response that ends with the connection keeps it).
    """

    def __init__(self, connected: socket.socket) -> None:
        self._handle = socket.socket(fileno=os.dup(connected.fileno()))
        finalize(self, self._handle.close)

    def pull(self) -> None:
        """End every read and write on the connection."""
        with contextlib.suppress(OSError):  # the peer may have gone already
            self._handle.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Knows the connections of one transport, and bounds one request at a time."""

    def __init__(self) -> None:
        self._leashes: WeakSet[Leash] = WeakSet()
        self.barked = False

    def leash(self, connected: socket.socket) -> Leash:
        """Watch this connection for as long as the leash is kept."""
        leash = Leash(connected)
        self._leashes.add(leash)
        if self.barked:  # the name took so long to resolve that the time was up before there was a connection
            leash.pull()
        return leash

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Shut everything if the block takes longer than `seconds`; `barked` tells whether it did."""
        self.barked = False
        timer = threading.Timer(seconds, self._bark)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def hang_up(self) -> None:
        """End every connection now. A leash would keep one open that its owner has closed."""
        for leash in list(self._leashes):
            leash.pull()

    def _bark(self) -> None:
        self.barked = True
        self.hang_up()


class WatchedAdapter(requests.adapters.HTTPAdapter):
    """The adapter of requests, with connections that a watchdog knows."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watchdog)


def _pools(watchdog: Watchdog) -> dict[str, type[HTTPConnectionPool]]:
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
