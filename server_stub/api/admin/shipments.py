"""Shipments of the manufacturer: which serial numbers under a type allocation code went to which distributor."""

from typing import Annotated

from pydantic import Field, StringConstraints

from server_stub.api.admin.base_models import Line, RequestModel, ResponseModel, WithReason
from server_stub.api.admin.problems import AdminCode, AdminError
from server_stub.api.admin.route import resource
from server_stub.api.admin.writes import WriteRequest, write_route
from server_stub.store.records import Shipment

router = resource("/shipments")

_SHIPMENTS_MAX = 100
"""Shipments in one request; the size of a body is limited too."""

_SERIAL = Field(ge=0, le=999_999)


class ShipmentGiven(RequestModel):
    """Serial numbers `first` to `last`, which are digits 9 to 14 of an IMEI, under one type allocation code."""

    tac: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] = Field(examples=["00210701"])
    first: Annotated[int, _SERIAL]
    last: Annotated[int, _SERIAL]
    batch: Line = Field(examples=["K-2107-A"])
    distributor: Line = Field(examples=["Levant Mobile"])
    sale_region: Line = Field(examples=["global"])
    model: Line = Field(examples=["SV-2107G"])

    def shipment(self) -> Shipment:
        """The record. Raises AdminError if `first` is above `last`."""
        if self.first > self.last:
            detail = "the first serial number of a shipment is above its last"
            raise AdminError(422, AdminCode.REQUEST_INVALID, detail)
        return Shipment(**self.model_dump())


class ShipmentsGiven(WithReason):
    """Shipments to add; if two overlap, the one that was added last is used."""

    shipments: Annotated[list[ShipmentGiven], Field(min_length=1, max_length=_SHIPMENTS_MAX)]


class ShipmentsAdded(ResponseModel):
    """How many shipments were added."""

    added: int


@write_route(router, "", ShipmentsAdded, {201: "The shipments are used from now on."})
def add_shipments(request: WriteRequest, body: ShipmentsGiven) -> ShipmentsAdded:
    """Add shipments. A device gets its batch and distributor at its next request."""
    shipments = [each.shipment() for each in body.shipments]
    with request.store.transaction() as transaction:
        transaction.add_shipments(shipments)
    details = {"added": len(shipments), "batches": sorted({each.batch for each in shipments})}
    request.audit("shipment.add", "shipments", body.reason, details)
    return ShipmentsAdded(added=len(shipments))
