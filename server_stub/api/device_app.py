"""The device API of the verdict service as an ASGI application: what devices, their proxies and monitoring use."""

import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Final, TypedDict

from fastapi import FastAPI
from starlette.types import ASGIApp

from server_stub.admin.fault_injection import Faults
from server_stub.api import device, health, problems, tuf
from server_stub.api.extension import Extension, unchanged
from server_stub.api.http_rules import HttpRules
from server_stub.api.injected_faults import InjectedFaults
from server_stub.api.limits.rates import LimitsInForce
from server_stub.api.limits.requests import RequestLimitMiddleware
from server_stub.api.limits.settings import ServerLimits
from server_stub.api.logs import Log, RequestLog
from server_stub.api.metrics import Metrics
from server_stub.api.readiness import Outages, Readiness
from server_stub.api.threads import calling_thread, worker_threads
from server_stub.api.verdict_executor import VerdictExecutor
from server_stub.key_repository import KeyRepository
from server_stub.verdicts.service import VerdictService

_DESCRIPTION = (
    "Devices request a challenge, send signed evidence that contains its nonce, and receive a signed verdict. "
    "Errors are RFC 9457 problem documents with a stable code."
)

DEFAULT_LIMITS: Final = ServerLimits()
"""The default sizes and time-outs, without rates."""


def new_uuid() -> str:
    """A random UUID for a request."""
    return str(uuid.uuid4())


class AppOptions(TypedDict, total=False):
    """Parameters of `device_app` that whatever makes an application passes on."""

    repository: KeyRepository | None
    log: Log | None
    request_ids: Callable[[], str]
    limits: ServerLimits
    stopwatch: Callable[[], float]
    extension: Extension | None
    metrics: Metrics | None


def device_app(  # noqa: PLR0913 - the service, and what else is served, logged and limited
    service: VerdictService,
    *,
    repository: KeyRepository | None = None,
    faults: Faults | None = None,
    log: Log | None = None,
    request_ids: Callable[[], str] = new_uuid,
    limits: ServerLimits = DEFAULT_LIMITS,
    stopwatch: Callable[[], float] = time.perf_counter,
    extension: Extension | None = None,
    threads: bool = True,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The application of `service` for devices. It also serves `repository`, and injects `faults`.

    `request_ids` returns a UUID for each request. `stopwatch`, in seconds, never decreases; rates and durations are
    measured with it. The limits in force are in `app.state.limits`, the metrics in `app.state.metrics`, and the headers
    of every response in `app.state.headers`. `extension` marks the responses; its routes are added by `create_app`.
    Without `threads`, requests are handled on the calling thread. `metrics` counts them, by default new ones.
    """
    name = extension.name if extension else None
    metrics = metrics or Metrics(name)
    app = _App(
        title="Verdict server",
        description=_DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    in_force = LimitsInForce(limits, stopwatch)
    outages = Outages(log, metrics, stopwatch)
    app.state.limits, app.state.metrics, app.state.outages = in_force, metrics, outages
    app.state.headers = (extension.header,) if extension else ()
    app.request_limits = partial(RequestLimitMiddleware, limits=in_force, metrics=metrics)
    app.http_rules = partial(HttpRules, limits=in_force, headers=app.state.headers)
    app.request_log = partial(RequestLog, request_ids=request_ids, log=log, metrics=metrics, clock=stopwatch)
    problems.install(app)
    app.around = extension.around if extension else unchanged
    app.injected_faults = partial(InjectedFaults, faults=faults, clock=stopwatch) if faults else unchanged
    app.state.service, app.state.repository, app.state.extension = service, repository, name
    # One: the next group forms while this one is judged, and a second thread would only wait for the same commit.
    judge = worker_threads(1) if threads else None
    app.state.judges = VerdictExecutor(service, in_force, metrics, stopwatch, judge)
    app.state.readers = worker_threads(tuf.READERS) if threads else calling_thread
    app.state.readiness = Readiness(service, repository, outages, stopwatch)
    app.add_middleware(device.DeviceRequests)
    for module in (device, tuf, health) if repository is not None else (device, health):
        app.router.routes.extend(module.router.routes)
    return app


class _App(FastAPI):
    """Puts the log outside of the framework's own error handler, so that its responses are logged too."""

    request_limits: Callable[[ASGIApp], ASGIApp]
    injected_faults: Callable[[ASGIApp], ASGIApp]
    http_rules: Callable[[ASGIApp], ASGIApp]
    request_log: Callable[[ASGIApp], ASGIApp]
    around: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        limited = self.http_rules(self.request_limits(super().build_middleware_stack()))
        return self.around(self.request_log(self.injected_faults(limited)))
