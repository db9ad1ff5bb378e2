"""The OpenAPI document, with the schemas of what travels inside the tokens and with what holds for every route."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from server_stub.api.admin.problems import AdminProblem
from server_stub.api.examples import EXAMPLES
from server_stub.api.openapi_responses import ALWAYS, REQUEST_ID, RETRY_AFTER, any_response, invalid_response
from wire.evidence import Evidence
from wire.problem import Problem
from wire.verdict import Verdict

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FRAMEWORKS_OWN: Final = "Validation Error"
_REFERENCES: Final = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for message in (Evidence, Verdict, Problem, AdminProblem):
            _add(schemas, message)
        for name, example in EXAMPLES.items():
            schemas[name]["examples"] = [example]
        for operation in _operations(document):
            _complete(operation)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


def _add(schemas: dict[str, Any], message: type[BaseModel]) -> None:
    """The schema of `message` and of its parts, under names of their own where others have those names."""
    schema = message.model_json_schema(ref_template=_REFERENCES)
    parts = schema.pop("$defs", {})
    if any(schemas.get(name, part) != part for name, part in parts.items()):
        prefix = message.__name__
        schema = message.model_json_schema(ref_template=_REFERENCES.replace("{", prefix + "{"))
        parts = {prefix + name: part for name, part in schema.pop("$defs").items()}
    schemas.update(parts)
    schemas[message.__name__] = schema


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from (methods[name] for name in methods if name in _METHODS)


def _complete(operation: dict[str, Any]) -> None:
    """What holds for every route: the answers of the gate, and the number of the request in each answer."""
    answers = operation["responses"]
    if answers.get("422", {}).get("description") == _FRAMEWORKS_OWN:
        answers["422"] = invalid_response()
    for status in ALWAYS:
        answers.setdefault(str(status), any_response(status))
    for status, answer in answers.items():
        retry = RETRY_AFTER if status in ("429", "503") else {}
        answer["headers"] = REQUEST_ID | retry | answer.get("headers", {})
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _without_null(parameter["schema"])


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be left out is left out; there is no null in a URL or a header."""
    choices: list[dict[str, Any]] = [
        choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}
    ]
    if len(choices) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | choices[0]
