"""`activation load`."""

import math
import signal
from collections import deque
from contextlib import closing
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    from lab.handset import numbered_device
    from lab.load import connections as kept
    from lab.load import load as loads


def load(
    server: Annotated[str, typer.Option(help="URL of the verdict server.")] = "http://127.0.0.1:8021",
    devices: Annotated[int, typer.Option(min=1, help="Devices that send evidence, in turn.")] = 1000,
    connections: Annotated[
        int, typer.Option(min=1, max=10_000, help="Kept connections, each with one request in flight.")
    ] = 16,
    duration: Annotated[float, typer.Option(metavar="SECONDS", help="How long to measure.")] = 10,
    seed: Annotated[str, typer.Option(help="Selects the devices; the server's seed.")] = "2021",
    json: Json = False,
) -> None:
    """Load a verdict server with attested evidence; measure rate, latency, errors, and what a verdict costs the server.

    Evidence is prepared before the measurement, after a warm-up that shows how much is needed. The server's processor
    time is from its /metrics. It is compared with that of two ES256 verifications and one Ed25519 signature, which are
    timed here: run both on one machine. Exit code 1 if there was no verdict, or anything else than verdicts.

    \b
    Example:
      activation serve --rate-per-address off --rate-per-device off
      activation load --devices 1000 --connections 16 --duration 10
    """
    if not 0 < duration < math.inf:
        output.exit_with_error(f"--duration is a number of seconds above 0, not {duration:g}")
    if devices > (most := numbered_device.DEVICES_MAX):
        output.exit_with_error(f"--devices is at most {most}, not {devices}")
    output.check_origin(server)
    output.check_server(server)
    options = loads.LoadOptions(devices, connections, duration, seed)
    interrupted = False
    with closing(loads.LoadTest(server.rstrip("/"), options)) as test:
        try:
            output.note(f"preparing evidence of {devices:,} devices …")
            test.warm_up()
            deque(output.progress(test.prepare(), "preparing evidence", test.wanted), maxlen=0)
            output.note(f"measuring for {duration:g} s …")
            with closing(test.measure()) as ticks:
                try:
                    deque(output.progress(ticks, "measuring", math.ceil(duration / kept.TICK)), maxlen=0)
                except KeyboardInterrupt:
                    interrupted = True
        except loads.LoadError as error:
            output.exit_with_error(f"cannot load {server}: {error}", output.ENVIRONMENT)
        report = test.report()
    output.result(report.as_json(), report.table(), *report.notes, json=json)
    if interrupted:
        raise typer.Exit(128 + signal.SIGINT)
    if not report.passed:
        raise typer.Exit(output.CHECK_FAILED)
