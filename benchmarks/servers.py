"""Servers for measurements: `activation serve` in processes of its own, and the service in this one."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.phones import MANUFACTURER
from lab.load.load import LoadOptions, LoadTest
from lab.load.report import LoadReport
from server_stub.configuration import Configuration
from server_stub.server import build_service, system_clock
from server_stub.settings_sources import LoadedSettings
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService

_SERVE: Final = "from lab.cli.main import app; app()"
_RATES: Final = ("--rate-per-address", "off", "--rate-per-device", "off", "--rate-operations", "off")
_STOP_SECONDS: Final = 20


@contextmanager
def serving(database: str, *options: str, before: str = "") -> Iterator[str]:
    """Run `activation serve` on `database` without rates, and yield its origin.

    `before` are statements that its process runs first.
    """
    words = ["serve", "--port", "0", "--db", database, *_RATES, *options]
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", before + _SERVE, *words]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
        ) as process:
            assert process.stdout is not None
            try:
                line = process.stdout.readline()
                if (found := re.search(r"http://\S+", line)) is None:
                    raise RuntimeError(f"the server did not start: {line}")
                yield found[0]
            finally:
                process.terminate()
                process.wait(_STOP_SECONDS)


def loaded(
    origins: Mapping[str, str], options: LoadOptions, rounds: int
) -> Iterator[Mapping[str, LoadReport]]:
    """Measure these servers in turns, and yield the reports of each round by the name of the server.

    Raises RuntimeError if anything else than verdicts came back.
    """
    with ExitStack() as stack:
        tests = {
            name: stack.enter_context(closing(LoadTest(origin, options))) for name, origin in origins.items()
        }
        for test in tests.values():
            test.warm_up()
        for turn in range(rounds):
            order = list(tests.items())[:: -1 if turn % 2 else 1]
            yield {name: _measured(test) for name, test in order}


def _measured(test: LoadTest) -> LoadReport:
    for step in test.prepare(), test.measure():
        for _ in step:
            pass
    report = test.report()
    if not report.passed:
        raise RuntimeError(f"other responses than verdicts: {report.as_json()}")
    return report


def verdict_service(store: SqlStore, clock: Callable[[], int] = system_clock) -> VerdictService:
    """The service of the benchmark's manufacturer, with default settings."""
    return build_service(
        Configuration.load(LoadedSettings()),
        MANUFACTURER.secrets,
        store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=clock,
    )
