"""Injects a fault into a request that has been read, on the connection of the client: one function for each kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from lab.fault_proxy.listener import ClientConnection
from lab.fault_proxy.schedule import NetworkFault
from server_stub.faults.catalogue import BUSY, IN_HANDSHAKE, NO_CONNECTION, FaultKind
from server_stub.faults.responses import BROKEN, CHANGED, GARBAGE_BYTES, RawResponse, fixed

BYTE_SECONDS: Final = 0.02
"""Between two bytes of a slow response: well within the time that a device waits for one read."""

_OVERSIZED_BLOCK: Final = bytes(64 * 1024)
_OVERSIZED_BLOCKS: Final = 1024


@dataclass(frozen=True, slots=True)
class InjectionContext:
    """A request and what a fault needs.

    `ask` returns the server's response, with the server's clock off by `fault.seconds`. `first` and `newest` are
    earlier responses to the device for this path.
    """

    client: ClientConnection
    fault: NetworkFault
    random: Random = field(repr=False)
    ask: Callable[[], RawResponse]
    first: RawResponse | None
    newest: RawResponse | None


Inject = Callable[[InjectionContext], object]


def inject(context: InjectionContext) -> bool:
    """Inject the fault. Returns whether the connection stays open for another request.

    Raises OSError if the client closes the connection, UnreachableError if there is no server.
    """
    _INJECTORS[context.fault.kind](context)
    return context.fault.kind is FaultKind.DUPLICATED_ANSWER


def _reset(context: InjectionContext) -> None:
    context.client.reset()


def _stall(context: InjectionContext) -> None:
    context.client.stall()


def _broken(context: InjectionContext) -> None:
    kind = FaultKind.TRUNCATED if context.fault.kind not in BROKEN else context.fault.kind
    context.client.send(BROKEN[kind](context.ask()))


def _then(*parts: Inject) -> Inject:
    def inject_all(context: InjectionContext) -> None:
        for part in parts:
            part(context)

    return inject_all


def _oversized(context: InjectionContext) -> None:
    context.client.send(context.ask().head(None))
    for _ in range(_OVERSIZED_BLOCKS):
        context.client.send(_OVERSIZED_BLOCK)


def _changed(change: Callable[[InjectionContext, RawResponse], RawResponse]) -> Inject:
    return lambda context: context.client.send(change(context, context.ask()).encoded())


_INJECTORS: Final[dict[FaultKind, Inject]] = {
    # A client without its own transport is already connected: a reset is the nearest fault.
    **dict.fromkeys(NO_CONNECTION | IN_HANDSHAKE, _reset),
    FaultKind.HEADER_TIMEOUT: _stall,
    FaultKind.RESET: _reset,
    FaultKind.NOT_HTTP: lambda context: context.client.send(b"\0" + context.random.randbytes(GARBAGE_BYTES)),
    **dict.fromkeys(
        (FaultKind.REDIRECT, FaultKind.CAPTIVE_PORTAL, FaultKind.SERVER_ERROR, *BUSY),
        lambda context: context.client.send(fixed(context.fault.kind, context.fault.retry_after).encoded()),
    ),
    FaultKind.LOST_ANSWER: _then(lambda context: context.ask(), _stall),
    FaultKind.BODY_TIMEOUT: _then(_broken, _stall),
    FaultKind.RESET_MIDWAY: _then(_broken, _reset),
    **dict.fromkeys(BROKEN, _broken),
    FaultKind.SLOW_DRIP: lambda context: context.client.send_slowly(context.ask().encoded(), BYTE_SECONDS),
    FaultKind.OVERSIZED: _oversized,
    **dict.fromkeys(
        CHANGED,
        _changed(lambda context, response: CHANGED[context.fault.kind](response, context.random)),
    ),
    FaultKind.DUPLICATED: _changed(lambda context, _: context.ask()),
    # A careless client takes the second copy for the response to its next request.
    FaultKind.DUPLICATED_ANSWER: lambda context: context.client.send(context.ask().encoded("keep-alive") * 2),
    FaultKind.REORDERED: _changed(lambda context, response: context.newest or response),
    FaultKind.REPLAYED: _changed(lambda context, response: context.first or response),
    FaultKind.CLOCK_SKEW: _changed(lambda _, response: response),
}
