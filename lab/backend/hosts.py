"""Where the server of a scene is found: on a port of this machine, or in this process without a socket.

Both run the same application. A host outlives the restarts of its server, and so do the ways that it gives out.
"""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Protocol

from lab.backend.asgi_transport import InProcessTransport, Runner
from lab.world.addresses import LOOPBACK, ForwardedForTransport
from lab.world.network import UpstreamTransport
from server_stub.admin.context import AdminContext
from server_stub.api.app import create_app
from server_stub.api.limits.settings import ServerLimits
from server_stub.key_repository import KeyRepository
from server_stub.server import ServerThread
from server_stub.verdicts.service import VerdictService


@dataclass(frozen=True, slots=True)
class ServedApplication:
    """What a server serves."""

    service: VerdictService
    repository: KeyRepository
    admin: AdminContext | None = None


class Transport(UpstreamTransport, Protocol):
    """A phone's way to a server, to be closed when it is not used any more."""

    def close(self) -> None:
        """Give back the connections."""
        ...


HttpTransport = ForwardedForTransport
"""Real HTTP to an origin."""

TRUST_LOOPBACK_PROXY: Final = ServerLimits(trusted_proxies=(LOOPBACK,))
"""Of a server that believes this machine when it says for whom it asks."""


class Host(Protocol):
    """Where one server runs. `origin` is known once it has been started."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        ...

    def start(self, premises: ServedApplication) -> None:
        """Serve from now on."""
        ...

    def stop(self) -> None:
        """Be out of reach until the next start."""
        ...

    def way(self) -> Transport:
        """A new way to the server, which stays good over restarts."""
        ...


HostMaker = Callable[[], Host]


class HttpHost:
    """Real HTTP on a port of this machine, which stays the same over restarts."""

    def __init__(self) -> None:
        self._thread: ServerThread | None = None
        self._request_id = numbered()
        self._port = 0
        self._origin = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._origin

    def start(self, premises: ServedApplication) -> None:
        """Serve from now on. Raises OSError where the port cannot be had."""
        thread = ServerThread(
            premises.service,
            repository=premises.repository,
            admin=premises.admin,
            port=self._port,
            limits=TRUST_LOOPBACK_PROXY,
            request_ids=self._request_id,
        )
        self._thread = thread.start()
        self._origin = thread.origin
        self._port = int(thread.origin.rpartition(":")[2])

    def stop(self) -> None:
        """Finish what is under way and give the port back."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def way(self) -> Transport:
        """A new transport to the origin."""
        return HttpTransport(self._origin)


ORIGIN: Final = "http://in-process.example"


class InProcessHost:
    """The application called in this process, on the caller's thread: a request takes no time on any clock."""

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._request_id = numbered()

    @property
    def origin(self) -> str:
        """A name for people; nothing listens there."""
        return ORIGIN

    def start(self, premises: ServedApplication) -> None:
        """Serve from now on."""
        app = create_app(
            premises.service,
            repository=premises.repository,
            admin=premises.admin,
            request_ids=self._request_id,
        )
        self._runner = Runner(app)

    def stop(self) -> None:
        """Be out of reach until the next start."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def way(self) -> Transport:
        """A way to whatever runs here when it is used."""
        return InProcessTransport(lambda: self._runner)


def numbered() -> Callable[[], str]:
    """Numbers for requests, one after the other, so that the same seed gives the same octets."""
    numbers = count(1)
    return lambda: str(uuid.UUID(int=next(numbers)))


_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders below it are made by tempfile, with its care
_ROOM: Final = 64 * 1024 * 1024


def memory_folder() -> Path | None:
    """A file system in memory, where there is one with room: what is synced there costs nothing."""
    try:
        return _SHARED_MEMORY if shutil.disk_usage(_SHARED_MEMORY).free > _ROOM else None
    except OSError:
        return None
