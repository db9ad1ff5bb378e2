"""What each fault does to a request that has been read: one small function for each, on the phone's own connection."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from lab.fault_proxy.client_connection import ClientConnection
from lab.fault_proxy.faults import BUSY, IN_HANDSHAKE, NO_CONNECTION, FaultKind
from lab.fault_proxy.http1 import Headers, Reply
from lab.fault_proxy.schedule import Fault

PORTAL: Final = b"<!doctype html><title>Hotel Wi-Fi</title><p>Please sign in to use this network.</p>"

DRIP_SECONDS: Final = 0.02
"""Between two octets of a slow drip: well within the time that a phone waits for one read."""

_ENDLESS: Final = bytes(64 * 1024)
_ENDLESS_TIMES: Final = 1024
_BOMB_BLOCK: Final = bytes(1024 * 1024)
_BOMB_BLOCKS: Final = 10
_GZIP: Final = 16 + zlib.MAX_WBITS
_JUNK_OCTETS: Final = 700
_ELSEWHERE: Final = ("Location", "/somebody-else")
_OVERSTATED: Final = 64


@dataclass(frozen=True, slots=True)
class InjectionContext:
    """A request and what is at hand to hurt it.

    `ask` lets the server answer, its clock off by so many seconds. `first` and `newest` are the answers that the
    phone got on this path before.
    """

    caller: ClientConnection
    fault: Fault
    random: Random = field(repr=False)
    ask: Callable[[int], Reply]
    first: Reply | None
    newest: Reply | None


Spoil = Callable[[InjectionContext], bool | None]
"""True where the connection stays open for another request."""


def inject(case: InjectionContext) -> bool:
    """Do what the fault is. Raises OSError where the phone hangs up, UnreachableError where there is no server."""
    return bool(_SPOIL[case.fault.kind](case))


def _reset(case: InjectionContext) -> None:
    case.caller.reset()


def _hold(case: InjectionContext) -> None:
    case.caller.stall()


def _not_http(case: InjectionContext) -> None:
    case.caller.send(b"\x00" + case.random.randbytes(_JUNK_OCTETS))


def _instead(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Spoil:
    reply = Reply.of(status, media_type, body, *headers)
    return lambda case: case.caller.send(reply.encoded())


def _busy(case: InjectionContext) -> None:
    wait = case.fault.retry_after
    headers: Headers = () if wait is None else (("Retry-After", str(wait)),)
    case.caller.send(Reply.of(BUSY[case.fault.kind], "text/plain", b"", *headers).encoded())


def _lost(case: InjectionContext) -> None:
    case.ask(0)
    case.caller.stall()


def _half(case: InjectionContext) -> None:
    reply = case.ask(0)
    case.caller.send(reply.head(len(reply.body)) + reply.body[: len(reply.body) // 2])


def _half_and_silence(case: InjectionContext) -> None:
    _half(case)
    case.caller.stall()


def _half_and_reset(case: InjectionContext) -> None:
    _half(case)
    case.caller.reset()


def _overstated(case: InjectionContext) -> None:
    reply = case.ask(0)
    case.caller.send(reply.head(len(reply.body) + _OVERSTATED) + reply.body)


def _understated(case: InjectionContext) -> None:
    reply = case.ask(0)
    case.caller.send(reply.head(len(reply.body) // 2) + reply.body)


def _slow_body(case: InjectionContext) -> None:
    case.caller.send_slowly(case.ask(0).encoded(), DRIP_SECONDS)


def _endless(case: InjectionContext) -> None:
    case.caller.send(case.ask(0).head(None))
    for _ in range(_ENDLESS_TIMES):
        case.caller.send(_ENDLESS)


def _gzip_bomb(case: InjectionContext) -> None:
    reply = case.ask(0)
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    packed = [packer.compress(_BOMB_BLOCK) for _ in range(_BOMB_BLOCKS)]
    body = b"".join([*packed, packer.flush()])
    packed_reply = Reply(reply.status, (*reply.headers, ("Content-Encoding", "gzip")), body)
    case.caller.send(packed_reply.encoded())


def _changed(change: Callable[[InjectionContext, Reply], Reply]) -> Spoil:
    return lambda case: case.caller.send(change(case, case.ask(0)).encoded())


def _junk(case: InjectionContext, reply: Reply) -> Reply:
    return replace(reply, body=case.random.randbytes(_JUNK_OCTETS))


def _other_type(_: InjectionContext, reply: Reply) -> Reply:
    return Reply.of(reply.status, "application/octet-stream", reply.body)


def _tampered(case: InjectionContext, reply: Reply) -> Reply:
    """One octet is another letter, so that in a token nothing but the signature can tell."""
    if not reply.body:
        return replace(reply, body=b"x")
    at = case.random.randrange(len(reply.body))
    other = b"A" if reply.body[at : at + 1] != b"A" else b"B"
    return replace(reply, body=reply.body[:at] + other + reply.body[at + 1 :])


def _second_answer(case: InjectionContext) -> None:
    case.ask(0)
    case.caller.send(case.ask(0).encoded())


def _twice(case: InjectionContext) -> bool:
    """The phone may take the second copy for the answer to its next request, if it is careless."""
    case.caller.send(case.ask(0).encoded("keep-alive") * 2)
    return True


def _previous_response(case: InjectionContext) -> None:
    case.caller.send(_earlier(case.newest, case.ask(0)).encoded())


def _the_first(case: InjectionContext) -> None:
    case.caller.send(_earlier(case.first, case.ask(0)).encoded())


def _earlier(earlier: Reply | None, reply: Reply) -> Reply:
    return reply if earlier is None else earlier


def _skewed(case: InjectionContext) -> None:
    case.caller.send(case.ask(case.fault.seconds).encoded())


_SPOIL: Final[dict[FaultKind, Spoil]] = {
    # A client that was not asked for where it goes has its connection already: a reset is the nearest thing.
    **dict.fromkeys(NO_CONNECTION | IN_HANDSHAKE, _reset),
    FaultKind.HEADER_TIMEOUT: _hold,
    FaultKind.RESET: _reset,
    FaultKind.NOT_HTTP: _not_http,
    FaultKind.REDIRECT: _instead(302, "text/plain", b"", _ELSEWHERE),
    FaultKind.CAPTIVE_PORTAL: _instead(200, "text/html", PORTAL),
    FaultKind.TOO_MANY_REQUESTS: _busy,
    FaultKind.UNAVAILABLE: _busy,
    FaultKind.SERVER_ERROR: _instead(500, "text/plain", b""),
    FaultKind.LOST_ANSWER: _lost,
    FaultKind.BODY_TIMEOUT: _half_and_silence,
    FaultKind.RESET_MIDWAY: _half_and_reset,
    FaultKind.TRUNCATED: _half,
    FaultKind.OVERSTATED_LENGTH: _overstated,
    FaultKind.UNDERSTATED_LENGTH: _understated,
    FaultKind.SLOW_DRIP: _slow_body,
    FaultKind.OVERSIZED: _endless,
    FaultKind.GZIP_BOMB: _gzip_bomb,
    FaultKind.GARBAGE: _changed(_junk),
    FaultKind.WRONG_MEDIA_TYPE: _changed(_other_type),
    FaultKind.TAMPERED: _changed(_tampered),
    FaultKind.DUPLICATED_REQUEST: _second_answer,
    FaultKind.DUPLICATED_ANSWER: _twice,
    FaultKind.REORDERED: _previous_response,
    FaultKind.REPLAYED: _the_first,
    FaultKind.CLOCK_SKEW: _skewed,
}
