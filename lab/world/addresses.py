"""Where the requests of phones come from: an address for each country, and the table by which servers know them.

The addresses are from the prefix that is kept for documentation, 2001:db8::/32 (RFC 3849), so that none is anybody's.
Two octets of each are the letters of the country: `FR` is 46 52.
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
"""The address of whoever asks from this machine for nobody else; no country's."""

_LEAVING: Final[ContextVar[str]] = ContextVar("leaving", default=LOOPBACK)


def address_in(country: str | None) -> str:
    """An address in a country (ISO 3166-1 alpha-2); without one, an address that no table knows.

    >>> address_in("FR"), address_in(None)
    ('2001:db8:4652::1', '2001:db8::1')
    """
    return f"2001:db8:{country.encode().hex()}::1" if country else "2001:db8::1"


@cache
def countries() -> SourceCountries:
    """The table that the servers of the lab are given."""
    codes = sorted(country.alpha_2 for country in pycountry.countries)
    lines = (f"2001:db8:{code.encode().hex()}::/48,{code}" for code in codes)
    return SourceCountries.parse("\n".join(lines), "addresses of the lab")


@contextmanager
def source_address(address: str) -> Iterator[None]:
    """Requests that are sent on this thread in the block come from `address`."""
    token = _LEAVING.set(address)
    try:
        yield
    finally:
        _LEAVING.reset(token)


def current_source_address() -> str:
    """The address from which a request comes that is sent now."""
    return _LEAVING.get()


class ForwardedForTransport(RequestsTransport):
    """The phone's own HTTP, and the front of the server's house: a proxy that tells the server for whom it asks.

    Everything in the lab comes from the loopback address. So the address that the world gives a phone travels in
    `X-Forwarded-For`, which the lab's servers believe of this machine, and others by default of nobody.
    """

    def __init__(self, origin: str, timeouts: Timeouts | None = None, authorities: str | None = None) -> None:
        super().__init__(origin, timeouts, authorities)
        self.origin = origin

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> requests.Response:
        return super()._send(method, path, headers | {"X-Forwarded-For": current_source_address()}, body)
