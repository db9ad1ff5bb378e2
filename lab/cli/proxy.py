"""`activation proxy`."""

import ipaddress
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from server_stub.faults.catalogue import IN_HANDSHAKE, NO_CONNECTION, PROXY_KINDS, SERVER_ONLY, FaultKind
from text_input.printable import json_text

with deferred():
    from lab.fault_proxy import client_transport, proxy, schedule
    from lab.world import clock
    from lab.world import seed as seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.fault_proxy.log import ServedConnection

_DEFAULT: Final = "127.0.0.1:8022"
_LOG_MOST: Final = 100
KINDS: Final = [kind.value for kind in PROXY_KINDS if kind not in {FaultKind.PARTITION, FaultKind.CLOCK_SKEW}]
"""A partition is `no-route` for a time; a skewed clock needs the server's."""


def run_proxy(
    to: Annotated[str, typer.Option(help="The server: http://host:port. Its only target.")],
    fault: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Inject this fault; several take turns.")
    ] = None,
    listen: Annotated[str, typer.Option(help="Address and port to listen on; port 0 is any.")] = _DEFAULT,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen on an address that other machines reach.")
    ] = False,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS to clients; the faults tls-… always do.")
    ] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Inject each fault at most so often.")] = None,
    probability: Annotated[
        float | None, typer.Option(help="Of each injection, above 0 and at most 1.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Selects random bytes, draws and certificates.")] = "2021",
    json: Json = False,
) -> None:
    """Run a proxy that injects network faults before a server, until it is interrupted.

    It prints a line for each connection. Each connection carries one request. All kinds, and what a client should do:
    docs/developers/faults.md.

    \b
    Example:
      activation proxy --to http://127.0.0.1:8021 --fault slow-drip --fault reset --count 3
    """
    for name in fault or []:
        if name in SERVER_ONLY:
            output.exit_with_error(f"{name} is a fault of the server; use activation admin faults add {name}")
    kinds = [FaultKind(output.known_name(name, KINDS, "fault of the proxy")) for name in fault or []]
    address = _address(listen, allow_remote=allow_remote)
    output.check_origin(to)
    if probability is not None and not 0 < probability <= 1:
        output.exit_with_error(f"--probability is above 0 and at most 1, not {probability}")
    interrupted, connections = _interruption(), _Connections(to, as_json=json)
    unconnected = next((kind for kind in kinds if kind in NO_CONNECTION), None)
    try:
        if unconnected is None:
            when = schedule.FaultSchedule(times=count, probability=probability)
            faults = [schedule.NetworkFault(kind, when) for kind in kinds]
            _forward(connections, faults, address, seeds.Seed.of(seed), interrupted, tls=tls)
        elif len(kinds) > 1 or count is not None or probability is not None:
            output.exit_with_error(
                f"{unconnected} affects every connection; give it without other faults, --count and --probability"
            )
        else:
            with client_transport.unreachable_addresses({unconnected: address}) as nowhere:
                connections.announce(
                    f"http://{nowhere[unconnected]}", f"Every connection fails: {unconnected}."
                )
                interrupted.wait()
    except OSError as error:
        output.exit_with_error(
            f"cannot listen on {listen}: {error.strerror}; choose another --listen", output.ENVIRONMENT
        )


def _forward(
    connections: "_Connections",
    faults: "Sequence[schedule.NetworkFault]",
    address: tuple[str, int],
    seed: "seeds.Seed",
    interrupted: threading.Event,
    *,
    tls: bool,
) -> None:
    """Inject `faults` in turn until interrupted. Raises OSError if the address cannot be used."""
    draws = seed.random("draws")
    scheduler = schedule.FaultScheduler(faults, lambda _: draws, in_turn=True)
    secure = tls or any(fault.kind in IN_HANDSHAKE for fault in faults)
    with proxy.FaultProxy(
        connections.to,
        scheduler,
        clock.World(),
        seed,
        tls=secure,
        address=address,
        report=connections.report,
    ) as running:
        running.log.most = _LOG_MOST
        trust = f"It must trust {running.authorities}" if running.authorities else ""
        connections.announce(running.origin, trust)
        interrupted.wait()
    connections.summarize()


class _Connections:
    """Prints a line for each connection. `report` is called by several threads."""

    def __init__(self, to: str, *, as_json: bool) -> None:
        self.to = to
        self._json = as_json
        self._lock = threading.Lock()
        self._number = 0
        self._outcomes = Counter[str]()

    def announce(self, origin: str, note: str) -> None:
        """Say which address to give to a client."""
        as_json = {"listens": origin, "to": self.to, "note": note or None}
        self._say(as_json, f"Give your client {origin} in place of {self.to}. {note}".rstrip())

    def report(self, served: "ServedConnection") -> None:
        """Print and count a connection that has ended."""
        with self._lock:
            self._number += 1
            self._outcomes.update(each.rpartition(": ")[2].partition(",")[0] for each in served.events)
            as_json = {"number": self._number, "client": served.client, "requests": served.events}
            self._say(as_json, f"{self._number} {served.client} {'; '.join(served.events) or 'no request'}")

    def summarize(self) -> None:
        """Print how many connections there were, and the number of each outcome."""
        with self._lock:
            outcomes = ", ".join(f"{name} {times}" for name, times in sorted(self._outcomes.items()))
            as_json = {"connections": self._number, "outcomes": self._outcomes}
            self._say(as_json, f"Connections: {self._number}. {outcomes}".rstrip())

    def _say(self, value: Any, text: str) -> None:
        output.say(json_text(value) if self._json else text)


def _interruption() -> threading.Event:
    """Is set at SIGINT and SIGTERM, from now on."""
    interrupted = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: interrupted.set())
    return interrupted


def _address(text: str, *, allow_remote: bool) -> tuple[str, int]:
    """Host and port of `--listen`. Exits with an error for a name, and for an address beyond loopback."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(host)
        number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 65536
    except ValueError:
        address, number = ipaddress.ip_address("127.0.0.1"), 65536
    if number > 65535:
        output.exit_with_error(f"--listen {text} is no address and port; write 127.0.0.1:8022 or [::1]:8022")
    if not address.is_loopback and not allow_remote:
        output.exit_with_error(
            f"other machines may reach {host}, and the proxy has no access control; "
            "choose 127.0.0.1, or add --allow-remote"
        )
    return str(address), number
