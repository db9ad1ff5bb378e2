"""Prometheus metrics of one application, in a separate registry.

Label values come from closed sets (routes and codes of this program), so cardinality is bounded and no label contains
an identifier of a device, an address or text from a request.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from server_stub.evidence.pseudonyms import UNATTESTED
from server_stub.store.records import RecordKind
from server_stub.verdicts.observer import JudgingStep
from server_stub.verdicts.outage import Outage
from wire.codes import Decision, Reason
from wire.verdict import Verdict

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
METRICS_PATH: Final = "/metrics"

_STEP_BUCKETS: Final = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0)
_GROUP_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64)
_REQUEST_BUCKETS: Final = (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """Where several processes count together. One process at a time has this `number`; the next goes on counting."""

    folder: Path
    number: int

    def use(self) -> None:
        """Let all metrics of this process that are made from now on be in the folder."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.folder)
        values.ValueClass = values.MultiProcessValue(lambda: self.number)  # type: ignore[no-untyped-call]

    def forget(self) -> None:
        """Remove the gauges of a process that has ended. Its counters stay."""
        multiprocess.mark_process_dead(self.number, str(self.folder))  # type: ignore[no-untyped-call]


class Cut(StrEnum):
    """Why the server ended a connection."""

    HEADERS_TOO_SLOW = "headers-too-slow"
    HEADERS_TOO_LARGE = "headers-too-large"
    MALFORMED = "malformed"
    ANSWER_NOT_TAKEN = "answer-not-taken"
    REFUSED_BUT_SENDING = "refused-but-sending"
    TOO_MANY_CONNECTIONS = "too-many-connections"


class By(StrEnum):
    """What decided: a rule of the policy, or an operator."""

    POLICY = "policy"
    OPERATOR = "operator"


class Limit(StrEnum):
    """Whose rate was exceeded."""

    ADDRESS = "address"
    OPERATIONS = "operations"
    ADMIN = "admin"
    DEVICE = "device"
    UNATTESTED = "unattested"


class Metrics:
    """The metrics of `/metrics`. Counting one request takes a few microseconds. `extension` is the name of one.

    With `shared` they are those of several processes, and there are no others in this one.

    The public counters have one label: the code of a problem, a `Limit`, a `Cut`, an `Outage`, a `RecordKind`.
    """

    def __init__(self, extension: str | None = None, shared: SharedFolder | None = None) -> None:
        self._shared = shared
        if shared is not None:
            shared.use()
        self._registry = CollectorRegistry()
        if extension is not None:
            self._gauge(extension, "This server has an extension.", mode="livemax").set(1)
        if self._shared is None:
            ProcessCollector(registry=self._registry)
        self._verdicts = self._counter("verdicts", "Signed verdicts.", "decision", "reason", "by")
        self.problems: Final = self._counter(
            "problems", "Requests that were answered with a problem document.", "code"
        )
        self._requests = self._counter("requests", "Requests by route.", "method", "route", "status")
        self.limited: Final = self._counter("rate_limited", "Requests beyond a rate.", "limit")
        self.cuts: Final = self._counter("connections_cut", "Connections that the server cut off.", "why")
        self._unattested = self._counter(
            "unattested_verdicts", "Signed verdicts on unattested evidence.", "decision", "reason"
        )
        self.outages: Final = self._counter(
            "outage_requests", "Requests that an outage of the server failed.", "reason", values=Outage
        )
        self.pruned: Final = self._counter(
            "pruned_records", "Records pruned because of their age.", "records", values=RecordKind
        )
        self._oldest = self._gauge(
            "oldest_record_age_seconds",
            "Age of the oldest record that can be pruned.",
            "records",
            mode="livemax",
        )
        self._steps = self._histogram(
            "step_seconds", "Time of one step of a judgement.", _STEP_BUCKETS, "step"
        )
        self.group_verdicts: Final = self._histogram(
            "group_verdicts", "Verdicts of a group, which waited for one commit.", _GROUP_BUCKETS
        )
        self._durations = self._histogram(
            "request_seconds", "From the headers of a request to its response.", _REQUEST_BUCKETS, "route"
        )
        self.ready: Final = self._gauge(
            "ready", "Whether the last request for /readyz found the server ready.", mode="livemin"
        )
        if self._shared is not None:
            self.ready.set(1)  # a worker that was not asked does not make the server unready
        self.in_progress: Final = self._gauge("requests_in_progress", "Requests in progress.")
        self.judging: Final = self._gauge("judging", "Verdict requests that are judged or wait for it.")
        self.connections: Final = self._gauge("connections", "Open connections.")
        self._processor = self._counter(
            "processor_seconds", "Processor time of the server, user and system, up to its last response."
        )
        self._processor_counted = 0.0
        self._step = {step: self._steps.labels(step.value) for step in JudgingStep}
        self._durations_of: dict[str, Histogram] = {}
        self._requests_of: dict[tuple[str, str, int], Counter] = {}
        self._count_processor_time()  # of the start, which the first request would get otherwise

    def page(self) -> bytes:
        """The metrics in Prometheus text format, version 0.0.4."""
        self._count_processor_time()
        registry = self._registry
        if self._shared is not None:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(self._shared.folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `method` and `route` must come from closed sets."""
        duration = self._durations_of.get(route)
        if duration is None:
            duration = self._durations_of[route] = self._durations.labels(route)
        duration.observe(seconds)
        self._count_processor_time()
        key = (method, route, status)
        count = self._requests_of.get(key)
        if count is None:
            count = self._requests_of[key] = self._requests.labels(method, route, str(status))
        count.inc()

    def verdict(self, verdict: Verdict) -> None:
        """Count a verdict by what decided; the rule, whose name is free text, is only in the log."""
        operator = verdict.reason is Reason.OPERATOR_DECISION or verdict.decision is Decision.RELEASE
        by = By.OPERATOR if operator else By.POLICY
        self._verdicts.labels(verdict.decision.value, verdict.reason.value, by.value).inc()
        if verdict.sub.startswith(UNATTESTED):
            self._unattested.labels(verdict.decision.value, verdict.reason.value).inc()

    def oldest(self, kind: RecordKind, at: int | None) -> None:
        """The oldest record that can be pruned is from `at`, seconds since the epoch; None if there is none.

        Over several processes its age is that of this call.
        """

        def age() -> float:
            return 0.0 if at is None else max(0.0, time.time() - at)

        gauge = self._oldest.labels(kind.value)
        if self._shared is None:
            gauge.set_function(age)
        else:
            gauge.set(age())

    def steps(self, spent: dict[JudgingStep, float]) -> None:
        """Add the seconds of each step of one judgement."""
        for step, seconds in spent.items():
            self._step[step].observe(seconds)

    def _count_processor_time(self) -> None:
        now = time.process_time()
        self._processor.inc(now - self._processor_counted)
        self._processor_counted = now

    def _counter(self, name: str, text: str, *labels: str, values: Iterable[str] = ()) -> Counter:
        """A counter, which is 0 from the start for `values` of its one label."""
        counter = Counter(f"activation_{name}", text, labels, registry=self._registry)
        for value in values:
            counter.labels(value)
        return counter

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"activation_{name}", text, labels, buckets=buckets, registry=self._registry)

    def _gauge(
        self, name: str, text: str, *labels: str, mode: Literal["livesum", "livemin", "livemax"] = "livesum"
    ) -> Gauge:
        """A gauge; `mode` is how those of several processes become one."""
        return Gauge(f"activation_{name}", text, labels, registry=self._registry, multiprocess_mode=mode)
