"""Prometheus metrics of one application, in a registry of its own.

Every label is of a closed set, routes and codes of this program, so that nobody can make the page grow; no label names
a phone, an address or a text that somebody sent.
"""

from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from server_stub.verdicts.observer import JudgingStep
from wire.codes import Decision, ProblemCode, Reason
from wire.verdict import Verdict

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
METRICS_PATH: Final = "/metrics"

_STEP_BUCKETS: Final = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0)
_REQUEST_BUCKETS: Final = (1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Cut(StrEnum):
    """Why a connection was ended by the server."""

    HEADERS_TOO_SLOW = "headers-too-slow"
    HEADERS_TOO_LARGE = "headers-too-large"
    MALFORMED = "malformed"
    ANSWER_NOT_TAKEN = "answer-not-taken"
    REFUSED_BUT_SENDING = "refused-but-sending"
    TOO_MANY_CONNECTIONS = "too-many-connections"


class By(StrEnum):
    """Who decided: a rule of the policy, or an operator."""

    POLICY = "policy"
    OPERATOR = "operator"


class Limit(StrEnum):
    """What was asked too often from."""

    ADDRESS = "address"
    DEVICE = "device"


class Metrics:
    """What `/metrics` shows. Counting one request costs a few microseconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._verdicts = self._counter("verdicts", "Verdicts that were signed.", "decision", "reason", "by")
        self._problems = self._counter("problems", "Requests that were answered with a problem.", "code")
        self._requests = self._counter("requests", "Requests by route.", "method", "route", "status")
        self._limited = self._counter("rate_limited", "Requests beyond a rate.", "limit")
        self._cuts = self._counter("connections_cut", "Connections that the server ended early.", "why")
        self._steps = Histogram(
            "activation_step_seconds",
            "Time that a step of judging took.",
            ["step"],
            buckets=_STEP_BUCKETS,
            registry=self._registry,
        )
        self._durations = Histogram(
            "activation_request_seconds",
            "Time from the headers of a request to those of its answer.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=self._registry,
        )
        self.in_progress: Final = self._gauge("requests_in_progress", "Requests that are not answered yet.")
        self.judging: Final = self._gauge("judging", "Requests for a verdict that are judged or wait for it.")
        self.connections: Final = self._gauge("connections", "Connections that are open.")
        self._step = {step: self._steps.labels(step.value) for step in JudgingStep}
        self._durations_of: dict[str, Histogram] = {}
        self._requests_of: dict[tuple[str, str, int], Counter] = {}

    def page(self) -> bytes:
        """The exposition format, text version 0.0.4."""
        return generate_latest(self._registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `method` and `route` must be of a closed set."""
        duration = self._durations_of.get(route)
        if duration is None:
            duration = self._durations_of[route] = self._durations.labels(route)
        duration.observe(seconds)
        key = (method, route, status)
        count = self._requests_of.get(key)
        if count is None:
            count = self._requests_of[key] = self._requests.labels(method, route, str(status))
        count.inc()

    def problem(self, code: ProblemCode) -> None:
        """A request was answered with a problem document."""
        self._problems.labels(code.value).inc()

    def limited(self, limit: Limit) -> None:
        """A rate was exceeded."""
        self._limited.labels(limit.value).inc()

    def cut(self, why: Cut) -> None:
        """A connection was ended early."""
        self._cuts.labels(why.value).inc()

    def verdict(self, verdict: Verdict) -> None:
        """A verdict was signed. A rule's name is its author's; who decided is enough here, the log has the rule."""
        operator = verdict.reason is Reason.OPERATOR_DECISION or verdict.decision is Decision.RELEASE
        by = By.OPERATOR if operator else By.POLICY
        self._verdicts.labels(verdict.decision.value, verdict.reason.value, by.value).inc()

    def steps(self, spent: dict[JudgingStep, float]) -> None:
        """Seconds that each step of one judgement took."""
        for step, seconds in spent.items():
            self._step[step].observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"activation_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"activation_{name}", text, registry=self._registry)
