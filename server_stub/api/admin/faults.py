"""Faults that this process commits on purpose, for tests of clients."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field

from server_stub.admin import fault_injection
from server_stub.admin.fault_injection import FaultKind, FaultRoute, InjectedFault
from server_stub.api.admin.base_models import Missing, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import Parts, resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from server_stub.store.records import AuditEntry
from wire import limits
from wire.model import Code, Word

router = resource("/faults")


class FaultWish(WithReason):
    """Spoil the next `count` answers of `route`, to `device` or to all.

    `slow` needs `delay` in seconds. `error` answers `status`, with `retry_after` in seconds if given. `wrong-key` signs
    with a key that nobody published, `replayed` gives the answer before, `garbage` random octets.
    """

    kind: Word[FaultKind]
    count: Annotated[int, Field(ge=1, le=fault_injection.COUNT_MAX)] = 1
    route: Word[FaultRoute] = FaultRoute.VERDICTS
    device: Code | Missing = None
    delay: Annotated[int, Field(ge=1, le=fault_injection.DELAY_MAX)] | Missing = None
    status: Annotated[int, Field(ge=500, le=599)] | Missing = None
    retry_after: Annotated[int, Field(ge=0, le=limits.RETRY_AFTER_MAX)] | Missing = None

    def fault(self) -> InjectedFault:
        """As it is armed. Raises AdminError where its parts do not go together."""
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
        if wrong is None and self.status is not None and self.kind is not FaultKind.ERROR:
            wrong = "status is for error"
        if wrong is not None:
            raise AdminError(422, AdminCode.FAULT_INVALID, wrong)
        return fault


class FaultShown(ResponseModel):
    """A fault. `remaining` answers will still be spoilt. `delay` is null but for `slow`, `status` but for `error`."""

    id: int
    kind: FaultKind
    count: int
    remaining: int
    route: FaultRoute
    device: str | None
    delay: int | None
    status: int | None
    retry_after: int | None

    @classmethod
    def of(cls, fault: InjectedFault) -> "FaultShown":
        """The fault without what does not apply to it."""
        applies = {
            "delay": fault.delay if fault.kind is FaultKind.SLOW else None,
            "status": fault.status if fault.kind is FaultKind.ERROR else None,
        }
        return cls(**asdict(fault) | applies)


class FaultList(ResponseModel):
    """Faults in the order in which they happen."""

    items: list[FaultShown]


class ClearWish(WithReason):
    """Which faults to call off, by their numbers; all of them if `ids` is left out."""

    ids: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=100)] | Missing = None


@router.get("", responses=responses())
def list_faults(parts: Parts) -> FaultList:
    """The faults that are still to come, in this process."""
    return _listed(parts.faults.list())


@router.post(
    "",
    status_code=201,
    response_model=FaultList,
    responses={**written(FaultList, "The fault, with its number.", 201), **responses(400, 413, 415)},
)
def arm(task: WriteDependency, wish: FaultWish) -> Any:
    """Spoil answers of this process. What is decided stays recorded as it was meant."""
    fault = wish.fault()
    return task.execute(lambda errand: _arm(errand, fault, wish.reason))


@router.post(
    "/clear",
    response_model=FaultList,
    responses={**written(FaultList, "What was called off."), **responses(400, 404, 413, 415)},
)
def clear(task: WriteDependency, wish: ClearWish) -> Any:
    """Call faults off."""
    return task.execute(lambda errand: _clear(errand, wish))


def _arm(errand: WriteRequest, wished: InjectedFault, reason: str) -> WriteResponse:
    """Armed once the audit entry is stored."""
    known = errand.parts.faults
    fault = known.numbered(wished)
    details = {"id": fault.id, "kind": fault.kind.value, "count": fault.count, "route": fault.route.value}
    _audit(errand, "fault.arm", fault.device or "all", reason, details)
    return WriteResponse(_listed((fault,)), 201, then=lambda: known.arm(fault))


def _clear(errand: WriteRequest, wish: ClearWish) -> WriteResponse:
    known = errand.parts.faults
    ids = [fault.id for fault in known.list()] if wish.ids is None else wish.ids
    off = [fault for fault in known.list() if fault.id in ids]
    if wish.ids is not None and len(off) < len(set(ids)):
        raise AdminError(
            404, AdminCode.FAULT_UNKNOWN, "not all of these faults are still to come; list them again"
        )
    _audit(errand, "fault.clear", "faults", wish.reason, {"ids": [fault.id for fault in off]})
    return WriteResponse(_listed(off), then=lambda: _ignore(known.clear(ids)))


def _audit(errand: WriteRequest, action: str, subject: str, reason: str, details: dict[str, Any]) -> None:
    entry = AuditEntry(errand.parts.clock(), errand.actor, action, subject, reason, details)
    with errand.store.transaction() as transaction:
        transaction.append_audit(entry)


def _listed(known: Sequence[InjectedFault]) -> FaultList:
    return FaultList(items=[FaultShown.of(fault) for fault in known])


def _ignore(_: object) -> None:
    pass
