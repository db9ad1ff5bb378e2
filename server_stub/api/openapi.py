"""The OpenAPI document: routes, schemas of the claims in tokens, examples, and the responses that all routes share."""

import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from server_stub.api.admin.problems import AdminProblem
from server_stub.api.error_responses import ALWAYS, SCHEMAS, error_response
from server_stub.api.problems import NotReady
from wire import media
from wire.schemas import MESSAGES, generate, on_the_wire

_TAGS: Final = {
    "verdicts": "What a device requests: a challenge, and a verdict on its evidence.",
    "keys": "The TUF repository of the verdict keys.",
    "health": "Liveness, readiness and metrics of one server process.",
    "admin-policies": "Drafts, their simulation, and the policy in force.",
    "admin-campaigns": "The campaigns of the policy in force, and when they begin and end.",
    "admin-devices": "Known devices, their verdicts, and decisions of an operator about them.",
    "admin-unlock-codes": "Codes that unlock a device without a network.",
    "admin-keys": "Rotation and revocation of verdict keys.",
    "admin-clock": "Acceptance of the server's clock after it was wrong.",
    "admin-faults": "Faults in responses of the server, for tests of clients.",
    "admin-audit": "The audit log.",
    "admin-investigation": "The origin of devices in prohibited territories.",
    "admin-shipments": "Which devices were shipped to whom.",
}
_SERVERS: Final = [
    {"url": "/", "description": "The server that sent this document."},
    {"url": "http://127.0.0.1:8021", "description": "`activation serve` with its default settings."},
]
_HEADERS: Final = {
    "X-Request-Id": {
        "description": "A UUID that identifies this request in the server's log; the client's own if it sent one.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next request (RFC 9110 section 10.2.3).",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
_OF_A_FILE: Final = {"$schema", "$id", "$defs", "title"}
_NOT_SENT: Final = {"HTTPValidationError", "ValidationError"}
_COMPONENTS: Final = {
    "AdminCode": "AdminProblemAdminCode",
    "ClearFaultsRequest": "ClearWish",
    "DeviceComparison": "OutlookShown",
    "FaultRequest": "FaultWish",
    "Interval": "IntervalShown",
    "KeyListResponse": "KeyList",
    "KeyState": "KeyShown",
    "OriginDimension": "Dimension",
    "OriginTable": "TableShown",
    "Override": "OverrideShown",
    "Route": "FaultRoute",
    "Share": "ShareShown",
    "ShareFinding": "Finding",
    "UnlockCodeRequest": "Challenged",
    "Week": "WeekShown",
}
"""Published names of schemas whose class has another name. Generated clients depend on them, so they do not change."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, which is generated once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            servers=_SERVERS,
            routes=app.routes,
        )
        for operation in operations(document):
            _complete(operation)
        document["paths"] = on_the_wire(document["paths"])
        tags = {tag for operation in operations(document) for tag in operation["tags"]}
        known = _TAGS | {tag["name"]: tag["description"] for tag in app.openapi_tags or ()}
        document["tags"] = [
            {"name": tag, "description": known[tag]} for tag in sorted(tags, key=[*known].index)
        ]
        components = document.setdefault("components", {})
        components["schemas"] = _schemas(components.get("schemas", {}))
        components |= {"headers": _HEADERS, "responses": _shared_responses(document)}
        app.openapi_schema = _with_published_names(document)
    return app.openapi_schema


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All operations of an OpenAPI document."""
    for methods in document["paths"].values():
        yield from methods.values()


def _schemas(generated: dict[str, Any]) -> dict[str, Any]:
    """The schemas of all routes, and those of the messages as `wire/schemas` has them."""
    schemas = {name: on_the_wire(schema) for name, schema in generated.items()}
    messages = {message.__name__: generate(name) for name, message in MESSAGES.items()}
    messages["NotReady"] = on_the_wire(NotReady.model_json_schema())
    messages["AdminProblem"] = on_the_wire(AdminProblem.model_json_schema())
    for name, schema in messages.items():
        text = json.dumps(schema).replace('"#/$defs/', f'"{SCHEMAS}')
        schemas[name] = {key: part for key, part in json.loads(text).items() if key not in _OF_A_FILE}
        schemas |= json.loads(text).get("$defs", {})
    for name, example in examples().items():
        schemas[name]["examples"] = [example]
    return {name: schema for name, schema in schemas.items() if name not in _NOT_SENT}


def examples() -> dict[str, Any]:
    """One example of each message by the name of its schema. Numbers are from test ranges."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("examples.json").read_text("utf-8"))
    return found


def _complete(operation: dict[str, Any]) -> None:
    """Add a readable id, the errors of every route, and the headers of each response."""
    verb, *words = operation["summary"].split()  # FastAPI makes it of the function's name
    operation["operationId"] = verb.lower() + "".join(words)
    operation["summary"] = " ".join([verb, *map(str.lower, words)])
    operation.setdefault("security", [])
    responses = operation["responses"]
    if (
        responses.get("422", {}).get("description") == "Validation Error"
    ):  # FastAPI's own form, which is not sent
        responses["422"] = error_response("request-invalid: a parameter does not match its description")
    for status, meaning in ALWAYS.items():
        responses.setdefault(str(status), error_response(meaning))
    for status, response in responses.items():
        names = ("X-Request-Id", "Retry-After") if status in ("429", "503") else ("X-Request-Id",)
        references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = references | response.get("headers", {})
    for parameter in operation.get("parameters", ()):
        # An optional parameter is absent; a URL or a header has no null.
        schema = parameter["schema"]
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            others = {name: value for name, value in schema.items() if name != "anyOf"}
            parameter["schema"] = others | choices[0]


def _shared_responses(document: dict[str, Any]) -> dict[str, Any]:
    """Replace the errors that several operations have by references. Returns them by name, such as `Problem413`."""
    found = [
        (operation["responses"], status, json.dumps(response))
        for operation in operations(document)
        for status, response in operation["responses"].items()
        if int(status) >= 400
    ]
    counts = Counter(text for *_, text in found)
    shared: dict[str, Any] = {}
    for responses, status, text in found:
        response = responses[status]
        name = response["content"][media.PROBLEM]["schema"]["$ref"].removeprefix(SCHEMAS) + status
        if counts[text] > 1 and shared.setdefault(name, response) == response:
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def _with_published_names(document: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(document)
    for name, published in _COMPONENTS.items():
        text = text.replace(f'"{SCHEMAS}{name}"', f'"{SCHEMAS}{published}"')
    renamed: dict[str, Any] = json.loads(text)
    schemas = {_COMPONENTS.get(name, name): part for name, part in renamed["components"]["schemas"].items()}
    renamed["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    return renamed
