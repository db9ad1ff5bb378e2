"""Where the server of a simulation runs: in this process without a socket, or elsewhere (`http_host`).

Both serve the same routes to devices. A host stays usable when its server restarts, and so do the transports to it.
"""

import uuid
from abc import ABC, abstractmethod
from functools import cache
from itertools import count

from lab.backend.asgi_transport import ORIGIN, AsgiClient, InProcessTransport
from lab.backend.forwarded_addresses import ForwardedForTransport
from server_stub.admin.context import AdminContext
from server_stub.api.device_app import device_app
from server_stub.api.metrics import Metrics
from server_stub.key_repository import KeyRepository
from server_stub.verdicts.service import VerdictService

ServerTransport = ForwardedForTransport | InProcessTransport
"""How a device reaches a server: its own HTTP, or a call in this process. To be closed after use."""


class Host(ABC):
    """Runs one server. `origin` is its scheme, host and port, known once it has been started."""

    origin = ""

    def __init__(self) -> None:
        numbers = count(1)
        # Request ids count, so that the same seed gives the same bytes.
        self._request_id = lambda: str(uuid.UUID(int=next(numbers)))

    @abstractmethod
    def start(
        self, service: VerdictService, repository: KeyRepository, admin: AdminContext | None = None
    ) -> None:
        """Serve from now on."""

    @abstractmethod
    def stop(self) -> None:
        """Serve nothing until the next start."""

    @abstractmethod
    def transport(self) -> ServerTransport:
        """A new transport to the server, which stays usable over restarts."""


@cache
def _process_metrics() -> Metrics:
    """The metrics of all servers in this process, because making them takes a while. No request can read them."""
    return Metrics()


class InProcessHost(Host):
    """The device API called in this process, on the caller's thread: a request takes no time on any clock.

    Nothing outside of this process can reach the server, so it has no admin API and injects no faults of its own.
    """

    origin = ORIGIN

    def __init__(self) -> None:
        super().__init__()
        self._client: AsgiClient | None = None

    def start(
        self,
        service: VerdictService,
        repository: KeyRepository,
        admin: AdminContext | None = None,  # noqa: ARG002 - as the base class has it
    ) -> None:
        """Serve from now on, without `admin`."""
        app = device_app(
            service,
            repository=repository,
            request_ids=self._request_id,
            threads=False,
            metrics=_process_metrics(),
        )
        self._client = AsgiClient(app)

    def stop(self) -> None:
        """Serve nothing until the next start."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def transport(self) -> InProcessTransport:
        """A new transport to the server that runs here when it is used."""
        return InProcessTransport(lambda: self._client)
