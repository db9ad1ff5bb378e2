"""The OpenAPI document with the schemas of what travels inside the tokens, and a page that shows it.

The page is one file of plain HTML: FastAPI's own loads a viewer from a network that a lab may not have.
"""

import json
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from server_stub.api.admin.problems import AdminProblem
from server_stub.api.described import ALWAYS, REQUEST_ID, RETRY_AFTER, problem_response
from server_stub.api.examples import EXAMPLES
from wire.evidence import Evidence
from wire.problem import Problem
from wire.verdict import Verdict

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
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
    for status in ALWAYS:
        answers.setdefault(str(status), problem_response(status))
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


def page(document: dict[str, Any]) -> str:
    """The document for people, self-contained."""
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f"<details><summary><code>{escape(name)}</code></summary><pre>{_json(schema)}</pre></details>"
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    info = document["info"]
    return _PAGE.format(
        title=escape(info["title"]),
        description=escape(info["description"]),
        operations=operations,
        schemas=schemas,
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(', '.join(answer.get('content', {})))}</td>"
        f"<td>{escape(answer['description'])}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    body = ", ".join(operation.get("requestBody", {}).get("content", {})) or "none"
    return (
        f"<h3><code>{escape(method.upper())} {escape(path)}</code></h3>"
        f"<p>{escape(operation.get('description', ''))}</p><p>Body: {escape(body)}</p>"
        f"<table><tr><th>Status</th><th>Media type</th><th>Meaning</th></tr>{answers}</table>"
    )


def _json(value: object) -> str:
    return escape(json.dumps(value, indent=2, ensure_ascii=False))


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border: 1px solid #999; padding: .2rem .5rem; text-align: left; vertical-align: top }}
pre {{ background: #f4f4f4; color: #111; padding: .5rem; overflow: auto }}
</style></head><body>
<h1>{title}</h1><p>{description}</p>
<p>For machines: <a href="/openapi.json">/openapi.json</a></p>
<h2>Operations</h2>{operations}
<h2>Schemas</h2>{schemas}
</body></html>
"""
