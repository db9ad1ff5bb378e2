"""A manufacturer's server with its key repository, devices that pin its root, and a hostile mirror between them.

Everything goes over real HTTP on loopback. The mirror forwards requests, unless a test gives it a folder to serve as
the repository, or a response for a path.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from agent.core.screens import ScreenId, Trouble
from lab.backend.http_host import HttpHost
from lab.handset.handset import Handset
from lab.manufacturer.manufacturer import Manufacturer
from lab.manufacturer.policies import LANTERN
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.admin.context import adopt_policy
from server_stub.key_repository import KeyRepository, VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Policy
from server_stub.server import ServerThread
from server_stub.signing.signing_key import SigningKey
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService

SEED = "tuf tests"
HOUR, DAY = 3600, 24 * 3600
ALLOW_ALL = Policy.parse(LANTERN.replace("version = 1\n", "version = 99\n"), "allow-all.toml")
"""A policy that allows all devices, later than the shipped ones."""

Response = Callable[[BaseHTTPRequestHandler], None]
"""What the mirror does instead of forwarding a request."""

THIRD_KEY = SigningKey.of(Seed.of(SEED).ed25519("third verdict key"))
"""A verdict key that no repository lists at first."""


def respond_with(
    body: bytes, status: int = 200, media_type: str = "application/json", **headers: str
) -> Response:
    """Respond with `body`."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Send a body without end, until the device disconnects."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        handler.close_connection = True


@dataclass
class Mirror:
    """The server that devices connect to. `overrides` maps prefixes of paths to responses."""

    upstream: str = ""
    folder: Path | None = None
    overrides: dict[str, Response] = field(default_factory=dict)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        for prefix, respond in self.overrides.items():
            if handler.path.startswith(prefix):
                respond(handler)
                return
        if self.folder is not None and handler.path.startswith("/tuf/"):
            self._from_folder(handler, self.folder / handler.path.removeprefix("/tuf/"))
        else:
            self._pass_on(handler)

    def _from_folder(self, handler: BaseHTTPRequestHandler, path: Path) -> None:
        respond_with(path.read_bytes() if path.is_file() else b"", 200 if path.is_file() else 404)(handler)

    def _pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {
            name: handler.headers[name] for name in ("Content-Type", "Accept") if name in handler.headers
        }
        connection.request(handler.command, handler.path, body, headers)
        answer = connection.getresponse()
        respond_with(answer.read(), answer.status, answer.headers["Content-Type"])(handler)
        connection.close()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The origin while the block runs."""
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                mirror.handle(self)

            def do_POST(self) -> None:
                mirror.handle(self)

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(60)
            server.server_close()


@dataclass(frozen=True)
class VisibleState:
    """What the user of a device sees, and the code of the last failed exchange in the timeline."""

    screen: ScreenId
    trouble: Trouble | None
    code: str | None


@dataclass
class TufEnvironment:
    """One manufacturer, its running server, the mirror, and devices. Copies of the repository are below `folder`."""

    folder: Path
    world: World
    mirror: Mirror
    simulation: Simulation
    stack: ExitStack
    store: SqlStore = field(default_factory=SqlStore)
    random: Random = field(default_factory=lambda: Seed.of(SEED).random("server"))

    @property
    def manufacturer(self) -> Manufacturer:
        return self.simulation.manufacturer

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """The server's keys: one that is not listed yet, and two that are."""
        return (THIRD_KEY, *self.manufacturer.secrets.signing_keys)

    def files(self, store: SqlStore | None = None) -> dict[str, bytes]:
        """The published files, by their paths below `/tuf/`."""
        with (store or self.store).reading() as reading:
            return reading.repository_files()

    def serve(self, policy: Policy | None = None, *, signer: SigningKey | None = None) -> KeyRepository:
        """Start the server, or restart it on its store. `signer` signs, whatever is published."""
        self.stop()
        keys = self.manufacturer.secrets.signing_keys
        repository = self.manufacturer.ceremony.open(self.store, keys, self.world.now)
        listed = VerdictSigner(self.keys, repository.keys, self.world.now)
        service = VerdictService(
            secrets=self.manufacturer.secrets,
            policy=policy or shipped(),
            store=self.store,
            issuer=self.manufacturer.issuer,
            audience=self.manufacturer.audience,
            clock=self.world.now,
            random=self.random.randbytes,
            key=listed.key if signer is None else lambda _: signer,
        )
        if policy is not None:
            adopt_policy(service, policy)  # another policy may be in force in the store
        self.mirror.upstream = self.stack.enter_context(ServerThread(service, repository=repository)).origin
        return repository

    def stop(self) -> None:
        """Stop the server."""
        self.stack.close()

    def phone(self, place: str = "havana") -> Handset:
        """A device of the manufacturer after its setup."""
        phone = self.simulation.phone("official-global", place)
        phone.power_on()
        phone.walk_setup()
        return phone

    def copy(self, name: str, store: SqlStore | None = None) -> Path:
        """A copy of the current repository, or of that in `store`, for an attacker to serve."""
        return write_files(self.folder / name, self.files(store))


@contextmanager
def open_environment(path: Path) -> Iterator[TufEnvironment]:
    """An environment with a running server, below the folder `path`."""
    world, mirror = World(), Mirror()
    with (
        mirror.serving() as origin,
        Simulation(SEED, url=origin, world=world, host=HttpHost) as simulation,
        ExitStack() as stack,
    ):
        made = TufEnvironment(path, world, mirror, simulation, stack)
        made.serve()
        yield made


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files of a repository below `folder`, and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def visible_state(phone: Handset) -> VisibleState:
    """What the user sees now."""
    now = phone.display.current
    assert now is not None
    codes = [entry.detail.get("code") for entry in phone.timeline.entries if entry.what == "failed"]
    return VisibleState(now.screen, now.facts.trouble, codes[-1] if codes else None)


def fetched_files(phone: Handset) -> list[str]:
    """The files of the repository that the device requested, in order."""
    return [request.path.rsplit("/", 1)[-1] for request in phone.network.requests if request.method == "GET"]


def verdict_request_count(phone: Handset) -> int:
    """The number of requests with evidence."""
    return sum(request.path == "/v1/verdicts" for request in phone.network.requests)
