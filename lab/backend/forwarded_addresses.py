"""How a server of the lab learns the source address of a device, and the table of countries of such addresses."""

from collections.abc import Callable, Mapping
from functools import cache

import pycountry
import requests

from agent.adapters.http import RequestsTransport, Timeouts
from lab.world.addresses import current_source_address, trusted_authorities
from server_stub.reference_data.source_countries import SourceCountries


@cache
def countries() -> SourceCountries:
    """The table of source countries for the servers of the lab."""
    codes = sorted(country.alpha_2 for country in pycountry.countries)
    lines = (f"2001:db8:{code.encode().hex()}::/48,{code}" for code in codes)
    return SourceCountries.parse("\n".join(lines), "addresses of the lab")


class ForwardedForTransport(RequestsTransport):
    """The HTTP transport of the device, combined with a proxy that sends `X-Forwarded-For`.

    Every request in the lab comes from the loopback address, so the device's source address is sent in this header.
    The servers of the lab trust it from this machine; other servers ignore it by default. `headers` returns others.
    """

    def __init__(
        self,
        origin: str,
        timeouts: Timeouts | None = None,
        authorities: str | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        super().__init__(origin, timeouts, authorities or trusted_authorities())
        self.origin = origin
        self._headers = headers

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> requests.Response:
        added = {"X-Forwarded-For": current_source_address(), **self._headers()}
        return super()._send(method, path, headers | added, body)
