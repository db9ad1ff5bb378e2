"""The limits that a running server applies. They can be replaced while it runs."""

from collections.abc import Callable
from typing import Final

from server_stub.api.limits.rates import AddressRate, RateLimit
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.metrics import Limit


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
