"""The OpenAPI document as one HTML page without scripts.

FastAPI's own page loads a viewer from the internet, which a lab may not reach.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

from server_stub.api.error_responses import ALWAYS

_CODE: Final = re.compile(r"`([^`]+)`")


def page(document: dict[str, Any]) -> str:
    """The page, which is self-contained. Operations are in the order of the document, below their tag."""
    tags: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tags[operation["tags"][0]].append(_operation(operation, method, path, document["components"]))
    info = document["info"]
    return _PAGE.format(
        style=_STYLE,
        title=escape(info["title"]),
        description=escape(info["description"]),
        always=_table(("Status", "Meaning"), ((str(s), escape(text)) for s, text in ALWAYS.items())),
        operations="".join(
            f"<h3>{escape(tag['name'])}</h3><p>{_text(tag['description'])}</p>" + "".join(tags[tag["name"]])
            for tag in document["tags"]
        ),
        schemas="".join(
            f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
            f"<pre>{escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre></details>"
            for name, schema in document["components"]["schemas"].items()
        ),
    )


def _operation(operation: dict[str, Any], method: str, path: str, components: dict[str, Any]) -> str:
    """One operation, without the responses that every route has; the page lists them once, at the top."""
    always = {str(status): meaning for status, meaning in ALWAYS.items()}
    found = {
        status: components["responses"][response["$ref"].rpartition("/")[2]]
        if "$ref" in response
        else response
        for status, response in sorted(operation["responses"].items())
    }
    responses = [
        (escape(status), escape(", ".join(response.get("content", {}))), _text(response["description"]))
        for status, response in found.items()
        if response["description"] != always.get(status)
    ]
    parameters = [
        (f"<code>{escape(each['name'])}</code>", escape(each["in"]), _text(each.get("description", "")))
        for each in operation.get("parameters", ())
    ]
    bodies = []
    for media_type, each in operation.get("requestBody", {}).get("content", {}).items():
        name = escape(each["schema"].get("$ref", "").rpartition("/")[2])
        link = f'<a href="#{name}">{name}</a>' if name else ""
        bodies.append(f"<p>Body: {escape(media_type)} {link}</p>")
    return (
        f'<h4 id="{escape(operation["operationId"])}"><code>{escape(method.upper())} {escape(path)}</code></h4>'
        f"<p>{_text(operation.get('description', ''))}</p>"
        + ("".join(bodies) or "<p>Body: none</p>")
        + (_table(("Parameter", "In", "Meaning"), parameters) if parameters else "")
        + _table(("Status", "Media type", "Meaning"), responses)
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """`rows` are HTML."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{lines}</table>"


def _text(text: str) -> str:
    """Converts paragraphs, and code between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text).replace("\n\n", "<br>"))


_STYLE: Final = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { border: 1px solid #999; padding: .2rem .5rem; text-align: left; vertical-align: top }
h4 { margin: 2rem 0 .5rem; border-top: 1px solid #ccc; padding-top: 1rem }
p { margin: .3rem 0 }
pre { background: #f4f4f4; color: #111; padding: .5rem; overflow: auto }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the page: only its own style."""

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>{style}</style></head><body>
<h1>{title}</h1><p>{description}</p>
<p>For machines: <a href="/openapi.json">/openapi.json</a></p>
<h2>On every route</h2>
<p>Each response has <code>X-Request-Id</code>, a UUID that identifies the request in the server's log; a client
may send its own. A 429 and a 503 have <code>Retry-After</code> in seconds.
Each route can also send these problem documents:</p>
{always}
<h2>Operations</h2>{operations}
<h2>Schemas</h2>{schemas}
</body></html>
"""
