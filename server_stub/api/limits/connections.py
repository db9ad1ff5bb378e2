"""uvicorn's HTTP/1.1 protocol with time limits on headers, rejected requests and slow readers, and connection limits.

uvicorn itself limits only how long a kept connection may be idle. Size and time of a body are limited in `requests`.
A request that is rejected here has not reached the application; its response is a problem document like any other.
"""

import asyncio
import uuid
from asyncio.sslproto import SSLProtocol
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from ssl import SSLContext
from typing import Any, ClassVar, Final

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from server_stub.api.limits.rates import LimitsInForce, of_address
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Cut, Metrics
from server_stub.api.problems import RETRY_AFTER, RawHeaders, raw_problem
from server_stub.faults.responses import RAW_RESPONSE
from wire.codes import ProblemCode


class ConnectionCounter:
    """The open connections of one server: their total and their number by address.

    `headers` are added to the responses to rejected requests.
    """

    def __init__(self, limits: LimitsInForce, metrics: Metrics, headers: RawHeaders = ()) -> None:
        self.headers: Final = headers
        self._limits = limits
        self.metrics: Final = metrics
        self._open: Counter[str] = Counter()
        self._total = 0
        self._proxies = [ip_network(proxy) for proxy in limits.values.trusted_proxies]

    @property
    def limits(self) -> ServerLimits:
        """The limits for a connection that begins now."""
        return self._limits.values

    def opened(self, address: str) -> bool:
        """Count a connection until `closed`. Returns whether it is within the limits; proxies have no own limit."""
        self._open[address] += 1
        self._total += 1
        self.metrics.connections.inc()
        if self._total > self.limits.connections_max:
            return False
        if self._open[address] <= self.limits.connections_per_address:
            return True
        return any(ip_address(address) in network for network in self._proxies)

    def closed(self, address: str) -> None:
        """Count the end of a connection."""
        self.metrics.connections.dec()
        self._total -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


def protocol(
    counter: ConnectionCounter, tls: Callable[[], SSLContext] | None = None
) -> Callable[..., asyncio.BaseProtocol]:
    """Makes the protocol of each connection of one server, with TLS by the context that `tls` returns."""
    attributes = {"counter": counter, "counted_below": tls is not None}
    http: type[_LimitedH11Protocol] = type("Protocol", (_LimitedH11Protocol,), attributes)
    if tls is None:
        return http
    return lambda **arguments: _LimitedTlsProtocol(counter, http(**arguments), tls())


class _LimitedTlsProtocol(SSLProtocol):
    """TLS below HTTP, counted and limited in time from the beginning of the connection.

    If asyncio created it, the server would not know of a connection before its handshake is complete.
    """

    def __init__(self, counter: ConnectionCounter, http: asyncio.Protocol, context: SSLContext) -> None:
        super().__init__(
            asyncio.get_running_loop(),
            http,
            context,
            None,  # type: ignore[arg-type] # without a future for the handshake
            server_side=True,
            ssl_handshake_timeout=counter.limits.headers_seconds,  # type: ignore[arg-type] # also fractions
            ssl_shutdown_timeout=counter.limits.linger_seconds,
        )
        self._counter = counter
        self._address = "unknown"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._address = of_address(peer[0]) if peer else "unknown"
        if self._counter.opened(self._address):
            super().connection_made(transport)
        else:
            self._counter.metrics.cuts.labels(Cut.TOO_MANY_CONNECTIONS).inc()
            transport.abort()  # type: ignore[attr-defined]

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._counter.closed(self._address)


_VERSIONS: Final = (b"1.0", b"1.1")
_CHUNKS_MAX: Final = 1024
"""Most chunks of a body: each costs as much as a long one."""


class _Connection(h11.Connection):
    """Checks what h11 does not, and stores the status for a malformed request."""

    status: int = 400

    def __init__(self, headers_max: int) -> None:
        super().__init__(h11.SERVER, headers_max)
        self._headers_max = headers_max
        self._chunks = 0
        self._head = b""

    def send(self, event: h11.Event) -> Any:
        """The bytes to write. Those of a response's headers are written with what follows: one call of the system."""
        output = super().send(event)
        if isinstance(event, h11.Response):
            self._head = output or b""
            return b""
        if output is not None and self._head:
            output, self._head = self._head + output, b""
        return output

    def next_event(self) -> Any:
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.status = error.error_status_hint
            raise
        # h11 itself limits headers only if they do not all arrive together.
        if isinstance(event, h11.Request):
            self._check(event)
            self._chunks = 0
        elif isinstance(event, h11.Data) and event.chunk_start:
            self._chunks += 1
            if self._chunks > _CHUNKS_MAX:
                self._reject(400, "too many chunks")
        return event

    def _check(self, request: h11.Request) -> None:
        headers = request.headers.raw_items()
        size = len(request.target) + sum([len(name) + len(value) + 4 for name, value in headers])
        if size > self._headers_max:
            self._reject(431, "headers too long")
        if request.http_version not in _VERSIONS:
            self._reject(505, "unknown version of HTTP")
        names = {name.lower() for name, _ in headers}
        # RFC 9112 section 6.1: a proxy in front may have read the other length, and the rest as a second request.
        if b"transfer-encoding" in names and (b"content-length" in names or request.http_version != b"1.1"):
            self._reject(400, "two lengths, or a transfer encoding in HTTP/1.0")

    def _reject(self, status: int, message: str) -> None:
        self.status = status
        raise h11.RemoteProtocolError(message)


