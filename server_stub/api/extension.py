"""Routes that another program adds to the server."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of the server. `install` adds its routes, and its tags to `openapi_tags`.

    A server with an extension says so: by the header `Activation-NAME: 1` in every response, by the member `name` in
    the response of `/readyz`, and by the metric `activation_NAME`. `name` has lower-case letters only.
    """

    name: str
    install: Callable[[FastAPI], None]

    @property
    def header(self) -> tuple[bytes, bytes]:
        """The header that marks every response."""
        return f"activation-{self.name}".encode(), b"1"
