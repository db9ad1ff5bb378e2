"""Worlds: servers of their own inside a server of the lab, each with records, keys, policy and clock of its own.

Only a request that names a world by `Activation-Lab-World` reaches it; every other request reaches the server itself,
which no world changes. The name has 128 random bits and is given to the operator who made the world.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final, Never

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.api.world_time import CLOCK_HEADER, WORLD_HEADER, WorldTime
from lab.backend.hosts import Host
from lab.backend.managed_server import LabServer, ServerIdentity
from lab.backend.records import ReplaceableRecords
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.clock import MachineClock, World
from lab.world.temporary import folder_prefix, memory_folder
from server_stub.admin.context import AdminContext
from server_stub.api.app import create_app
from server_stub.api.device_app import new_uuid
from server_stub.api.extension import Extension
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.logs import Log
from server_stub.api.problems import ApiError, refusal
from server_stub.key_repository import KeyRepository
from server_stub.policy.policy import Policy
from server_stub.signing import Algorithm
from server_stub.store.records import StoreUnavailableError
from server_stub.verdicts.service import VerdictService
from wire.codes import ProblemCode

WORLDS_MAX: Final = 16
IDLE_SECONDS: Final = 300
"""A world without a request for so long is removed when another one is made."""
BACKUPS_MAX: Final = 16


class TooManyError(Exception):
    """There are too many worlds, or too many backups of one."""


class _MountedHost(Host):
    """The application of a server, called by the application that it is mounted on."""

    def __init__(self, limits: ServerLimits, log: Log | None) -> None:
        super().__init__()
        self._limits = limits
        self._log = log
        self.app: FastAPI | None = None

    def start(
        self, service: VerdictService, repository: KeyRepository, admin: AdminContext | None = None
    ) -> None:
        """Serve from now on."""
        self.app = create_app(
            service,
            repository=repository,
            admin=admin,
            log=self._log,
            request_ids=new_uuid,
            limits=self._limits,
            extension=Extension("lab", lambda _: None),
        )

    def stop(self) -> None:
        """Serve nothing until the next start."""
        self.app = None

    def transport(self) -> Never:
        """Raises TypeError: it is reached through the server that it is mounted on."""
        raise TypeError("a mounted server has no transport of its own")


class IsolatedWorld:
    """One world. `token` is the hash of the token of its admin API. Its operations wait for each other."""

    def __init__(  # noqa: PLR0913 - each is a separate part
        self,
        identity: ServerIdentity,
        began: WorldTime,
        host: _MountedHost,
        *,
        token: str | None,
        folder: Path,
        records: ReplaceableRecords | None,
    ) -> None:
        self._world = World(int(began.now))
        self._machine = MachineClock(self._world, began.ahead)
        self._skew = began.skew
        self._token = token
        self._host = host
        self._backups: list[bytes] = []
        self._lock = Lock()
        self.used = time.monotonic()
        self.set_time(began)
        self._server = LabServer(
            identity,
            folder,
            self._machine,
            secrets.token_bytes,
            host,
            skew=lambda: self._skew,
            records=records,
        )
        self._adopt_token()

    @property
    def app(self) -> ASGIApp | None:
        """Its application; None while it restarts."""
        return self._host.app

    def set_time(self, at: WorldTime) -> None:
        """Set the clocks. An earlier true time changes nothing of it."""
        self._world.wait(max(0.0, at.now - self._world.exact()))
        self._machine.ahead, self._skew = at.ahead, at.skew

    def restart(self) -> None:
        """Stop and start the server on its records."""
        with self._lock:
            self._server.restart()

    def back_up(self) -> int:
        """Copy the records and return the number of the copy. Raises TooManyError."""
        with self._lock:
            if len(self._backups) >= BACKUPS_MAX:
                raise TooManyError(f"a world has {BACKUPS_MAX} backups at most")
            self._backups.append(self._server.backup())
            return len(self._backups) - 1

    def restore(self, backup: int | None) -> None:
        """Continue with the records of a backup, or without any. Raises IndexError if there is no such backup."""
        with self._lock:
            self._server.restore(None if backup is None else self._backups[backup])
            self._adopt_token()

    def close(self) -> None:
        """Stop the server and delete its records, also if they can no longer be written."""
        with self._lock, suppress(StoreUnavailableError):
            self._server.stop()

    def _adopt_token(self) -> None:
        if self._token is not None:
            with self._server.parts.store.transaction() as transaction:
                transaction.set_admin_token_hash(self._token)


def without_rates(limits: ServerLimits) -> ServerLimits:
    """For worlds, in which time passes faster than for the rates of a server."""
    return replace(
        limits,
        rate_per_address=None,
        rate_operations=None,
        rate_admin=None,
        rate_per_device=None,
        rate_unattested=None,
    )


@dataclass
class Worlds:
    """The worlds of one server, whose keys derive from `seed`. Close them with it.

    `records` makes a place for the records of a world, None for a file in its folder. `limits` are those of the server.
    """

    seed: str
    records: Callable[[], ReplaceableRecords | None] = lambda: None
    limits: ServerLimits = field(default_factory=ServerLimits)
    log: Log | None = None

    def __post_init__(self) -> None:
        self.manufacturer = Manufacturer(self.seed)
        self._worlds: dict[str, tuple[IsolatedWorld, ExitStack]] = {}
        self._lock = Lock()

    def make(self, policy: Policy, algorithm: Algorithm, began: WorldTime, token: str | None) -> str:
        """The name of a new world. Raises TooManyError."""
        with self._lock:
            for name, (world, _) in list(self._worlds.items()):
                if time.monotonic() - world.used > IDLE_SECONDS:
                    self._remove(name)
            if len(self._worlds) >= WORLDS_MAX:
                raise TooManyError(f"a server has {WORLDS_MAX} worlds at most; remove one")
            name = secrets.token_hex(16)
            with ExitStack() as stack:
                folder = stack.enter_context(TemporaryDirectory(prefix=folder_prefix(), dir=memory_folder()))
                maker = self.manufacturer
                identity = ServerIdentity(maker, maker.issuer, maker.audience, policy, algorithm)
                host = _MountedHost(self.limits, self.log)
                world = IsolatedWorld(
                    identity, began, host, token=token, folder=Path(folder), records=self.records()
                )
                stack.callback(world.close)
                self._worlds[name] = world, stack.pop_all()
            return name

    def world(self, name: str) -> IsolatedWorld | None:
        """The world of this name, which is used now."""
        if name not in self._worlds:
            return None
        world, _ = self._worlds[name]
        world.used = time.monotonic()
        return world

    def remove(self, name: str) -> None:
        """Remove a world, if it exists."""
        with self._lock:
            self._remove(name)

    def close(self) -> None:
        """Remove all worlds."""
        with self._lock:
            for name in list(self._worlds):
                self._remove(name)

    def _remove(self, name: str) -> None:
        if name in self._worlds:
            _, stack = self._worlds.pop(name)
            stack.close()


class WorldRouter:
    """ASGI middleware around the whole server: passes a request that names a world to it."""

    def __init__(self, app: ASGIApp, *, worlds: Worlds, operations: str, header: tuple[bytes, bytes]) -> None:
        self._app = app
        self._worlds = worlds
        self._operations = operations
        self._header = header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. One for a world that does not exist is rejected."""
        name = _header(scope, WORLD_HEADER)
        if name is None or scope["path"].startswith(self._operations):
            await self._app(scope, receive, send)
            return
        try:
            app = self._chosen(name, _header(scope, CLOCK_HEADER))
        except ApiError as error:
            request = Request(scope)
            request.state.request_id = new_uuid()
            response = refusal(request, error)
            response.raw_headers.append(self._header)
            await response(scope, receive, send)
            return
        await app(scope, receive, send)

    def _chosen(self, name: str, clock: str | None) -> ASGIApp:
        """The application of a world, after its clock was set. Raises ApiError."""
        world = self._worlds.world(name)
        if world is None:
            detail = f"this server has no world of this name; leave {WORLD_HEADER} out, or make a world"
            raise ApiError(404, ProblemCode.NOT_FOUND, detail)
        try:
            if clock is not None:
                world.set_time(WorldTime.parse(clock))
        except ValueError as error:
            raise ApiError(400, ProblemCode.REQUEST_MALFORMED, str(error)) from error
        if world.app is None:
            raise ApiError(503, ProblemCode.UNAVAILABLE, "this world restarts")
        return world.app


def _header(scope: Scope, name: str) -> str | None:
    if scope["type"] != "http":
        return None
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == wanted), None)
