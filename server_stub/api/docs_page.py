"""The OpenAPI document as a page for people: one file of plain HTML.

FastAPI's own page loads a viewer from a network that a lab may not have.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import Any, Final

from server_stub.api.openapi_responses import ALWAYS

_CODE: Final = re.compile(r"`([^`]+)`")
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def page(document: dict[str, Any]) -> str:
    """The document, self-contained. Operations are in the order of the document, under their tags."""
    operations = [
        (operation, method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    groups = groupby(operations, key=lambda each: each[0].get("tags", ["others"])[0])
    info = document["info"]
    return _PAGE.format(
        title=escape(info["title"]),
        description=escape(info["description"]),
        always=_table(("Status", "Meaning"), ((str(s), escape(text)) for s, text in ALWAYS.items())),
        operations="".join(
            f"<h3>For {escape(tag)}</h3>" + "".join(_operation(*each) for each in group)
            for tag, group in groups
        ),
        schemas="".join(_schema(*each) for each in sorted(document["components"]["schemas"].items())),
    )


def _operation(operation: dict[str, Any], method: str, path: str) -> str:
    """What is its own: the answers that every route may give stand once, at the top."""
    answers = [
        (escape(status), escape(", ".join(answer.get("content", {}))), _text(answer["description"]))
        for status, answer in sorted(operation["responses"].items())
        if answer["description"] != ALWAYS.get(_number(status))
    ]
    parameters = [
        (f"<code>{escape(each['name'])}</code>", escape(each["in"]), _text(each.get("description", "")))
        for each in operation.get("parameters", ())
    ]
    return (
        f"<h4><code>{escape(method.upper())} {escape(path)}</code></h4>"
        f"<p>{_text(operation.get('description', ''))}</p>"
        + _body(operation.get("requestBody", {}).get("content", {}))
        + (_table(("Parameter", "In", "Meaning"), parameters) if parameters else "")
        + _table(("Status", "Media type", "Meaning"), answers)
    )


def _body(content: dict[str, Any]) -> str:
    if not content:
        return "<p>Body: none</p>"
    return "".join(f"<p>Body: {escape(name)} {_name(each['schema'])}</p>" for name, each in content.items())


def _name(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _schema(name: str, schema: dict[str, Any]) -> str:
    shown = json.dumps(schema, indent=2, ensure_ascii=False)
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<pre>{escape(shown)}</pre></details>"
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """`rows` are HTML."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{lines}</table>"


def _text(text: str) -> str:
    """Paragraphs, and code between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text).replace("\n\n", "<br>"))


def _number(status: str) -> int:
    return int(status) if status.isdigit() else 0


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100%; margin: .5rem 0 }}
td, th {{ border: 1px solid #999; padding: .2rem .5rem; text-align: left; vertical-align: top }}
h4 {{ margin: 2rem 0 .5rem; border-top: 1px solid #ccc; padding-top: 1rem }}
p {{ margin: .3rem 0 }}
pre {{ background: #f4f4f4; color: #111; padding: .5rem; overflow: auto }}
</style></head><body>
<h1>{title}</h1><p>{description}</p>
<p>For machines: <a href="/openapi.json">/openapi.json</a></p>
<h2>On every route</h2>
<p>Each answer carries <code>X-Request-Id</code>, a UUID that names the request in the server's log; a client
may send its own. A 429 and a 503 carry <code>Retry-After</code> in seconds.
Each route may also answer, with a problem document:</p>
{always}
<h2>Operations</h2>{operations}
<h2>Schemas</h2>{schemas}
</body></html>
"""
