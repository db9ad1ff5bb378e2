"""Source addresses of devices: a /48 for each country, and in it a /64 for each subscriber.

The addresses are from the documentation prefix 2001:db8::/32 (RFC 3849), which is not assigned to anyone. Two bytes
of each are the letters of the country: `FR` is 46 52.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv6Address
from typing import Final

LOOPBACK: Final = "127.0.0.1"
"""The source address of requests that are not sent for a device; it belongs to no country."""

AUTHORITIES_VARIABLE: Final = "ACTIVATION_AUTHORITIES"

_SOURCE: Final[ContextVar[str]] = ContextVar("source address", default=LOOPBACK)


def address_in(country: str | None, subscriber: int = 0) -> str:
    """The address of a subscriber in a country (ISO 3166-1 alpha-2); without a country, one that is in no table.

    >>> address_in("FR"), address_in(None), address_in("FR", 199)
    ('2001:db8:4652::1', '2001:db8::1', '2001:db8:4652:c7::1')
    """
    prefix = country.encode().hex() if country else 0
    return str(IPv6Address(f"2001:db8:{prefix}:{subscriber:x}::1"))


def trusted_authorities() -> str | None:
    """The PEM file of the authorities that sign certificates of `https://` servers; None for the public ones."""
    return os.environ.get(AUTHORITIES_VARIABLE) or None


@contextmanager
def source_address(address: str) -> Iterator[None]:
    """Send the requests of this thread in the block from `address`."""
    token = _SOURCE.set(address)
    try:
        yield
    finally:
        _SOURCE.reset(token)


def current_source_address() -> str:
    """The source address of a request that is sent now."""
    return _SOURCE.get()
