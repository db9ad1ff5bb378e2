"""Limits of a server: sizes, time-outs, numbers of connections, and rates."""

from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, parse

from wire.limits import BODY_MAX

OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of one server process. Sizes are bytes, times are seconds.

    `headers_seconds` is the time from the first byte of a request, or from the connection, to the end of its headers;
    `body_seconds` the time for its body; `idle_seconds` how long a kept connection may be silent; `linger_seconds` how
    long a client may continue to send a rejected request; `write_seconds` how long a client may read nothing of its
    response; `grace_seconds` how long a server that stops finishes accepted requests. `judging_max` is the number of
    requests that may wait for their verdict. `rate_operations` is for health and metrics, `rate_admin` for the admin
    API, `rate_per_address` for everything else, each for one address. `rate_unattested` is for evidence of one address
    that identifies no device or is rejected. Rates are those of the library `limits`, None for no limit; `rate_memory`
    bounds how many requests are stored to compute one of them. The server uses the `X-Forwarded-For` header of
    `trusted_proxies` only. `hosts` are the hosts that it serves, without ports; it serves every host if there are none.
    """

    body_max: int = BODY_MAX
    headers_max: int = 16 * 1024
    headers_seconds: float = 10
    body_seconds: float = 20
    idle_seconds: float = 15
    linger_seconds: float = 2
    write_seconds: float = 20
    grace_seconds: float = 10
    connections_max: int = 1000
    connections_per_address: int = 500
    judging_max: int = 256
    rate_per_address: RateLimitItem | None = None
    rate_operations: RateLimitItem | None = None
    rate_admin: RateLimitItem | None = None
    rate_per_device: RateLimitItem | None = None
    rate_unattested: RateLimitItem | None = None
    rate_memory: int = 200_000
    trusted_proxies: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def read_rate(text: str) -> RateLimitItem | None:
    """A rate such as `30/minute`, None for `off`. Raises ValueError.

    >>> read_rate("30/minute").amount
    30
    """
    if text == OFF:
        return None
    try:
        rate = parse(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a rate; write 30/minute, for example, or {OFF}") from None
    if rate.amount < 1:
        raise ValueError(f"{text!r} would reject every request; write 1 or more, or {OFF}")
    return rate
