"""Source addresses of devices: an address for each country, and the table of countries for the servers of the lab.

The addresses are from the documentation prefix 2001:db8::/32 (RFC 3849), which is not assigned to anyone. Two bytes
of each are the letters of the country: `FR` is 46 52.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Final

import pycountry
import requests

from agent.adapters.http import RequestsTransport, Timeouts
from server_stub.reference_data.source_countries import SourceCountries

LOOPBACK: Final = "127.0.0.1"
"""The source address of requests that are not sent for a device; it belongs to no country."""

_SOURCE: Final[ContextVar[str]] = ContextVar("source address", default=LOOPBACK)


def address_in(country: str | None) -> str:
    """An address in a country (ISO 3166-1 alpha-2); without a country, an address that is in no table.

    >>> address_in("FR"), address_in(None)
    ('2001:db8:4652::1', '2001:db8::1')
    """
    return f"2001:db8:{country.encode().hex()}::1" if country else "2001:db8::1"


@cache
def countries() -> SourceCountries:
    """The table of source countries for the servers of the lab."""
    codes = sorted(country.alpha_2 for country in pycountry.countries)
    lines = (f"2001:db8:{code.encode().hex()}::/48,{code}" for code in codes)
    return SourceCountries.parse("\n".join(lines), "addresses of the lab")


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


class ForwardedForTransport(RequestsTransport):
    """The HTTP transport of the device, combined with a proxy that sends `X-Forwarded-For`.

    Every request in the lab comes from the loopback address, so the device's source address is sent in this header.
    The servers of the lab trust it from this machine; other servers ignore it by default.
    """

    def __init__(self, origin: str, timeouts: Timeouts | None = None, authorities: str | None = None) -> None:
        super().__init__(origin, timeouts, authorities)
        self.origin = origin

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> requests.Response:
        return super()._send(method, path, headers | {"X-Forwarded-For": current_source_address()}, body)
