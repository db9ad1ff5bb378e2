"""Routes that another program adds to the server."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp


def unchanged(app: ASGIApp) -> ASGIApp:
    """The application itself."""
    return app


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of the server. `install` adds its routes, and its tags to `openapi_tags`; `around` wraps the
    whole application.

    A server with an extension says so: by the header `Activation-NAME: 1` in every response, by the member `name` in
    the response of `/readyz`, and by the metric `activation_NAME`. `name` has lower-case letters only.
    """

    name: str
    install: Callable[[FastAPI], None]
    around: Callable[[ASGIApp], ASGIApp] = unchanged

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header that marks every response."""
        return f"activation-{self.name}".encode(), b"1"
