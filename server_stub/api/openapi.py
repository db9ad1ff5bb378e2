"""The OpenAPI document: routes, schemas of the claims in tokens, examples, and the responses that all routes share."""

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from server_stub.api.admin.problems import AdminProblem
from server_stub.api.error_responses import ALWAYS, RETRY_AFTER_HEADER, SCHEMAS, error_response
from server_stub.api.problems import TYPE_BASE
from wire.codes import ProblemCode
from wire.evidence import Evidence
from wire.problem import Problem
from wire.verdict import Verdict

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_REQUEST_ID: Final = {
    "X-Request-Id": {
        "description": "A UUID that identifies this request in the server's log; the client's own if it sent one.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
}
_COMPONENTS: Final = {
    "AdminCode": "AdminProblemAdminCode",
    "ClearFaultsRequest": "ClearWish",
    "FaultRequest": "FaultWish",
    "InjectedFaultKind": "FaultKind",
    "KeyListResponse": "KeyList",
    "OriginDimension": "Dimension",
    "ShareFinding": "Finding",
    "UnlockCodeRequest": "Challenged",
}
"""Published names of schemas whose class has another name. Generated clients depend on them, so they do not change."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, which is generated once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for message in (Evidence, Verdict, Problem, AdminProblem):
            add_schema(schemas, message)
        for name, example in _EXAMPLES.items():
            schemas[name]["examples"] = [example]
        for operation in operations(document):
            _complete(operation)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = _with_published_names(document)
    return app.openapi_schema


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All operations of an OpenAPI document."""
    for methods in document["paths"].values():
        yield from (methods[name] for name in methods if name in METHODS)


def add_schema(schemas: dict[str, Any], message: type[BaseModel]) -> None:
    """Add the schemas of `message` and of its parts, with a prefix for all parts if one of their names is in use."""
    schema = message.model_json_schema(ref_template=SCHEMAS + "{model}")
    parts = schema.pop("$defs", {})
    if any(schemas.get(name, part) != part for name, part in parts.items()):
        prefix = message.__name__
        schema = message.model_json_schema(ref_template=f"{SCHEMAS}{prefix}{{model}}")
        parts = {prefix + name: part for name, part in schema.pop("$defs").items()}
    schemas.update(parts)
    schemas[message.__name__] = schema


def _complete(operation: dict[str, Any]) -> None:
    """Add the errors of every route, and the request id of each response."""
    responses = operation["responses"]
    if (
        responses.get("422", {}).get("description") == "Validation Error"
    ):  # FastAPI's own form, which is not sent
        responses["422"] = error_response(422, "request-invalid: a parameter does not match its description")
    for status, meaning in ALWAYS.items():
        responses.setdefault(str(status), error_response(status, meaning))
    for status, response in responses.items():
        retry = RETRY_AFTER_HEADER if status in ("429", "503") else {}
        response["headers"] = _REQUEST_ID | retry | response.get("headers", {})
    for parameter in operation.get("parameters", ()):
        # An optional parameter is absent; a URL or a header has no null.
        schema = parameter["schema"]
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            others = {name: value for name, value in schema.items() if name != "anyOf"}
            parameter["schema"] = others | choices[0]


def _with_published_names(document: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(document)
    for name, published in _COMPONENTS.items():
        text = text.replace(f'"{SCHEMAS}{name}"', f'"{SCHEMAS}{published}"')
    renamed: dict[str, Any] = json.loads(text)
    schemas = renamed["components"]["schemas"]
    for name in _COMPONENTS.keys() & schemas.keys():
        published = _COMPONENTS[name]
        schema = schemas[published] = schemas.pop(name)
        if schema["title"] == name and not published.endswith(name):  # a prefix is not part of the title
            schema["title"] = published
    return renamed


_NONCE: Final = "AGE4pcDea6GlxD07uu8Pwgupiv4kGu8W2yvAOZU0QmaC"

_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "Challenge": {"nonce": _NONCE, "expires_in": 300},
    "Evidence": {
        "eat_nonce": _NONCE,
        "ueid": "AwAAAQABAAECAwQFBgcI",
        "oemid": "j1wuC3qRTWOx0HxeOaTyFg",
        "hwmodel": "U1YtMjEwN0c",
        "swname": "SolvaneOS",
        "swversion": ["12.5.6", "semver"],
        "oemboot": True,
        "dbgstat": "disabled-fully-and-permanently",
        "uptime": 20,
        "bootcount": 1,
        "iat": 1631102400,
        "intent": "activate",
        "telephony": {
            "sims": [
                {"slot": 0, "status": "ready", "mcc": "368", "mnc": "01", "mnc_length": 2, "spn": "Cubacel"},
                {"slot": 1, "status": "absent"},
            ],
            "serving": {
                "registration": "home",
                "plmn": {"mcc": "368", "mnc": "01"},
                "cell": {"area": 4660, "id": 22136, "technology": "lte"},
            },
            "bands": ["LTE 1800"],
        },
        "wifi": {"connected": True, "country": "CU"},
        "terms": {"version": "2021-06"},
        "firmware": {
            "build": "lark-1",
            "agent_version": "1.0",
            "sale_region": "global",
            "patch_level": "2021-08-01",
        },
        "lock_state": "unprovisioned",
        "location": {"latitude": 23.13, "longitude": -82.38, "accuracy": 20.0},
    },
    "Verdict": {
        "iss": "verdicts.solvane.example",
        "aud": "solvane-phones",
        "sub": "d-b1fefed641e3c001ae784ff0c0e78abb",
        "cnf": {"jkt": "x4XMU5DCefzwpgsAV2tnrY29IcYZ08-nube-5c9AUos"},
        "eat_nonce": _NONCE,
        "iat": 1631102402,
        "nbf": 1631102402,
        "exp": 1631106002,
        "jti": "5f0f1f2f3f4f5f6f7f8f9fafbfcfdfef",
        "serial": 1,
        "decision": "deny",
        "reason": "territory-prohibited",
        "policy": {"id": "export-2021-09", "version": 1, "rule": "prohibited-at-activation"},
        "trust": "affirming",
        "territory": "CU",
        "message": {"key": "not-sold-here", "args": {"territory": "CU", "case": "SLV-BHD56-2EFNY"}},
        "case": "SLV-BHD56-2EFNY",
        "check_in": 86400,
    },
    "Problem": {
        "type": f"{TYPE_BASE}{ProblemCode.CHALLENGE_SPENT}",
        "title": "Challenge spent",
        "status": 409,
        "code": ProblemCode.CHALLENGE_SPENT.value,
        "detail": "eat_nonce was used before; request a new challenge",
        "instance": "urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
    },
}
"""One example of each message by the name of its schema. Numbers are from test ranges."""
