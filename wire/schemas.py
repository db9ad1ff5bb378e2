"""JSON Schemas of the messages, generated from the models: `python -m wire.schemas` writes `wire/schemas/`.

The models are the contract; the schemas say the same to whoever does not read Python, and a test holds the
committed files equal to what is generated here. What JSON Schema cannot say (that an announced lock
does not lie before the verdict, that a member is named once) is left to the reader's own checks.
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
    body: Schema = _on_the_wire(MESSAGES[name].model_json_schema())
    schema: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:solvane:activation:schema:{name}",
        "title": name,
        **body,
    }
    if MESSAGES[name] is Verdict:
        schema["allOf"] = _completeness()
    return schema


def text(name: str) -> str:
    """The schema as it stands in its file."""
    return json.dumps(generate(name), indent=2, ensure_ascii=False) + "\n"


def path(name: str) -> Path:
    """Where the schema of one message is kept."""
    return FOLDER / f"{name}.schema.json"


def _on_the_wire(value: Any) -> Any:
    """The schema without what holds in Python alone: `null` for absence, names of classes as titles."""
    if isinstance(value, list):
        return [_on_the_wire(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("default", ...) is None:
        value = _without_null(value)
    if "patternProperties" in value:
        value = value | {"additionalProperties": False}
    return {
        name: _on_the_wire(part) for name, part in value.items() if name != "title" or isinstance(part, dict)
    }


def _without_null(optional: Schema) -> Schema:
    kind: Schema
    (kind,) = (choice for choice in optional["anyOf"] if choice != {"type": "null"})
    return {name: part for name, part in optional.items() if name not in {"anyOf", "default"}} | kind


def _completeness() -> list[Schema]:
    """What each decision must and must not carry."""
    return [
        {
            "if": {"properties": {"decision": {"const": decision.value}}},
            "then": {
                "required": sorted(REQUIRED[decision]),
                "properties": dict.fromkeys(sorted(OPTIONAL_CLAIMS - ALLOWED[decision]), False),
            },
        }
        for decision in REQUIRED
    ]


def main() -> None:
    """Write every schema to its file."""
    FOLDER.mkdir(exist_ok=True)
    for name in MESSAGES:
        path(name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
