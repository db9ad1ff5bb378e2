"""A proxy on real sockets that injects every fault of the catalogue that a network can have, by schedule and seed.

    with FaultProxy(server.origin, [NetworkFault(FaultKind.TRUNCATED)], world, Seed.of(7)) as proxy:
        device = simulation.phone("official-global", "paris", options=proxy.device_options("anna"))

The same seed, faults and requests give the same log.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from lab.fault_proxy.certificates import Certificates
from lab.fault_proxy.client_transport import ProxyTransport, unreachable_addresses
from lab.fault_proxy.http1 import (
    ForeignTargetError,
    ProxyRequest,
    UnreachableError,
    Upstream,
)
from lab.fault_proxy.injectors import InjectionContext, inject
from lab.fault_proxy.listener import (
    ANY_PORT,
    ClientConnection,
    FrontPort,
    Listener,
    PendingRequest,
    SocketAddress,
)
from lab.fault_proxy.log import ProxyLog, ReplayCache, ServedConnection
from lab.fault_proxy.schedule import FaultScheduler, NetworkFault, OutgoingRequest
from lab.handset.builder import DeviceOptions
from lab.world.clock import SkewedClock, World
from lab.world.seed import Seed
from lab.world.temporary import folder_prefix
from server_stub.faults.catalogue import IN_HANDSHAKE, FaultKind
from server_stub.faults.responses import RawResponse


class FaultProxy:
    """Runs between devices and the server at `upstream` inside its block.

    `faults` are the faults that are known beforehand, or a scheduler of them. `tls` selects whether devices speak TLS
    to the proxy, with certificates that derive from `seed`. `clock` is the clock of the server, for a skewed clock.
    `headers` returns headers that the server gets with each request. `address` is where other clients than devices are
    served, and `report` is called after each of their connections. The server gets one request at a time.
    Raises ValueError if a fault needs TLS or a clock that is not there, and OSError on entry if the address cannot be
    used.
    """

    def __init__(  # noqa: PLR0913 - the server, the faults, and what they are decided by
        self,
        upstream: str,
        faults: Iterable[NetworkFault] | FaultScheduler,
        world: World,
        seed: Seed,
        *,
        tls: bool = True,
        clock: SkewedClock | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
        address: SocketAddress = ANY_PORT,
        report: Callable[[ServedConnection], None] = lambda _: None,
    ) -> None:
        self.log = ProxyLog()
        self.upstream = upstream
        self._server = Upstream(upstream, headers)
        self._world = world
        self._seed = seed.child("hostile network")
        self._tls = tls
        self._clock = clock
        self._front_port = FrontPort(address, self._at_connect, report)
        self._responses = ReplayCache[RawResponse]()
        self._scheduling = threading.Lock()
        self._asking = threading.Lock()
        self._stack = ExitStack()
        if isinstance(faults, FaultScheduler):
            self._scheduler = faults
        else:
            random_for = cache(lambda device: self._seed.random(f"draws for {device}"))
            self._scheduler = FaultScheduler((), random_for)
            for fault in faults:
                self.add(fault)

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix=folder_prefix())))
        host = self._front_port.address[0]
        self._certificates = Certificates(self._seed, folder, host) if self._tls else None
        self._tls_context_for = cache(self._certificates.context) if self._certificates else None
        self._unreachable = self._stack.enter_context(unreachable_addresses())
        with ExitStack() as on_failure:
            on_failure.callback(self._stack.close)
            self._front = self._listener(self._front_port)
            on_failure.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def origin(self) -> str:
        """The address at which any client reaches the server through the proxy.

        Such a client is connected before its request is known, so a fault that prevents a connection is a reset
        instead, and a fault of the handshake is injected if it is the first one left. A device with a `transport` of
        the proxy gets these faults unchanged.
        """
        return self._front.origin

    @property
    def authorities(self) -> str | None:
        """The file of the authorities that a client under TLS must trust."""
        return str(self._certificates.authorities) if self._certificates else None

    def transport(self, device: str = "") -> ProxyTransport:
        """The transport of the device of this name. It is closed with the block."""
        transport = ProxyTransport(
            device, self.register_request, self._listener(), self._unreachable, self.authorities
        )
        self._stack.callback(transport.close)
        return transport

    def device_options(self, device: str) -> DeviceOptions:
        """For `Simulation.phone`: the device of this name uses the proxy, whatever server its image has."""
        transport = self.transport(device)
        return DeviceOptions(name=device, transport=lambda _: transport)

    def add(self, fault: NetworkFault) -> None:
        """Schedule one more fault. Raises ValueError if it needs TLS or a clock that is not there."""
        self._check(fault)
        with self._scheduling:
            self._scheduler.add(fault)

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """Remove the faults of `kind`, or all."""
        with self._scheduling:
            self._scheduler.clear_faults(kind)

    def register_request(self, device: str, method: str, path: str) -> PendingRequest:
        """Number a request that leaves a device, and select its fault. Raises ValueError as `add` does."""
        with self._scheduling:
            now = self._world.exact()
            repeated = self._responses.newest(device, path) is not None
            fault = self._scheduler.fault_for(OutgoingRequest(device, path, now, repeated))
            if fault is not None:
                self._check(fault)
            entry = self.log.add(device, method, path, now, fault.kind if fault else None)
        return PendingRequest(entry.number, device, fault)

    def _at_connect(self) -> PendingRequest | None:
        """The fault of a new connection, None if it depends on the request."""
        with self._scheduling:
            now = self._world.exact()
            fault = self._scheduler.fault_at_connect("", now) if self._tls else None
            if fault is None:
                return None
            return PendingRequest(self.log.add("", "", "", now, fault.kind).number, "", fault)

    def _check(self, fault: NetworkFault) -> None:
        if fault.kind in IN_HANDSHAKE and not self._tls:
            raise ValueError(f"{fault.kind} needs a proxy under TLS; open it with tls=True")
        if fault.seconds and self._clock is None:
            raise ValueError(
                "clock-skew needs the server's clock; give a SkewedClock to the server, and here"
            )

    def _listener(self, front: FrontPort | None = None) -> Listener:
        listener = Listener(self._serve, self._tls_context_for, front)
        self._stack.callback(listener.close)
        return listener

    def _serve(self, client: ClientConnection, request: ProxyRequest, pending: PendingRequest | None) -> bool:
        events = client.served.events
        try:
            request = replace(request, path=self._server.path_of(request))
        except ForeignTargetError as error:
            events.append(f"{' '.join(error.args)}: rejected, the only target is {self.upstream}")
            client.send(_FOREIGN.encoded())
            return False
        pending = pending or self.register_request("", request.method, request.path)
        outcome = str(pending.fault.kind) if pending.fault else "passed"
        if events == [outcome]:
            outcome = "reset, because the client accepted this certificate"
        try:
            stays_open = self._answer(client, request, pending)
        except UnreachableError:
            outcome = f"no answer from {self.upstream}"
            client.reset()
            return False
        except OSError:
            outcome += ", closed by the client"
            raise
        finally:
            events.append(f"{request.method} {request.path}: {outcome}")
        return stays_open

    def _answer(self, client: ClientConnection, request: ProxyRequest, pending: PendingRequest) -> bool:
        """Answer, and return whether the connection stays open. Raises UnreachableError, OSError."""
        fault, device, path = pending.fault, pending.device, request.path

        def ask() -> RawResponse:
            skewed = (
                self._clock.off_by(fault.seconds)
                if self._clock and fault and fault.seconds
                else nullcontext()
            )
            with self._asking, skewed:
                response = self._server.ask(request)
            self._responses.keep(device, path, response)
            return response

        if fault is None:
            client.send(ask().encoded())
            return False
        random = self._seed.random(f"octets {pending.number}")
        first, newest = self._responses.first(device, path), self._responses.newest(device, path)
        return inject(InjectionContext(client, fault, random, ask, first, newest))


_FOREIGN: Final = RawResponse.of(421, "text/plain", b"this proxy has one target and opens no tunnels\n")