class _LimitedH11Protocol(H11Protocol):
    counter: ClassVar[ConnectionCounter]
    counted_below: ClassVar[bool]
    """Whether TLS has counted the connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = self.counter.limits
        self.timeout_keep_alive = self._limits.idle_seconds  # type: ignore[assignment] # also works with fractions
        self.conn = self._incoming = _Connection(self._limits.headers_max)
        self._on_timeout: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._address: str | None = None
        self._whole_app = self.app
        self.app = self._with_raw_responses

    async def _with_raw_responses(self, scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = {RAW_RESPONSE: {}}

        async def send_any(message: Any) -> None:
            if RAW_RESPONSE in message:
                await self._send_raw(message[RAW_RESPONSE](self.cycle.default_headers + message["headers"]))
            else:
                await send(message)

        await self._whole_app(scope, receive, send_any)

    async def _send_raw(self, parts: Sequence[tuple[float, bytes]]) -> None:
        """Write each part after its seconds, and close the connection. A client that has gone ends the wait."""
        # uvicorn must send nothing else: neither another response nor its own for an incomplete one.
        self.cycle.response_started = self.cycle.disconnected = True
        try:
            for seconds, content in parts:
                await asyncio.sleep(seconds)
                if self.transport.is_closing():
                    return
                self.transport.write(content)
        finally:
            self.transport.close()
            self._limit_write_time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        if not self.counted_below:
            self._address = of_address(self.client[0]) if self.client else "unknown"
            if not self.counter.opened(self._address):
                self._refuse(503, ProblemCode.UNAVAILABLE, "too many connections", Cut.TOO_MANY_CONNECTIONS)
                return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._set_timer(None, 0)
        self.resume_writing()
        if self._address is not None:
            self.counter.closed(self._address)
            self._address = None

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._start_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._start_timer()
        if self.transport.is_closing():
            self._limit_write_time()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._limit_write_time()

    def shutdown(self) -> None:
        cycle = self._newest_request()
        if cycle is not None and not cycle.response_started:
            # After this response uvicorn closes the connection without announcing it (RFC 9112 section 9.6).
            cycle.default_headers = [*cycle.default_headers, (b"connection", b"close")]
        super().shutdown()
        if self.transport.is_closing():
            self._limit_write_time()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - says nothing that the status does not
        if self._incoming.status == 431:
            detail = f"headers may have at most {self._limits.headers_max} bytes"
            self._refuse(431, ProblemCode.HEADERS_TOO_LARGE, detail, Cut.HEADERS_TOO_LARGE)
        elif self._incoming.status == 505:
            detail = "this server speaks HTTP/1.1 and HTTP/1.0"
            self._refuse(505, ProblemCode.REQUEST_MALFORMED, detail, Cut.MALFORMED)
        else:
            self._refuse(400, ProblemCode.REQUEST_MALFORMED, "this is not HTTP/1.1", Cut.MALFORMED)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._limit_write_time()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _newest_request(self) -> RequestResponseCycle | None:
        """uvicorn has None before the first request, although its types exclude that."""
        return self.cycle

    def _start_timer(self) -> None:
        """Start the timer of the present phase. If it is running it continues, however much data arrives."""
        cycle = self._newest_request()
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            self._set_timer(None, 0)
        elif self.conn.their_state is h11.SEND_BODY:
            self._set_timer(self._refused_but_sending, self._limits.linger_seconds)
        elif cycle is None or self.conn.trailing_data[0]:
            self._set_timer(self._headers_too_slow, self._limits.headers_seconds)
        else:
            self._set_timer(None, 0)

    def _set_timer(self, on_timeout: Callable[[], None] | None, seconds: float) -> None:
        if on_timeout == self._on_timeout:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._on_timeout = on_timeout
        self._timer = self.loop.call_later(seconds, on_timeout) if on_timeout else None

    def _headers_too_slow(self) -> None:
        detail = f"headers must arrive within {self._limits.headers_seconds:g} s"
        self._refuse(408, ProblemCode.REQUEST_TIMED_OUT, detail, Cut.HEADERS_TOO_SLOW)

    def _refused_but_sending(self) -> None:
        self._abort(Cut.REFUSED_BUT_SENDING)

    def _limit_write_time(self) -> None:
        """Abort the connection if the client does not read the response within `write_seconds`.

        Closing the transport does not suffice: it waits without limit for a client that does not read.
        """
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(
                self._limits.write_seconds, self._abort, Cut.ANSWER_NOT_TAKEN
            )

    def _abort(self, why: Cut) -> None:
        self.counter.metrics.cuts.labels(why).inc()
        self.transport.abort()

    def _refuse(self, status: int, code: ProblemCode, detail: str, why: Cut) -> None:
        self.counter.metrics.cuts.labels(why).inc()
        cycle = self._newest_request()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:  # a second response would be read as part of the one that has begun
                self.transport.abort()
                return
        self.transport.write(
            raw_problem(status, code, detail, str(uuid.uuid4()), RETRY_AFTER, self.counter.headers)
        )
        self.transport.close()
        self._limit_write_time()
