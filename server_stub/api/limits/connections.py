"""Connections with manners: uvicorn's HTTP/1.1 protocol, which waits for nobody for ever.

uvicorn bounds how long a kept connection may be silent, and nothing else. Here a client must also finish its headers in
time, within their size, take its answer in time, and share the connections with others. A body's pace is the gate's
matter. What is refused here has not reached the application; it is a problem document all the same.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from server_stub.api.limits.rates import of_address
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Cut, Metrics
from server_stub.api.problems import RETRY_AFTER, raw_problem
from wire.codes import ProblemCode


class ConnectionCounter:
    """How many connections of one server are open, in all and by address, and how each cut is counted."""

    def __init__(self, manners: ServerLimits, metrics: Metrics) -> None:
        self.manners: Final = manners
        self.metrics: Final = metrics
        self._open: Counter[str] = Counter()
        self._all = 0
        self._proxies = [ip_network(proxy) for proxy in manners.trusted_proxies]

    def opened(self, address: str) -> bool:
        """Whether a connection from `address` is within the bounds. It is counted in any case, until `leave`."""
        self._open[address] += 1
        self._all += 1
        self.metrics.connections.inc()
        if self._all > self.manners.connections_max:
            return False
        return self._open[address] <= self.manners.connections_per_address or self._is_proxy(address)

    def closed(self, address: str) -> None:
        """A connection from `address` has ended."""
        self.metrics.connections.dec()
        self._all -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def _is_proxy(self, address: str) -> bool:
        """A proxy connects for many."""
        return any(ip_address(address) in network for network in self._proxies)


def protocol(doors: ConnectionCounter) -> type[asyncio.Protocol]:
    """The protocol class of one server."""
    return type("Protocol", (_LimitedH11Protocol,), {"doors": doors})


class _Connection(h11.Connection):
    """Bounds headers, and remembers the status that h11 has in mind for a request that it does not understand."""

    status: int = 400

    def __init__(self, headers_max: int) -> None:
        super().__init__(h11.SERVER, headers_max)
        self._headers_max = headers_max

    def next_event(self) -> Any:
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.status = error.error_status_hint
            raise
        # h11 itself bounds headers only where they do not arrive all at once.
        if isinstance(event, h11.Request) and _length(event) > self._headers_max:
            self.status = 431
            raise h11.RemoteProtocolError("headers too long")
        return event


def _length(request: h11.Request) -> int:
    return len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)


class _LimitedH11Protocol(H11Protocol):
    doors: ClassVar[ConnectionCounter]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._manners = self.doors.manners
        self.conn = self._incoming = _Connection(self._manners.headers_max)
        self._waiting: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._address = of_address(self.client[0]) if self.client else "unknown"
        if not self.doors.opened(self._address):
            self._refuse(503, ProblemCode.UNAVAILABLE, "too many connections", Cut.TOO_MANY_CONNECTIONS)
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._wait_for(None, 0)
        self.resume_writing()
        if self._address is not None:
            self.doors.closed(self._address)
            self._address = None

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()
        if self.transport.is_closing():
            self._see_it_gone()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._see_it_gone()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._see_it_gone()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - says nothing that the status does not
        if self._incoming.status == 431:
            detail = f"headers may have at most {self._manners.headers_max} octets"
            self._refuse(431, ProblemCode.HEADERS_TOO_LARGE, detail, Cut.HEADERS_TOO_LARGE)
        else:
            self._refuse(400, ProblemCode.REQUEST_MALFORMED, "this is not HTTP/1.1", Cut.MALFORMED)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._see_it_gone()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _under_way(self) -> RequestResponseCycle | None:
        """The newest request of this connection. uvicorn has None before the first, and says otherwise in its types."""
        return self.cycle

    def _watch(self) -> None:
        """Start the timer of what this connection waits for now; one that runs goes on, whatever trickles in."""
        cycle = self._under_way()
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            self._wait_for(None, 0)
        elif self.conn.their_state is h11.SEND_BODY:
            self._wait_for(self._refused_but_sending, self._manners.linger_seconds)
        elif cycle is None or self.conn.trailing_data[0]:
            self._wait_for(self._headers_too_slow, self._manners.headers_seconds)
        else:
            self._wait_for(None, 0)

    def _wait_for(self, then: Callable[[], None] | None, seconds: float) -> None:
        if then == self._waiting:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._waiting = then
        self._timer = self.loop.call_later(seconds, then) if then else None

    def _headers_too_slow(self) -> None:
        detail = f"headers must arrive within {self._manners.headers_seconds:g} s"
        self._refuse(408, ProblemCode.REQUEST_TIMED_OUT, detail, Cut.HEADERS_TOO_SLOW)

    def _refused_but_sending(self) -> None:
        self.doors.metrics.cut(Cut.REFUSED_BUT_SENDING)
        self.transport.abort()

    def _see_it_gone(self) -> None:
        """What was written must be taken in time: closing alone would wait for ever for a client that reads nothing."""
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self._manners.write_seconds, self._answer_not_taken)

    def _answer_not_taken(self) -> None:
        self.doors.metrics.cut(Cut.ANSWER_NOT_TAKEN)
        self.transport.abort()

    def _refuse(self, status: int, code: ProblemCode, detail: str, why: Cut) -> None:
        self.doors.metrics.cut(why)
        cycle = self._under_way()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:  # an answer is on its way, another one would be read as a part of it
                self.transport.abort()
                return
        self.transport.write(raw_problem(status, code, detail, str(uuid.uuid4()), RETRY_AFTER))
        self.transport.close()
        self._see_it_gone()
