"""Requests to the admin API of a server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import requests

from lab.world.addresses import trusted_authorities

TIMEOUT_SECONDS: Final = 60


@contextmanager
def admin_response(
    method: str, url: str, token: str, headers: Mapping[str, str], **arguments: Any
) -> Iterator[requests.Response]:
    """The response of the server itself: redirects are not followed. Raises RequestException."""
    with requests.Session() as session:
        session.trust_env = False  # a .netrc would replace the token
        session.verify = trusted_authorities() or True
        yield session.request(
            method,
            url,
            headers={"Authorization": f"Bearer {token}", **headers},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            **arguments,
        )
