"""Runs the verdict server: on the main thread, or on a separate thread for the lab and tests."""

import errno
import math
import os
import secrets as entropy
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from queue import SimpleQueue
from ssl import SSLContext
from threading import Event, Lock, Thread
from typing import Any, Final, Self, Unpack

import uvicorn
from fastapi import FastAPI

from server_stub.admin.context import AdminContext
from server_stub.admin.retention import Retention
from server_stub.api.app import create_app
from server_stub.api.device_app import AppOptions
from server_stub.api.limits.connections import ConnectionCounter, protocol
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.retention import BackgroundPruning
from server_stub.clock import HostClock
from server_stub.configuration import Configuration
from server_stub.signing.key_material import Secrets
from server_stub.signing.signing_key import SigningKey
from server_stub.store.reading import Reading
from server_stub.store.transaction import Store
from server_stub.verdicts.service import VerdictService

_START_SECONDS: Final = 20
_STOP_SECONDS: Final = 10


def system_clock() -> int:
    """Seconds since the epoch by the clock of the machine."""
    return int(HostClock().read().wall)


def build_service(  # noqa: PLR0913 - what VerdictService takes, with defaults
    configuration: Configuration,
    secrets: Secrets,
    store: Store,
    *,
    issuer: str,
    audience: str,
    clock: Callable[[], int] = system_clock,
    unchecked_clock: Callable[[], int] | None = None,
    random: Callable[[int], bytes] = entropy.token_bytes,
    key: Callable[[Reading], SigningKey] | None = None,
) -> VerdictService:
    """The service that `configuration` describes. `key`, if given, selects the key that signs.

    Raises ValueError if no key has the algorithm.
    """
    return VerdictService(
        secrets=replace(
            secrets.signing_by(configuration.settings.algorithm), statuses=configuration.statuses
        ),
        policy=configuration.policy,
        store=store,
        issuer=issuer,
        audience=audience,
        clock=clock,
        unchecked_clock=unchecked_clock,
        random=random,
        key=key,
        country_of=configuration.country_of,
        deviations=configuration.settings.attestation_deviations,
    )


def run(  # noqa: PLR0913 - the service, its socket, and what else is served
    service: VerdictService,
    listener: socket.socket,
    announce: Callable[[], None],
    *,
    admin: AdminContext | None = None,
    keep_days: int | None = None,
    tls: Callable[[], SSLContext] | None = None,
    reload: Callable[[LimitsInForce], None] | None = None,
    **options: Unpack[AppOptions],
) -> None:
    """Serve on `listener`, and close it, until SIGINT or SIGTERM, then finish the accepted requests.

    The application is that of `create_app` with `admin` and `options`. Prunes records older than
    `keep_days` by the clock of the machine, whatever the clock of `service`; without it, none. `tls` returns the
    context of each new connection; without it, the server speaks plain HTTP. SIGHUP calls `reload`. Calls `announce`
    when the server is ready. The caller closes the store and the repository.
    """
    with listener:
        service.warm_up()
        app = create_app(service, admin=admin, **options)
        server = _server(app, announce, tls)
        with ExitStack() as stack:
            if keep_days is not None:
                clock = admin.clock_admin if admin else None
                pruning = BackgroundPruning(
                    Retention(service.store, keep_days),
                    app.state.metrics,
                    lambda: clock is not None and clock.guard.fault is not None,
                )
                stack.enter_context(pruning)
            _serve_until_signal(server, listener, reload)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 selects a free port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only if the protocol is given; with it, each response takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    except UnicodeError as error:
        listener.close()
        raise OSError(errno.EINVAL, "this is no name of a host") from error
    return listener


