"""JSON Schemas of the messages, generated from the models: `python -m wire.schemas` writes `wire/schemas/`.

The models are the contract; the schemas express it for programs in other languages, and a test checks that the
committed files are up to date. JSON Schema cannot express everything: for example, that an announced lock is not
earlier than the verdict, or that no member is repeated. A reader must check these rules itself.
"""

import json
from pathlib import Path
from typing import Any, Final

from wire.challenge import Challenge
from wire.evidence import Evidence
from wire.model import Message
from wire.problem import Problem
from wire.verdict import ALLOWED, OPTIONAL_CLAIMS, REQUIRED, Verdict

Schema = dict[str, Any]

MESSAGES: Final[dict[str, type[Message]]] = {
    "challenge": Challenge,
    "evidence": Evidence,
    "problem": Problem,
    "verdict": Verdict,
}
"""Every message that has a schema, by the name of its file."""

FOLDER: Final = Path(__file__).with_name("schemas")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def generate(name: str) -> Schema:
    """The schema of one message.

    >>> generate("challenge")["$id"]
    'urn:solvane:activation:schema:challenge'
    """
    body: Schema = on_the_wire(MESSAGES[name].model_json_schema())
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:solvane:activation:schema:{name}",
        "title": name,
        **body,
    }
    if MESSAGES[name] is Verdict:
        schema["allOf"] = [
            {
                "if": {"properties": {"decision": {"const": decision.value}}},
                "then": {
                    "required": sorted(required),
                    "properties": dict.fromkeys(sorted(OPTIONAL_CLAIMS - ALLOWED[decision]), False),
                },
            }
            for decision, required in REQUIRED.items()
        ]
    return schema


def text(name: str) -> str:
    """The content of the schema's file."""
    return json.dumps(generate(name), indent=2, ensure_ascii=False) + "\n"


def path(name: str) -> Path:
    """The file of one message's schema."""
    return FOLDER / f"{name}.schema.json"


def on_the_wire(value: Any) -> Any:
    """A schema without details of Python: `null` for an absent member, class names as titles."""
    if isinstance(value, list):
        return [on_the_wire(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("default", ...) is None:  # an optional member: absent, never null
        (kind,) = (choice for choice in value["anyOf"] if choice != {"type": "null"})
        value = {name: part for name, part in value.items() if name not in {"anyOf", "default"}} | kind
    if "patternProperties" in value:
        value = value | {"additionalProperties": False}
    if "prefixItems" in value:
        value = value | {"items": {}}
    return {
        name: on_the_wire(part) for name, part in value.items() if name != "title" or isinstance(part, dict)
    }


def main() -> None:
    """Write every schema to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name in MESSAGES:
        path(name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
