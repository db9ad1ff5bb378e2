"""What the routes of `/lab/v1` need, and their place in the application."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request

from lab.api.clock import LabClock
from lab.api.worlds import Worlds
from lab.manufacturer.factory import Factory
from server_stub.signing.key_material import Secrets
from text_input.files import UserInputError

PREFIX: Final = "/lab/v1"
"""The path under which the API of the lab is served."""


class ForeignRootError(UserInputError):
    """The server trusts an attestation root that the lab did not make."""


@dataclass(frozen=True, slots=True)
class LabContext:
    """`worlds` have the seed of the manufacturer, whose devices can be attested. `processes` is how many serve."""

    worlds: Worlds
    clock: LabClock
    processes: int = 1

    @property
    def seed(self) -> str:
        """The seed of the lab."""
        return self.worlds.seed


def check_roots(secrets: Secrets, seed: str) -> None:
    """Raises ForeignRootError unless the server trusts the root of this lab only.

    Anybody with the admin token gets evidence for any device of the lab, so no other device may depend on this server.
    """
    own = Factory(seed).attestation_root
    for root in secrets.attestation_roots:
        if root != own:
            name = root.subject.rfc4514_string()
            raise ForeignRootError(
                f"the lab did not make the attestation root {name!r}; --lab serves its own only"
            )


def install(app: FastAPI, context: LabContext) -> None:
    """Store the context of the routes in `app`."""
    app.state.lab = context


def _context_of(request: Request) -> LabContext:
    context = request.app.state.lab
    assert isinstance(context, LabContext)  # noqa: S101 - the framework's type is wider
    return context


Lab = Annotated[LabContext, Depends(_context_of)]
"""The parameter `lab` of a route, which the framework provides."""
