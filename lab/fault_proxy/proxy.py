"""A proxy on real sockets that hurts what goes through it: every fault of `lab.fault_proxy.faults`, scheduled, seeded.

    with HostileProxy(server.origin, [Fault(FaultKind.TRUNCATED, Schedule(nth=2))], world, Seed.of(7)) as network:
        phone = scene.phone("official-global", "paris", options=network.fit("anna"))

The same seed, faults and requests give the same journal.
"""

import threading
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, Self

from lab.fault_proxy.certificates import Certificates
from lab.fault_proxy.client_connection import ClientConnection
from lab.fault_proxy.client_transport import ProxyTransport
from lab.fault_proxy.faults import IN_HANDSHAKE, FaultKind
from lab.fault_proxy.http1 import Reply, Request
from lab.fault_proxy.injectors import InjectionContext, inject
from lab.fault_proxy.listener import Expected, Listener
from lab.fault_proxy.log import ProxyLog
from lab.fault_proxy.replay_cache import Memory
from lab.fault_proxy.schedule import Fault, FaultScheduler, OutgoingRequest
from lab.fault_proxy.skewed_clock import ServerClock
from lab.fault_proxy.unreachable import UnreachableAddresses
from lab.fault_proxy.upstream import UnreachableError, Upstream
from lab.handset.options import DeviceOptions
from lab.world.clock import World
from lab.world.seed import Seed


class FaultSource(Protocol):
    """Decides what befalls each request; it is asked once for each."""

    def fault_for(self, asked: OutgoingRequest) -> Fault | None:
        """The fault that befalls a request, None where nothing does."""
        ...


class HostileProxy:
    """Between phones and the server at `upstream`, while the block runs.

    `faults` are those that are known beforehand, or whoever decides instead. `tls` says whether phones speak TLS to
    it, with certificates that derive from `seed`. `clock` is the one that the server was given, for a skewed clock.
    The server gets one request at a time. Raises ValueError where a fault needs what is not there.
    """

    def __init__(  # noqa: PLR0913 - what is between, what happens, and what it is decided by
        self,
        upstream: str,
        faults: Iterable[Fault] | FaultSource,
        world: World,
        seed: Seed,
        *,
        tls: bool = True,
        clock: ServerClock | None = None,
    ) -> None:
        self.journal = ProxyLog()
        self._upstream = Upstream(upstream)
        self._world = world
        self._seed = seed.child("hostile network")
        self._tls = tls
        self._clock = clock
        self._memory = Memory()
        self._deciding = threading.Lock()
        self._asking = threading.Lock()
        self._stack = ExitStack()
        self._fates = FaultScheduler((), self._seed)
        self._decider: FaultSource = self._fates
        if isinstance(faults, Iterable):
            for fault in faults:
                self.add(fault)
        else:
            self._decider = faults

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="activation-hostile-")))
        self._certificates = Certificates(self._seed, folder) if self._tls else None
        self._dead_ends = UnreachableAddresses()
        self._stack.callback(self._dead_ends.close)
        self._front = self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def origin(self) -> str:
        """Where any client finds the server through this network.

        A client that comes by itself has a connection before it is known what it asks for, so what would have kept
        it from one is a reset instead. A phone with a `way` meets those as they are.
        """
        return self._front.origin

    @property
    def upstream(self) -> str:
        """The origin of the server behind it."""
        return self._upstream.origin

    @property
    def authorities(self) -> str | None:
        """The file of authorities that a client under TLS must trust."""
        return str(self._certificates.authorities) if self._certificates else None

    def way(self, phone: str = "") -> ProxyTransport:
        """The way of the phone of this name to the server. It ends with the block."""
        way = ProxyTransport(phone, self, self._line(), self._dead_ends, self.authorities)
        self._stack.callback(way.close)
        return way

    def device_options(self, phone: str) -> DeviceOptions:
        """For `Simulation.phone`: the phone of this name goes this way, whatever way its image would go."""
        way = self.way(phone)
        return DeviceOptions(name=phone, way=lambda _: way)

    def add(self, fault: Fault) -> None:
        """Let one more fault happen. Raises ValueError where it needs what is not there."""
        self._check(fault)
        with self._deciding:
            self._fates.add(fault)

    def clear_faults(self, kind: FaultKind | None = None) -> None:
        """Let faults of `kind`, or all, happen no more."""
        with self._deciding:
            self._fates.clear_faults(kind)

    def register_request(self, phone: str, method: str, path: str) -> Expected:
        """A request leaves a phone: number it, and decide what befalls it. Raises ValueError as `add` does."""
        with self._deciding:
            now = self._world.exact()
            again = self._memory.newest(phone, path) is not None
            fault = self._decider.fault_for(OutgoingRequest(phone, path, now, again))
            if fault is not None:
                self._check(fault)
            crossing = self.journal.note(phone, method, path, now, fault.kind if fault else None)
        return Expected(crossing.number, phone, fault)

    def _check(self, fault: Fault) -> None:
        if fault.kind in IN_HANDSHAKE and not self._tls:
            raise ValueError(f"{fault.kind} needs a network under TLS; open it with tls=True")
        if fault.kind is FaultKind.CLOCK_SKEW and self._clock is None:
            raise ValueError(
                "clock-skew needs the server's clock; give a ServerClock to the server, and here"
            )

    def _line(self) -> Listener:
        line = Listener(self._serve, self._certificates.context if self._certificates else None)
        self._stack.callback(line.close)
        return line

    def _serve(self, caller: ClientConnection, request: Request, expected: Expected | None) -> bool:
        expected = expected or self.register_request("", request.method, request.path)
        try:
            if expected.fault is None:
                caller.send(self._ask(request, expected, 0).encoded())
                return False
            return inject(self._case(caller, request, expected, expected.fault))
        except UnreachableError:
            caller.reset()
            return False

    def _case(
        self, caller: ClientConnection, request: Request, expected: Expected, fault: Fault
    ) -> InjectionContext:
        return InjectionContext(
            caller,
            fault,
            self._seed.random(f"octets {expected.number}"),
            lambda seconds: self._ask(request, expected, seconds),
            self._memory.first(expected.phone, request.path),
            self._memory.newest(expected.phone, request.path),
        )

    def _ask(self, request: Request, expected: Expected, seconds: int) -> Reply:
        """The server's answer, its clock off by `seconds`. Raises UnreachableError."""
        skewed = self._clock.off_by(seconds) if self._clock and seconds else nullcontext()
        with self._asking, skewed:
            reply = self._upstream.ask(request)
        self._memory.keep(expected.phone, request.path, reply)
        return reply
