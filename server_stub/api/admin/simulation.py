"""What a simulation of a policy answers."""

from server_stub.api.admin.base_models import ResponseModel
from wire.codes import Decision


class Moved(ResponseModel):
    """How many devices go from one decision to another."""

    now: Decision
    then: Decision
    devices: int


class MovedInTerritory(Moved):
    """The same, of those that are in one class of territory."""

    territory: str


class MovedByActivation(Moved):
    """The same, of those that were activated in one class of territory."""

    activation: str


class MovedBySaleRegion(Moved):
    """The same, of those that were sold in one region."""

    sale_region: str


class OutlookShown(ResponseModel):
    """A device that the draft decides otherwise about."""

    sub: str
    territory: str
    activation: str
    sale_region: str
    now: Decision
    now_rule: str
    then: Decision
    then_rule: str


class SimulationShown(ResponseModel):
    """Every device judged as if it checked in now, by what is in force and by the draft.

    `overridden` stay as an operator decided, `unheard` never asked. `list` are the first devices that change.
    """

    draft: str
    against: str | None
    at: int
    devices: int
    overridden: int
    unheard: int
    changed: int
    decisions: list[Moved]
    by_territory: list[MovedInTerritory]
    by_activation: list[MovedByActivation]
    by_sale_region: list[MovedBySaleRegion]
    list: tuple[OutlookShown, ...]