def origin(listener: socket.socket, scheme: str = "http") -> str:
    """The origin of `listener` for clients."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class ServerThread:
    """Serves `service` over real HTTP on a free port while the block runs, by `create_app` with `admin` and `options`.

    `origin` has scheme, host and port; `limits` are those in force.

    >>> with ServerThread(service) as server:  # doctest: +SKIP
    ...     requests.get(server.origin + "/healthz")
    """

    def __init__(
        self,
        service: VerdictService,
        *,
        admin: AdminContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Callable[[], SSLContext] | None = None,
        **options: Unpack[AppOptions],
    ) -> None:
        self._listener = listen(host, port)
        self._started = Event()
        service.warm_up()
        app = create_app(service, admin=admin, **options)
        self._server = _server(app, self._started.set, tls)
        self.origin: Final = origin(self._listener, "https" if tls else "http")
        self.limits: Final[LimitsInForce] = app.state.limits
        self._thread = Thread(
            target=self._server.run, args=([self._listener],), name="verdict-server", daemon=True
        )

    def start(self) -> Self:
        """Start, and return when the server is ready. Raises RuntimeError if that takes too long."""
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise RuntimeError(f"the server did not start within {_START_SECONDS} s")
        return self

    def stop(self) -> None:
        """Finish the accepted requests and close the port."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Calls `started` when it is ready."""

    def __init__(self, config: uvicorn.Config, limits: LimitsInForce, started: Callable[[], None]) -> None:
        super().__init__(config)
        self.limits: Final = limits
        self._on_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.timeout_graceful_shutdown = math.ceil(self.limits.values.grace_seconds)
        await super().shutdown(sockets)


def _serve_until_signal(
    server: _Server, listener: socket.socket, reload: Callable[[LimitsInForce], None] | None
) -> None:
    """Run `server` on a daemon thread until SIGINT or SIGTERM, and `reload` on another at each SIGHUP.

    If the terminal of this process was closed, SIGHUP is the end instead.
    """
    of_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and has_terminal()
    hangups, ended, turn = SimpleQueue[signal.Signals | None](), Event(), Lock()
    handlers: dict[signal.Signals, Any] = dict.fromkeys((signal.SIGINT, signal.SIGTERM), server.handle_exit)
    if reload is not None:
        handlers[signal.SIGHUP] = lambda *_: hangups.put(signal.SIGHUP)

    def serve() -> None:
        # This thread and its workers leave the signals to the main thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
        try:
            server.run([listener])
            ended.set()
        finally:
            hangups.put(None)

    def reload_in_turn(reload: Callable[[LimitsInForce], None]) -> None:
        with turn:
            reload(server.limits)

    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        Thread(target=serve, name="verdict-server", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
        while hangups.get() is not None:
            if of_terminal and not has_terminal():
                server.should_exit = True
            elif reload is not None:
                # Its own thread, since the database may not respond. Python prints an error of a thread.
                Thread(target=reload_in_turn, args=(reload,), name="reload", daemon=True).start()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not ended.is_set():
        raise RuntimeError("the server ended by an error")


@contextmanager
def hangups_held() -> Iterator[None]:
    """SIGHUP in this block stays pending until it has a handler: before, it would end the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def has_terminal() -> bool:
    """Whether this process has a terminal that is open. One that was started by `nohup` or systemd has none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _server(
    app: FastAPI,
    started: Callable[[], None],
    tls: Callable[[], SSLContext] | None = None,
) -> _Server:
    return _Server(uvicorn_config(app, tls), app.state.limits, started)


def uvicorn_config(app: FastAPI, tls: Callable[[], SSLContext] | None = None) -> uvicorn.Config:
    """How uvicorn serves `app`, which `create_app` made."""
    limits: LimitsInForce = app.state.limits
    proxies = limits.values.trusted_proxies
    return uvicorn.Config(
        app,
        http=protocol(ConnectionCounter(limits, app.state.metrics, app.state.headers), tls),  # type: ignore[arg-type] # makes protocols
        ws="none",
        access_log=False,
        # uvicorn logs tracebacks of internal errors, whose message may quote what a device sent.
        log_config=None,
        log_level="critical",
        server_header=False,
        # By default uvicorn would trust any proxy on this machine; only the configured proxies are trusted.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        lifespan="off",
        workers=1,  # otherwise uvicorn reads WEB_CONCURRENCY
    )
