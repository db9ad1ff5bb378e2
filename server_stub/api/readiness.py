"""Whether devices can be served now: `/readyz`, and the log and the metrics of outages.

The durable write is shared: requests at the same time, and within a second after it began, get its result.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from server_stub.api.logs import Log
from server_stub.api.metrics import Metrics
from server_stub.api.threads import worker_threads
from server_stub.key_repository import KeyRepository
from server_stub.verdicts.outage import OUTAGE_ERRORS, Outage
from server_stub.verdicts.service import ServiceError, VerdictService

PROBE_SECONDS: Final = 1
"""At most one durable write in this time."""

ANSWER_SECONDS: Final = 2
"""A store that has not answered by then is not ready."""


@dataclass
class _Count:
    """An outage: when it was first seen, by the clock of `Outages`, and how many requests it has failed."""

    since: float
    failed: int = 0


class Outages:
    """Logs the begin of an outage once, counts the requests that it fails, and logs its end with that number.

    `clock` is in seconds and never decreases.
    """

    def __init__(self, log: Log | None, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._present: dict[Outage, _Count] = {}
        self._lock = Lock()

    def failed(self, outage: Outage) -> None:
        """Count a request that failed because of `outage`."""
        self._metrics.outages.labels(outage).inc()
        with self._lock:
            begins = outage not in self._present
            count = self._present.setdefault(outage, _Count(self._clock()))
            count.failed += 1
        if begins and self._log:
            self._log.warning("outage", reason=outage.value, detail=outage.detail)

    def passed(self, outages: frozenset[Outage]) -> None:
        """Note that none of `outages` exists."""
        if not self._present:
            return
        with self._lock:
            ended = {outage: self._present.pop(outage) for outage in outages & self._present.keys()}
        for outage, count in ended.items():
            if self._log:
                seconds = round(self._clock() - count.since, 1)
                self._log.warning(
                    "outage-ended", reason=outage.value, failed_requests=count.failed, seconds=seconds
                )


JUDGING: Final = frozenset(Outage) - {Outage.KEYS_UNPUBLISHED}
"""What cannot exist when a verdict was recorded."""


class Readiness:
    """Checks `service`, and `repository` if there is one. `clock` is in seconds and never decreases."""

    def __init__(
        self,
        service: VerdictService,
        repository: KeyRepository | None,
        outages: Outages,
        clock: Callable[[], float],
    ) -> None:
        self._service = service
        self._repository = repository
        self._outages = outages
        self._clock = clock
        # Its own threads: a store that does not respond must not stop other requests, nor the end of the process.
        self._threads = worker_threads(2)
        self._probe: asyncio.Future[ServiceError | None] | None = None
        self._began = 0.0

    async def check(self) -> None:
        """Raises ServiceError if devices cannot be served."""
        for call in (self._quick, self._shared_probe):
            error = await self._result(call())
            if error is not None:
                if error.outage is not None:
                    self._outages.failed(error.outage)
                raise error
        self._outages.passed(frozenset(Outage))

    async def _result(self, future: asyncio.Future[ServiceError | None]) -> ServiceError | None:
        try:
            return await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            return ServiceError.during(Outage.STORE_LOCKED)

    def _quick(self) -> asyncio.Future[ServiceError | None]:
        return asyncio.ensure_future(self._threads(_error_of, self._service.check))

    def _shared_probe(self) -> asyncio.Future[ServiceError | None]:
        now, probe = self._clock(), self._probe
        if probe is None or (probe.done() and now - self._began >= PROBE_SECONDS):
            self._began = now
            self._probe = probe = asyncio.ensure_future(self._threads(_error_of, self._write))
        return probe

    def _write(self) -> None:
        self._service.check_store()
        if self._repository is not None:
            try:
                self._repository.refresh()
            except OUTAGE_ERRORS as error:
                raise ServiceError.of(error) from error


def _error_of(check: Callable[[], None]) -> ServiceError | None:
    try:
        check()
    except ServiceError as error:
        return error
    return None
