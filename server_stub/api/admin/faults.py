"""Faults that this process injects into its own responses, for tests of clients."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from server_stub.admin import fault_injection
from server_stub.admin.fault_injection import FaultRoute, InjectedFault, InjectedFaultKind
from server_stub.api.admin.base_models import Missing, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Context, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from server_stub.store.records import AuditEntry
from wire import limits
from wire.model import Code, Word

router = resource("/faults")


class FaultRequest(WithReason):
    """Inject a fault into the next `count` responses of `route`, to `device` or to all.

    `slow` needs `delay` in seconds. `error` sends `status`, with `retry_after` in seconds if given. `wrong-key` signs
    with a key that is not published, `replayed` sends the previous response, `garbage` random bytes.
    """

    kind: Word[InjectedFaultKind]
    count: Annotated[int, Field(ge=1, le=fault_injection.COUNT_MAX)] = 1
    route: Word[FaultRoute] = FaultRoute.VERDICTS
    device: Code | Missing = None
    delay: Annotated[int, Field(ge=1, le=fault_injection.DELAY_MAX)] | Missing = None
    status: Annotated[int, Field(ge=500, le=599)] | Missing = None
    retry_after: Annotated[int, Field(ge=0, le=limits.RETRY_AFTER_MAX)] | Missing = None

    def fault(self) -> InjectedFault:
        """The fault. Raises AdminError if its parts contradict each other."""
        fault = InjectedFault(
            kind=self.kind,
            count=self.count,
            route=self.route,
            device=self.device,
            delay=self.delay or 0,
            status=self.status or 503,
            retry_after=self.retry_after,
        )
        wrong = fault_injection.check(fault)
        if wrong is None and self.status is not None and self.kind is not InjectedFaultKind.ERROR:
            wrong = "status is for error"
        if wrong is not None:
            raise AdminError(422, AdminCode.FAULT_INVALID, wrong)
        return fault


class FaultShown(ResponseModel):
    """A fault and how many responses it will still affect. `delay` is null unless `slow`, `status` unless `error`."""

    id: int
    kind: InjectedFaultKind
    count: int
    remaining: int
    route: FaultRoute
    device: str | None
    delay: int | None
    status: int | None
    retry_after: int | None

    @classmethod
    def of(cls, fault: InjectedFault) -> "FaultShown":
        """The fault without values that do not apply to its kind."""
        applicable = {
            "delay": fault.delay if fault.kind is InjectedFaultKind.SLOW else None,
            "status": fault.status if fault.kind is InjectedFaultKind.ERROR else None,
        }
        return cls(**asdict(fault) | applicable)


class FaultList(ResponseModel):
    """Faults in the order of their injection."""

    items: list[FaultShown]


class ClearFaultsRequest(WithReason):
    """The numbers of the faults to clear; all of them if `ids` is absent."""

    ids: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=100)] | Missing = None


@router.get("", responses=responses())
def list_faults(context: Context) -> FaultList:
    """The pending faults of this process."""
    return _fault_list(context.faults.list())


@router.post(
    "",
    status_code=201,
    response_model=FaultList,
    responses={**written(FaultList, "The fault, with its number.", 201), **responses(400, 413, 415)},
)
def inject_fault(write: WriteDependency, body: FaultRequest) -> Any:
    """Inject a fault into responses of this process. Verdicts are recorded as they were decided."""
    armed = body.fault()

    def operation(request: WriteRequest) -> WriteResponse:
        faults = request.context.faults
        fault = faults.numbered(armed)
        details = {
            "id": fault.id,
            "kind": fault.kind.value,
            "count": fault.count,
            "route": fault.route.value,
        }
        _audit(request, "fault.arm", fault.device or "all", body.reason, details)
        return WriteResponse(_fault_list((fault,)), 201, after_commit=lambda: faults.arm(fault))

    return write.execute(operation)


@router.post(
    "/clear",
    response_model=FaultList,
    responses={**written(FaultList, "The cleared faults."), **responses(400, 404, 413, 415)},
)
def clear_faults(write: WriteDependency, body: ClearFaultsRequest) -> Any:
    """Clear faults."""

    def operation(request: WriteRequest) -> WriteResponse:
        faults = request.context.faults
        pending = faults.list()
        ids = [fault.id for fault in pending] if body.ids is None else body.ids
        cleared = [fault for fault in pending if fault.id in ids]
        if body.ids is not None and len(cleared) < len(set(ids)):
            detail = "not all of these faults are pending; list them again"
            raise AdminError(404, AdminCode.FAULT_UNKNOWN, detail)
        _audit(request, "fault.clear", "faults", body.reason, {"ids": [fault.id for fault in cleared]})

        def after_commit() -> None:
            faults.clear(ids)

        return WriteResponse(_fault_list(cleared), after_commit=after_commit)

    return write.execute(operation)


def _audit(request: WriteRequest, action: str, subject: str, reason: str, details: dict[str, Any]) -> None:
    entry = AuditEntry(request.context.clock(), request.actor, action, subject, reason, details)
    with request.store.transaction() as transaction:
        transaction.append_audit(entry)


def _fault_list(faults: Sequence[InjectedFault]) -> FaultList:
    return FaultList(items=[FaultShown.of(fault) for fault in faults])
