"""How often an address or a phone may ask: a moving window, in the memory of this process and within a bound.

The library `limits` has the notation and the strategy. Its own storage in memory starts a thread for nearly each hit
and keeps the name of everybody who ever asked, so the storage is one of our own.
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
    """Admits each key as often as `rate` says. `clock` is in seconds and never goes back.

    Where more than `memory` hits would have to be remembered, those of whoever did not ask for longest are forgotten.
    """

    def __init__(self, rate: RateLimitItem, clock: Callable[[], float], memory: int) -> None:
        self._rate = rate
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(_BoundedMemory(clock, max(memory, rate.amount)))

    def refuses(self, key: str) -> int | None:
        """Count a request. None admits it, a number of seconds says when the next one will be admitted."""
        if self._limiter.hit(self._rate, key):
            return None
        wait = self._limiter.get_window_stats(self._rate, key).reset_time - self._clock()
        return max(1, math.ceil(wait))


def of_address(host: str) -> str:
    """What counts as one address: an IPv4 address, a /64 of IPv6. Text that is neither counts as one and the same.

    A /64 is the least that a subscriber is given (RFC 6177 section 2), so that single addresses in it cost nothing.

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
    """Times of hits by key, oldest first; the key that was used last is the last one."""

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
        raise NotImplementedError("a moving window does not count in fixed ones")

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError("a moving window has no end")
