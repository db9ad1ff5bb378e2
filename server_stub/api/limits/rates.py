"""Rate limits for addresses and devices: a moving window in bounded memory of this process.

The library `limits` has the notation and the strategy. Its own memory storage starts a thread for nearly every hit and
never removes keys, so the storage is implemented here.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from limits import RateLimitItem
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter


class RateLimit:
    """Limits the requests of each key to `rate`. `clock` is in seconds and never decreases.

    When more than `memory` requests would be stored, the least recently used keys are evicted.
    """

    def __init__(self, rate: RateLimitItem, clock: Callable[[], float], memory: int) -> None:
        self._rate = rate
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(_BoundedMemory(clock, max(memory, rate.amount)))

    def refuses(self, key: str) -> int | None:
        """Count a request. Returns None if it is accepted, else the seconds after which the next one will be."""
        if self._limiter.hit(self._rate, key):
            return None
        wait = self._limiter.get_window_stats(self._rate, key).reset_time - self._clock()
        return max(1, math.ceil(wait))


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


class _BoundedMemory(Storage, MovingWindowSupport):
    """Times of requests by key, oldest first; the most recently used key is the last one."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float], memory: int) -> None:
        super().__init__()
        self._clock = clock
        self._memory = memory
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()
        self._count = 0
        self._lock = Lock()

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self._lock:
            now = self._clock()
            hits = self._window(key, now - expiry)
            if len(hits) + amount > limit:
                return False
            hits.extend([now] * amount)
            self._count += amount
            while self._count > self._memory:
                self._count -= len(self._hits.popitem(last=False)[1])
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        with self._lock:
            now = self._clock()
            hits = self._window(key, now - expiry)
            return (hits[0], len(hits)) if hits else (now, 0)

    def _window(self, key: str, since: float) -> deque[float]:
        hits = self._hits.setdefault(key, deque())
        self._hits.move_to_end(key)
        while hits and hits[0] <= since:
            hits.popleft()
            self._count -= 1
        return hits

    def get(self, key: str) -> int:
        return len(self._hits.get(key, ()))

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        with self._lock:
            self._count -= len(self._hits.pop(key, ()))

    def reset(self) -> int:
        with self._lock:
            forgotten, self._count = len(self._hits), 0
            self._hits.clear()
            return forgotten

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError("a moving window has no fixed windows")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("a moving window has no end")
