"""The committed JSON Schemas are equivalent to the models."""

import copy
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tests.support.tokens import CLAIMS, NONCE, make_verdict
from wire import schemas

TELEPHONY: dict[str, Any] = {
    "sims": [
        {
            "slot": 0,
            "status": "ready",
            "mcc": "368",
            "mnc": "01",
            "mnc_length": 2,
            "spn": "CUBACEL",
            "gid1": "FF",
        }
    ],
    "serving": {
        "registration": "home",
        "plmn": {"mcc": "368", "mnc": "01"},
        "cell": {"area": 1, "id": 2, "technology": "lte"},
    },
    "bands": ["LTE 1800"],
}
EVIDENCE: dict[str, Any] = {
    "eat_nonce": NONCE,
    "ueid": "AwAAAAAAAAAAAAAAAAAA",
    "oemid": "AAAAAAAAAAAAAAAAAAAAAA",
    "hwmodel": "U29s",
    "swname": "Solvane UI",
    "swversion": ["12.5.1", "semver"],
    "oemboot": True,
    "dbgstat": "disabled",
    "uptime": 42,
    "bootcount": 1,
    "iat": 0,
    "intent": "activate",
    "telephony": TELEPHONY,
    "wifi": {"connected": True, "country": "CU"},
    "terms": {"version": "2021-09"},
    "firmware": {"build": "S1", "agent_version": "1.0", "sale_region": "global", "patch_level": "2021-09-01"},
    "lock_state": "unprovisioned",
    "location": {"latitude": 23.1, "longitude": -82.4},
    "last_verdict": {"jti": "a", "serial": 1},
}
FAULT = {"code": "length", "source": "EF_SPN", "slot": 0}
SILENT_MODEM: dict[str, Any] = {
    **{name: value for name, value in EVIDENCE.items() if name != "ueid"},
    "telephony": {
        "bands": ["LTE 1800"],
        "faults": [
            {"code": "modem-silent", "source": "AT"},
            FAULT,
        ],
    },
}
PROBLEM: dict[str, Any] = {
    "type": "about:blank",
    "title": "Too many requests",
    "status": 429,
    "code": "too-many-requests",
    "detail": "Come back later.",
}
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("challenge", {"nonce": NONCE, "expires_in": 300}),
    ("evidence", EVIDENCE),
    ("evidence", SILENT_MODEM),
    ("problem", PROBLEM),
    *(("verdict", make_verdict(decision)) for decision in CLAIMS),
]
WRONG: list[Any] = [True, -1, 1.5, "", "é \n!", "x" * 600, [], {}, {"x": 1}, 2**60]


def by_model(name: str, message: object) -> bool:
    try:
        schemas.MESSAGES[name].model_validate(message)
    except ValidationError:
        return False
    return True


def by_schema(name: str, message: object) -> bool:
    return validator(name).is_valid(message)


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas.generate(name))


@pytest.mark.parametrize("name", schemas.MESSAGES)
def test_committed_schema_is_up_to_date(name: str) -> None:
    assert schemas.path(name).read_text(encoding="utf-8") == schemas.text(name)


def test_every_schema_has_a_message() -> None:
    assert {path.name for path in schemas.FOLDER.iterdir()} == {
        schemas.path(name).name for name in schemas.MESSAGES
    }


@pytest.mark.parametrize("name", schemas.MESSAGES)
def test_each_schema_is_valid_and_does_not_permit_null(name: str) -> None:
    schema = schemas.generate(name)
    Draft202012Validator.check_schema(schema)
    assert '"null"' not in schemas.text(name)
    assert schema["$id"] == f"urn:solvane:activation:schema:{name}"


@pytest.mark.parametrize(("name", "message"), GOOD)
def test_model_and_schema_accept_the_same_valid_messages(name: str, message: dict[str, Any]) -> None:
    """The model writes the message that it has read."""
    assert by_schema(name, message)
    model = schemas.MESSAGES[name]
    read = model.model_validate(message)
    assert read.model_dump(mode="json", exclude_none=True) == message
    assert model.model_validate_json(read.to_wire()) == read


@pytest.mark.parametrize("missing", ["sims", "serving"])
def test_missing_telephony_without_faults_is_rejected(missing: str) -> None:
    telephony = {name: value for name, value in TELEPHONY.items() if name != missing}
    for faults, accepted in (({}, False), ({"faults": []}, False), ({"faults": [FAULT]}, True)):
        message = EVIDENCE | {"telephony": telephony | faults}
        assert (by_model("evidence", message), by_schema("evidence", message)) == (accepted, accepted)


@pytest.mark.parametrize("member", ["area", "id", "technology"])
def test_each_member_of_a_cell_can_be_absent(member: str) -> None:
    serving = TELEPHONY["serving"]
    cell = {name: value for name, value in serving["cell"].items() if name != member}
    message = EVIDENCE | {"telephony": TELEPHONY | {"serving": serving | {"cell": cell}}}
    assert by_model("evidence", message)
    assert by_schema("evidence", message)


@pytest.mark.parametrize(("name", "message"), GOOD)
def test_model_and_schema_reject_the_same_wrong_missing_and_unknown_members(
    name: str, message: dict[str, Any]
) -> None:
    spoilt: list[dict[str, Any]] = [{**message, "unknown": 1}]
    for member in message:
        spoilt.append({kept: value for kept, value in message.items() if kept != member})
        spoilt += [{**copy.deepcopy(message), member: value} for value in WRONG]
    verdicts = [(by_model(name, one), by_schema(name, one)) for one in spoilt]
    assert [one for one, (model, schema) in zip(spoilt, verdicts, strict=True) if model is not schema] == []
    assert sum(not model for model, _ in verdicts) > len(message) * (len(WRONG) - 4)
