"""Faults that the server injects into its own responses, for tests of clients."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from server_stub.admin import fault_injection
from server_stub.api.admin.base_models import Missing, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteRequest, write_route
from server_stub.faults.catalogue import BUSY, SERVER_ROUTES, SLOW, FaultKind, Route
from server_stub.store.records import InjectedFault
from wire import limits
from wire.model import Code, Word

router = resource("/faults")


class FaultRequest(WithReason):
    """Inject a fault into at most `count` responses of `route`, to `device` or to all, each with `probability`.

    `slow` and `slow-headers` need `delay` in seconds. `error` sends `status`, 503 by default; it, `unavailable` and
    `too-many-requests` may have `retry_after` in seconds.
    """

    kind: Word[FaultKind]
    count: Annotated[int, Field(ge=1, le=fault_injection.COUNT_MAX)] = 1
    route: Word[Route] = Route.VERDICTS
    device: Code | Missing = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    delay: Annotated[int, Field(ge=1, le=fault_injection.DELAY_MAX)] | Missing = None
    status: Annotated[int, Field(ge=500, le=599)] | Missing = None
    retry_after: Annotated[int, Field(ge=0, le=limits.RETRY_AFTER_MAX)] | Missing = None

    def fault(self, now: int) -> InjectedFault:
        """The fault, created `now`. Raises AdminError if its parts contradict each other."""
        if wrong := self._contradiction():
            raise AdminError(422, AdminCode.FAULT_INVALID, wrong)
        return InjectedFault(
            kind=self.kind,
            route=self.route,
            device=self.device,
            count=self.count,
            used=0,
            probability=self.probability,
            delay=self.delay,
            status=(self.status or 503) if self.kind is FaultKind.ERROR else None,
            retry_after=self.retry_after,
            created=now,
        )

    def _contradiction(self) -> str | None:
        """What is wrong, None if the fault is possible."""
        routes = SERVER_ROUTES.get(self.kind, ())
        slow, busy = " and ".join(sorted(SLOW)), ", ".join((FaultKind.ERROR, *BUSY))
        rules = {
            f"a server cannot inject {self.kind}; use `activation proxy`": bool(routes),
            f"{self.kind} is for {', '.join(routes)}": self.route in routes,
            "only a request for a verdict is from a known device; leave device out": (
                self.device is None or self.route is Route.VERDICTS
            ),
            f"delay is for {slow}, which need 1 second or more": (self.kind in SLOW) == bool(self.delay),
            "status is for error": self.status is None or self.kind is FaultKind.ERROR,
            f"retry_after is for {busy}": self.retry_after is None or self.kind in {FaultKind.ERROR, *BUSY},
        }
        return next((rule for rule, kept in rules.items() if not kept), None)


class FaultShown(ResponseModel):
    """A fault and how many responses it will still affect. Null is what does not apply to its kind."""

    id: int
    kind: FaultKind
    count: int
    remaining: int
    route: Route
    device: str | None
    probability: float
    delay: int | None
    status: int | None
    retry_after: int | None
    created: int

    @classmethod
    def of(cls, fault: InjectedFault) -> "FaultShown":
        """The fault."""
        members = asdict(fault)
        return cls(remaining=fault.count - members.pop("used"), **members)


class FaultList(ResponseModel):
    """Faults in the order of their injection."""

    items: list[FaultShown]


class ClearFaultsRequest(WithReason):
    """The numbers of the faults to clear; all of them if `ids` is absent."""

    ids: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=100)] | Missing = None


@router.get("", responses=responses())
def list_faults(context: Context) -> FaultList:
    """The faults that are not used up. They are stored, and every process on the database injects them."""
    with context.store.reading() as reading:
        return _fault_list(reading.faults())


@write_route(router, "", FaultList, {201: "The fault, with its number."})
def inject_fault(request: WriteRequest, body: FaultRequest) -> FaultList:
    """Inject a fault into responses to devices, by every process. Verdicts are recorded as they were decided."""
    fault = body.fault(request.context.clock())
    with request.store.transaction() as transaction:
        if len(transaction.faults()) >= fault_injection.FAULTS_MAX:
            detail = f"there are {fault_injection.FAULTS_MAX} faults; clear some"
            raise AdminError(422, AdminCode.FAULT_INVALID, detail)
        fault = transaction.add_fault(fault)
        transaction.after_commit(request.context.faults.added)
    details = {
        "id": fault.id,
        "kind": fault.kind.value,
        "count": fault.count,
        "route": fault.route.value,
        "probability": fault.probability,
    }
    request.audit("fault.arm", fault.device or "all", body.reason, details)
    return _fault_list((fault,))


@write_route(router, "/clear", FaultList, {200: "The cleared faults."}, 404)
def clear_faults(request: WriteRequest, body: ClearFaultsRequest) -> FaultList:
    """Clear faults. No process injects them any more: each injection is counted in the store first."""
    with request.store.transaction() as transaction:
        pending = transaction.faults()
        ids = [fault.id for fault in pending] if body.ids is None else body.ids
        cleared = [fault for fault in pending if fault.id in ids]
        if len(cleared) < len(set(ids)):
            detail = "not all of these faults are pending; list them again"
            raise AdminError(404, AdminCode.FAULT_UNKNOWN, detail)
        for fault in cleared:
            transaction.delete_fault(fault.id)
        transaction.after_commit(request.context.faults.refresh)
    request.audit("fault.clear", "faults", body.reason, {"ids": [fault.id for fault in cleared]})
    return _fault_list(cleared)


def _fault_list(faults: Sequence[InjectedFault]) -> FaultList:
    return FaultList(items=[FaultShown.of(fault) for fault in faults])
