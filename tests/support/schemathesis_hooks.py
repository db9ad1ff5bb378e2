"""What schemathesis cannot know of this API, because no schema can say it. Loaded by its command line.

How evidence is made; that a cursor is the server's own; which parts of a fault go together, and that a fault which an
operator asked for is not a defect of the server, so that they are armed for a phone that never comes.
"""

import os
import uuid
from importlib.resources import files
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st

from lab.manufacturer.manufacturer import Manufacturer
from server_stub.faults.catalogue import BUSY, SERVER_ROUTES, SLOW, FaultKind
from server_stub.policies import DEFAULT
from server_stub.policies.loading import shipped
from tests.support.server_phone import ICCID, Phone, telephony
from wire import media

ORIGIN = os.environ["ACTIVATION_ORIGIN"]
POLICY = (files("server_stub.policies") / f"{DEFAULT}.toml").read_text("utf-8")
PHONE = Phone(manufacturer=Manufacturer(os.environ["ACTIVATION_SEED"]))


def signed(changes: dict[str, Any]) -> bytes:
    """Evidence for a fresh nonce."""
    fresh = requests.post(ORIGIN + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
    return PHONE.evidence(fresh, **changes)


PLMN = st.tuples(
    st.sampled_from(["368", "208", "310", "432", "250", "001", "901"]), st.sampled_from(["01", "99", "410"])
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "intent": st.sampled_from(["activate", "check-in"]),
        "lock_state": st.sampled_from(["unprovisioned", "activated", "notice", "locked"]),
        "telephony": PLMN.map(lambda plmn: telephony(*plmn, home=plmn)),
        "wifi": st.sampled_from([{"connected": False}, {"connected": True, "country": "IR"}]),
        "location": st.fixed_dictionaries(
            {"latitude": st.floats(-90, 90), "longitude": st.floats(-180, 180)},
            optional={"accuracy": st.floats(0, 100_000)},
        ),
        "uptime": st.integers(0, 2**53 - 1),
        "iat": st.integers(0, 2**53 - 1),
        "bootcount": st.integers(0, 2**53 - 1),
        "terms": st.just({"version": ICCID}),
    },
)

schemathesis.openapi.media_type(media.EVIDENCE, CLAIMS.map(signed))


@schemathesis.deserializer("application/json", "application/problem+json")
def content(_: Any, response: Any) -> Any:
    """JSON, but for a verdict: schemathesis takes any `application/jwt` for JSON, and it is a text."""
    [media_type, *_rest] = response.headers["content-type"]
    return response.content.decode("ascii") if media_type == media.VERDICT else response.json()


def only(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in names}


PARTS_OF_FAULT = {
    FaultKind.SLOW: ("delay",),
    FaultKind.SLOW_HEADERS: ("delay",),
    FaultKind.ERROR: ("status", "retry_after"),
    **dict.fromkeys(BUSY, ("retry_after",)),
}


def fault(body: dict[str, Any]) -> dict[str, Any]:
    """Members that are valid together, for a device that sends no requests."""
    kind = body["kind"] if body["kind"] in SERVER_ROUTES else FaultKind.GARBAGE.value
    kept = only(body, "reason", "count", "probability", *PARTS_OF_FAULT.get(kind, ()))
    slow = {"delay": 1} if kind in SLOW else {}
    return slow | kept | {"kind": kind, "route": "verdicts", "device": "d-nobody"}


def bulk(body: dict[str, Any]) -> dict[str, Any]:
    """Filters select devices by `true` only; a request without a filter must set `everybody`."""
    if not isinstance(body.get("filter"), dict):
        return body
    wanted = {name: value for name, value in body["filter"].items() if value is not False}
    return body | {"filter": wanted, "everybody": not wanted}


def draft(body: dict[str, Any]) -> dict[str, Any]:
    """A text that is a policy."""
    return body | {"text": POLICY}


def policy(case: Any) -> None:
    """A draft that is new, and named as its path names it; whatever is in force counts as seen."""
    if case.method == "PUT":
        name = f"draft-{uuid.uuid4()}"
        case.path_parameters |= {"id": name, "version": shipped(DEFAULT).document.version}
        case.headers.pop("if-match", None)
        text = POLICY.replace(f'id = "{DEFAULT}"', f'id = "{name}"', 1)
        case.body = dict(case.body) | {"text": text}
    else:
        case.headers["if-match"] = "*"


def shipments(body: dict[str, Any]) -> dict[str, Any]:
    """A shipment goes from the lower number to the higher one."""
    for one in body.get("shipments", ()):
        one["first"], one["last"] = sorted((one["first"], one["last"]))
    return body


def lock_screen(body: dict[str, Any]) -> dict[str, Any]:
    """A challenge that a lock screen could show; it has a check sum."""
    return body | {"challenge": "FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY"}


def whole(value: Any) -> Any:
    """JSON Schema takes 1.0 for an integer, and this API does not."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


SENSE = {
    "/admin/v1/shipments": shipments,
    "/admin/v1/unlock-codes": lock_screen,
    "/admin/v1/faults": fault,
    "/admin/v1/devices/bulk": bulk,
    "/admin/v1/policies/simulate": draft,
}


CONDITIONAL = (
    "/admin/v1/policies/{id}/{version}",
    "/admin/v1/policies/{id}/{version}/put-in-force",
    "/admin/v1/policies/roll-back",
)


@schemathesis.hook
def before_call(_: Any, case: Any, **__: Any) -> None:
    """Make requests that are valid by the schema meaningful; do not change requests that must be rejected."""
    if case.meta is not None and case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    for name in ("cursor", "locked"):
        if isinstance(case.query, dict):
            case.query.pop(name, None)
    if case.headers.get("idempotency-key"):
        case.headers["idempotency-key"] = uuid.uuid4().hex  # a key is for one request
    if isinstance(case.body, dict):
        case.body = SENSE.get(case.path, dict)(whole(case.body))
        if case.path in CONDITIONAL:
            policy(case)
