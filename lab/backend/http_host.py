"""The server of a simulation on a port of this machine."""

from typing import Final

from lab.backend.forwarded_addresses import ForwardedForTransport
from lab.backend.hosts import Host
from lab.world.addresses import LOOPBACK
from server_stub.admin.context import AdminContext
from server_stub.api.limits.settings import ServerLimits
from server_stub.key_repository import KeyRepository
from server_stub.server import ServerThread
from server_stub.verdicts.service import VerdictService

TRUST_LOOPBACK_PROXY: Final = ServerLimits(trusted_proxies=(LOOPBACK,))
"""Limits of a server that trusts `X-Forwarded-For` in requests from this machine."""


class HttpHost(Host):
    """Real HTTP on a port of this machine, which stays the same over restarts."""

    def __init__(self, limits: ServerLimits = TRUST_LOOPBACK_PROXY) -> None:
        super().__init__()
        self._limits = limits
        self._thread: ServerThread | None = None
        self._port = 0

    def start(
        self, service: VerdictService, repository: KeyRepository, admin: AdminContext | None = None
    ) -> None:
        """Serve from now on. Raises OSError if the port cannot be bound."""
        thread = ServerThread(
            service,
            repository=repository,
            admin=admin,
            port=self._port,
            limits=self._limits,
            request_ids=self._request_id,
        )
        self._thread = thread.start()
        self.origin = thread.origin
        self._port = int(thread.origin.rpartition(":")[2])

    def stop(self) -> None:
        """Finish the requests in progress and close the port."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def transport(self) -> ForwardedForTransport:
        """A new transport to the origin."""
        return ForwardedForTransport(self.origin)
