"""Repeats requests that are safe to repeat: the challenge and the downloads of an exchange, never the evidence.

A repeat is sent immediately, because the failure of one request says little about the next one; the backoff of the
exchange is for a network that is down. A response of another sender or a rejection is not repeated: the same
question gets the same redirect, login page, rejection or refused certificate.
"""

from collections.abc import Callable
from typing import Final

from agent.ports import Answer, TransportError, TransportFault

REPEATS: Final = 2
"""The most repeats of one request."""

EXCHANGE_SECONDS: Final = 210.0
"""No request of an exchange starts later than this after the challenge was requested first. With the 30 seconds of
its last request, an exchange ends within the four minutes that eight slow requests take without a repeat, and before
its nonce expires."""

LINE_FAULTS: Final = frozenset(
    {TransportFault.UNREACHABLE, TransportFault.TIMED_OUT, TransportFault.BROKEN_ANSWER}
)
"""The request or its response was lost or cut."""


def without_limit() -> bool:
    """For a request outside of an exchange: it may always start."""
    return True


def repeated(send: Callable[[], Answer], in_time: Callable[[], bool]) -> Answer:
    """The response of `send`, which is called again after a fault of the line or of the server.

    `in_time` says whether a request may still start. A status below 500 and one with `Retry-After` are not repeated.
    Raises TransportError.
    """
    check_time(in_time)
    for _ in range(REPEATS):
        try:
            answer = send()
        except TransportError as error:
            if error.fault not in LINE_FAULTS or not in_time():
                raise
        else:
            if answer.status < 500 or answer.retry_after is not None or not in_time():
                return answer
    return send()


def check_time(in_time: Callable[[], bool]) -> None:
    """Raises TransportError if no request of this exchange may start."""
    if not in_time():
        raise TransportError(TransportFault.TIMED_OUT, "the exchange took too long")
