"""The OpenAPI document: names of schemas."""

import json
from enum import StrEnum

from pydantic import BaseModel

from server_stub.admin.context import AdminContext
from server_stub.api.app import create_app
from server_stub.api.openapi import _COMPONENTS, add_schema
from tests.support.server_phone import service

PUBLISHED = """
    AccessTechnology Act AdminProblem AdminProblemAdminCode AdminProblemFinding AuditPage Begun
    BulkDone ByImei CampaignList CampaignShown CampaignState CatalogueMessage Cell Challenge
    Challenged ClearWish Confirmation DebugStatus Decided Decision DeviceFilter DevicePage
    DeviceShown Dimension Draft EntryShown Evidence ExportFormat FaultKind FaultList FaultRoute
    FaultShown FaultWish Finding Firmware HistoryPage InBulk InForceShown Intent IntervalShown
    InvestigationShown KeyList KeyShown LastVerdict Location LockState MessageKey Moved
    MovedByActivation MovedBySaleRegion MovedInTerritory OutlookShown OverrideShown Plmn PolicyList
    PolicyNamed PolicyReference PolicyShown Problem ProblemCode Reason Registration Rotated Rotation
    Serving ShareShown ShipmentGiven ShipmentsAdded ShipmentsGiven Sim SimStatus SimulationShown
    TableShown Telephony TelephonyFault Terms Timed ToSimulate TrustTier UnlockCodeShown Verdict VerdictShown
    WeekShown Wifi WithReason
"""
"""The names of all schemas, from which generated clients make classes."""


class Colour(StrEnum):
    RED = "red"


class One(BaseModel):
    colour: Colour


def other() -> type[BaseModel]:
    class Colour(BaseModel):
        hue: int

    class Two(BaseModel):
        colour: Colour

    return Two


def test_a_schema_whose_name_is_in_use_gets_a_prefix() -> None:
    schemas: dict[str, object] = {}
    add_schema(schemas, One)
    add_schema(schemas, other())
    assert set(schemas) == {"One", "Colour", "Two", "TwoColour"}
    assert schemas["Colour"]["enum"] == ["red"]  # type: ignore[index]
    assert schemas["Two"]["properties"]["colour"]["$ref"] == "#/components/schemas/TwoColour"  # type: ignore[index]


def test_adding_a_schema_again_changes_nothing() -> None:
    schemas: dict[str, object] = {}
    add_schema(schemas, One)
    before = dict(schemas)
    add_schema(schemas, One)
    assert schemas == before


def test_the_schemas_have_their_published_names() -> None:
    """A class with another name needs an entry in `_COMPONENTS` of `server_stub.api.openapi`."""
    verdicts = service()
    document = create_app(verdicts, admin=AdminContext.of(verdicts)).openapi()
    assert set(document["components"]["schemas"]) == set(PUBLISHED.split())
    text = json.dumps(document)
    assert all(f'"#/components/schemas/{name}"' not in text for name in _COMPONENTS)
