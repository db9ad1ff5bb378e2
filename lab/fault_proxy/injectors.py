"""Injects a fault into a request that has been read, on the connection of the client: one function for each kind."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from lab.fault_proxy.faults import BUSY, IN_HANDSHAKE, NO_CONNECTION, FaultKind
from lab.fault_proxy.http1 import Headers, ProxyResponse
from lab.fault_proxy.listener import ClientConnection
from lab.fault_proxy.schedule import NetworkFault

PORTAL: Final = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to use this network."

BYTE_SECONDS: Final = 0.02
"""Between two bytes of a slow response: well within the time that a device waits for one read."""

_OVERSIZED_BLOCK: Final = bytes(64 * 1024)
_OVERSIZED_BLOCKS: Final = 1024
_UNPACKED_BLOCK: Final = bytes(1024 * 1024)
_UNPACKED_BLOCKS: Final = 10
_GZIP: Final = 16 + zlib.MAX_WBITS
_GARBAGE_BYTES: Final = 700
_OVERSTATED_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class InjectionContext:
    """A request and what a fault needs.

    `ask` returns the server's response, with the server's clock off by `fault.seconds`. `first` and `newest` are
    earlier responses to the device for this path.
    """

    client: ClientConnection
    fault: NetworkFault
    random: Random = field(repr=False)
    ask: Callable[[], ProxyResponse]
    first: ProxyResponse | None
    newest: ProxyResponse | None


Inject = Callable[[InjectionContext], object]


def inject(context: InjectionContext) -> bool:
    """Inject the fault. Returns whether the connection stays open for another request.

    Raises OSError if the client closes the connection, UnreachableError if there is no server.
    """
    _INJECTORS[context.fault.kind](context)
    return context.fault.kind is FaultKind.DUPLICATED_ANSWER


def tampered(body: bytes, random: Random) -> bytes:
    """The body with one byte replaced by another letter, so that in a token only the signature is wrong."""
    if not body:
        return b"x"
    at = random.randrange(len(body))
    other = b"A" if body[at : at + 1] != b"A" else b"B"
    return body[:at] + other + body[at + 1 :]


def _reset(context: InjectionContext) -> None:
    context.client.reset()


def _stall(context: InjectionContext) -> None:
    context.client.stall()


def _fixed_response(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Inject:
    response = ProxyResponse.of(status, media_type, body, *headers)
    return lambda context: context.client.send(response.encoded())


def _busy(context: InjectionContext) -> None:
    wait = context.fault.retry_after
    headers: Headers = () if wait is None else (("Retry-After", str(wait)),)
    status = BUSY[context.fault.kind]
    context.client.send(ProxyResponse.of(status, "text/plain", b"", *headers).encoded())


def _half(context: InjectionContext) -> None:
    response = context.ask()
    context.client.send(response.head(len(response.body)) + response.body[: len(response.body) // 2])


def _then(*parts: Inject) -> Inject:
    def inject_all(context: InjectionContext) -> None:
        for part in parts:
            part(context)

    return inject_all


def _with_length(context: InjectionContext, length: Callable[[int], int]) -> None:
    response = context.ask()
    context.client.send(response.head(length(len(response.body))) + response.body)


def _oversized(context: InjectionContext) -> None:
    context.client.send(context.ask().head(None))
    for _ in range(_OVERSIZED_BLOCKS):
        context.client.send(_OVERSIZED_BLOCK)


def _gzip_bomb(_: InjectionContext, response: ProxyResponse) -> ProxyResponse:
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    packed = [packer.compress(_UNPACKED_BLOCK) for _ in range(_UNPACKED_BLOCKS)]
    headers = (*response.headers, ("Content-Encoding", "gzip"))
    return ProxyResponse(response.status, headers, b"".join([*packed, packer.flush()]))


def _changed(change: Callable[[InjectionContext, ProxyResponse], ProxyResponse]) -> Inject:
    return lambda context: context.client.send(change(context, context.ask()).encoded())


_INJECTORS: Final[dict[FaultKind, Inject]] = {
    # A client without its own transport is already connected: a reset is the nearest fault.
    **dict.fromkeys(NO_CONNECTION | IN_HANDSHAKE, _reset),
    FaultKind.HEADER_TIMEOUT: _stall,
    FaultKind.RESET: _reset,
    FaultKind.NOT_HTTP: lambda context: context.client.send(b"\0" + context.random.randbytes(_GARBAGE_BYTES)),
    FaultKind.REDIRECT: _fixed_response(302, "text/plain", b"", ("Location", "/somebody-else")),
    FaultKind.CAPTIVE_PORTAL: _fixed_response(200, "text/html", PORTAL),
    FaultKind.TOO_MANY_REQUESTS: _busy,
    FaultKind.UNAVAILABLE: _busy,
    FaultKind.SERVER_ERROR: _fixed_response(500, "text/plain", b""),
    FaultKind.LOST_ANSWER: _then(lambda context: context.ask(), _stall),
    FaultKind.BODY_TIMEOUT: _then(_half, _stall),
    FaultKind.RESET_MIDWAY: _then(_half, _reset),
    FaultKind.TRUNCATED: _half,
    FaultKind.WRONG_LENGTH: lambda context: _with_length(context, lambda length: length + _OVERSTATED_BYTES),
    FaultKind.UNDERSTATED_LENGTH: lambda context: _with_length(context, lambda length: length // 2),
    FaultKind.SLOW_DRIP: lambda context: context.client.send_slowly(context.ask().encoded(), BYTE_SECONDS),
    FaultKind.OVERSIZED: _oversized,
    FaultKind.GZIP_BOMB: _changed(_gzip_bomb),
    FaultKind.GARBAGE: _changed(
        lambda context, response: replace(response, body=context.random.randbytes(_GARBAGE_BYTES))
    ),
    FaultKind.WRONG_MEDIA_TYPE: _changed(
        lambda _, response: ProxyResponse.of(response.status, "application/octet-stream", response.body)
    ),
    FaultKind.TAMPERED: _changed(
        lambda context, response: replace(response, body=tampered(response.body, context.random))
    ),
    FaultKind.DUPLICATED: _changed(lambda context, _: context.ask()),
    # A careless client takes the second copy for the response to its next request.
    FaultKind.DUPLICATED_ANSWER: lambda context: context.client.send(context.ask().encoded("keep-alive") * 2),
    FaultKind.REORDERED: _changed(lambda context, response: context.newest or response),
    FaultKind.REPLAYED: _changed(lambda context, response: context.first or response),
    FaultKind.CLOCK_SKEW: _changed(lambda _, response: response),
}
