"""A time limit for a whole request.

The time-out of a socket limits one read, so a server that sends a byte from time to time could keep a request open
without limit. When the time limit is reached, the sockets are shut down, which ends the pending read.
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
    """A duplicate of a connected socket, for shutting it down from another thread.

    The original can change owners: TLS takes it over, or a response keeps it until it ends.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._handle = socket.socket(fileno=os.dup(connected.fileno()))
        finalize(self, self._handle.close)

    def shut_down(self) -> None:
        """End all reads and writes on the connection."""
        with contextlib.suppress(OSError):  # the peer may have closed it already
            self._handle.shutdown(socket.SHUT_RDWR)


class RequestDeadline:
    """Tracks the connections of one transport and limits the time of one request at a time.

    `expired` says whether the last request reached its limit.
    """

    def __init__(self) -> None:
        self._handles: WeakSet[SocketHandle] = WeakSet()
        self.expired = False

    def track(self, connected: socket.socket) -> SocketHandle:
        """Track this connection as long as the returned handle exists."""
        handle = SocketHandle(connected)
        self._handles.add(handle)
        if self.expired:  # name resolution took so long that the limit came before the connection
            handle.shut_down()
        return handle

    @contextlib.contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Shut down all connections if the block takes longer than `seconds`."""
        self.expired = False
        timer = threading.Timer(seconds, self._on_timeout)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close_all(self) -> None:
        """End every connection now, also one that its owner has closed: its handle keeps it open."""
        for handle in list(self._handles):
            handle.shut_down()

    def _on_timeout(self) -> None:
        self.expired = True
        self.close_all()


class DeadlineAdapter(requests.adapters.HTTPAdapter):
    """The adapter of requests, with connections that a RequestDeadline tracks."""

    def __init__(self, deadline: RequestDeadline) -> None:
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create pools of tracked connections."""
        super().init_poolmanager(*args, **kwargs)
        deadline = self._deadline

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                self.handle = deadline.track(connected)
                return connected

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                self.handle = deadline.track(connected)
                return connected

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
