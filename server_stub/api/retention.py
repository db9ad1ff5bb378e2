"""Pruning in the background of a server: short transactions with pauses, so that verdicts do not wait."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final, Self

from server_stub.admin.retention import Retention
from server_stub.api.metrics import Metrics
from server_stub.store.records import RecordKind, StoreUnavailableError
from server_stub.verdicts.policy_in_force import SERVER

_PAUSE_SECONDS: Final = 0.2
_PASS_SECONDS: Final = 3600
_STOP_SECONDS: Final = 1
_REASON: Final = "older than the server keeps records"


class BackgroundPruning:
    """Prunes while the block runs: at its begin, then every hour. The time is that of the machine.

    A pass is skipped while `clock_is_wrong`: a clock that is years ahead would prune everything.
    """

    def __init__(
        self, retention: Retention, metrics: Metrics, clock_is_wrong: Callable[[], bool] = lambda: False
    ) -> None:
        self._clock_is_wrong = clock_is_wrong
        self._retention = retention
        self._metrics = metrics
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="pruning", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def prune(self) -> None:
        """Prune what is too old now, unless the block ends. Raises StoreUnavailableError."""
        if self._clock_is_wrong():
            return
        now, pruned = int(time.time()), Counter[RecordKind]()
        try:
            for kind, result in self._retention.steps(now):
                pruned[kind] += result.pruned
                self._metrics.pruned.labels(kind).inc(result.pruned)
                if self._stopping.wait(_PAUSE_SECONDS if result.next else 0):
                    return
        finally:
            self._retention.record(pruned, now, SERVER, _REASON)
        for kind in RecordKind:
            self._metrics.oldest(kind, self._retention.oldest(kind, now))

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(StoreUnavailableError):  # /readyz reports it; the next pass prunes
                self.prune()
            self._stopping.wait(_PASS_SECONDS)
