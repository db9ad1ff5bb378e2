"""What the vendor knows of shipments: which serial numbers under a type allocation code went to whom."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from server_stub.api.admin.base_models import Name, RequestModel, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError, responses
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteDependency, WriteRequest, WriteResponse, written
from server_stub.store.records import AuditEntry, Shipment

router = resource("/shipments")

_MOST = 100
"""Shipments in one request; a body has a limit too."""

_SERIAL = Field(ge=0, le=999_999)


class ShipmentGiven(RequestModel):
    """Serial numbers `first` to `last`, which are digits 9 to 14 of an IMEI, under one type allocation code."""

    tac: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] = Field(examples=["00210701"])
    first: Annotated[int, _SERIAL]
    last: Annotated[int, _SERIAL]
    batch: Name = Field(examples=["K-2107-A"])
    distributor: Name = Field(examples=["Levant Mobile"])
    sale_region: Name = Field(examples=["global"])
    model: Name = Field(examples=["SV-2107G"])


class ShipmentsGiven(WithReason):
    """Shipments to add; where two overlap, the one that was added last counts."""

    shipments: Annotated[list[ShipmentGiven], Field(min_length=1, max_length=_MOST)]


class ShipmentsAdded(ResponseModel):
    """How many shipments were added."""

    added: int


@router.post(
    "",
    status_code=201,
    response_model=ShipmentsAdded,
    responses={**written(ShipmentsAdded, "They are known from now on.", 201), **responses(400, 413, 415)},
)
def add(task: WriteDependency, wish: ShipmentsGiven) -> Any:
    """Add shipments. A phone gets its batch and distributor when it asks the next time."""
    return task.execute(lambda errand: _add(errand, wish))


def _add(errand: WriteRequest, wish: ShipmentsGiven) -> WriteResponse:
    shipments = [_shipment(given) for given in wish.shipments]
    entry = AuditEntry(
        errand.parts.clock(),
        errand.actor,
        "shipment.add",
        "shipments",
        wish.reason,
        {"added": len(shipments), "batches": sorted({each.batch for each in shipments})},
    )
    with errand.store.transaction() as transaction:
        transaction.add_shipments(shipments)
        transaction.append_audit(entry)
    return WriteResponse(ShipmentsAdded(added=len(shipments)), 201)


def _shipment(given: ShipmentGiven) -> Shipment:
    if given.first > given.last:
        raise AdminError(
            422, AdminCode.REQUEST_INVALID, "the first serial number of a shipment is above its last"
        )
    return Shipment(
        given.tac, given.first, given.last, given.batch, given.distributor, given.sale_region, given.model
    )
