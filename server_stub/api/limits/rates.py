"""The limits that a server applies, and their rates for addresses and devices: moving windows in bounded memory.

The library `limits` parses rates. Its memory storage is not used: it starts a thread for nearly every request and never
removes keys.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import Final

from limits import RateLimitItem

from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Limit

SITE_FACTOR: Final = 10
"""How many times the rate of one address all addresses of an IPv6 site may have together."""


class RateLimit:
    """Limits the requests of each key to `rate`; None is no limit. `clock` is in seconds and never decreases.

    When more than `memory` requests would be stored, the least recently used keys are evicted.
    """

    def __init__(self, rate: RateLimitItem | None, clock: Callable[[], float], memory: int) -> None:
        self._rate = rate
        self._clock = clock
        self._memory = memory
        self._requests: OrderedDict[str, deque[float]] = OrderedDict()
        """Times of accepted requests by key, oldest first; the most recently used key is the last one."""
        self._stored = 0
        self._lock = Lock()

    def change(self, rate: RateLimitItem | None) -> None:
        """Replace the rate. Requests that were counted count against the new one."""
        with self._lock:
            self._rate = rate

    def refuses(self, key: str) -> int | None:
        """Count a request. Returns None if it is accepted, else the seconds after which the next one will be."""
        with self._lock:
            if self._rate is None:
                return None
            amount, seconds = self._rate.amount, self._rate.get_expiry()
            now = self._clock()
            times = self._requests.setdefault(key, deque())
            self._requests.move_to_end(key)
            while times and times[0] <= now - seconds:
                times.popleft()
                self._stored -= 1
            if len(times) >= amount:
                return max(1, math.ceil(times[len(times) - amount] + seconds - now))
            times.append(now)
            self._stored += 1
            while self._stored > max(self._memory, amount):
                self._stored -= len(self._requests.popitem(last=False)[1])
            return None


class AddressRate:
    """Limits the requests of each address to `rate`, and those of each /48 of IPv6 to ten times as many.

    A site has a /48 (RFC 6177 section 2), and so 65,536 of the /64 that count as addresses.
    """

    def __init__(self, rate: RateLimitItem | None, clock: Callable[[], float], memory: int) -> None:
        self._addresses = RateLimit(None, clock, memory)
        self._sites = RateLimit(None, clock, memory)
        self.change(rate)

    def change(self, rate: RateLimitItem | None) -> None:
        """Replace the rate. Requests that were counted count against the new one."""
        self._limits = rate is not None
        self._addresses.change(rate)
        self._sites.change(type(rate)(rate.amount * SITE_FACTOR, rate.multiples) if rate else None)

    def refuses(self, host: str) -> int | None:
        """Count a request of `host`. Returns None if it is accepted, else the seconds until the next one will be."""
        if not self._limits:
            return None
        address = of_address(host)
        wait = self._addresses.refuses(address)
        if wait is not None or not address.endswith("::"):
            return wait
        return self._sites.refuses(address.rsplit(":", 3)[0])


def of_address(host: str) -> str:
    """The unit that limits apply to: an IPv4 address or a /64 of IPv6; "unknown" for any other text.

    A subscriber has at least a /64 (RFC 6177 section 2) and can use any address in it.

    >>> of_address("2001:db8::1:2:3:4"), of_address("::ffff:192.0.2.1")
    ('2001:db8:0:0::', '192.0.2.1')
    """
    if len(host) <= 15 and host.isascii() and host.replace(".", "").isdigit():
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return ":".join(f"{address.packed[i] << 8 | address.packed[i + 1]:x}" for i in range(0, 8, 2)) + "::"


class LimitsInForce:
    """The limits of one server, and the requests that it counted. `clock` is in seconds and never decreases."""

    def __init__(self, limits: ServerLimits, clock: Callable[[], float]) -> None:
        self.values = limits
        self._rates: Final[dict[Limit, RateLimit | AddressRate]] = {
            limit: (RateLimit if limit is Limit.DEVICE else AddressRate)(None, clock, limits.rate_memory)
            for limit in Limit
        }
        self.apply(limits)

    def apply(self, limits: ServerLimits) -> None:
        """Replace the limits. Requests that were counted still count; open connections keep their time-outs."""
        for limit, rate in {
            Limit.ADDRESS: limits.rate_per_address,
            Limit.OPERATIONS: limits.rate_operations,
            Limit.ADMIN: limits.rate_admin,
            Limit.DEVICE: limits.rate_per_device,
            Limit.UNATTESTED: limits.rate_unattested,
        }.items():
            self._rates[limit].change(rate)
        self.values = limits

    def refuses(self, limit: Limit, key: str) -> int | None:
        """Count a request of `key`. Returns None if it is accepted, else the seconds until the next one will be."""
        return self._rates[limit].refuses(key)
