"""The published JSON Schema of scenario files: `python -m lab.scenario.files.schema` writes it anew.

It is for editors, which complete and check with it; the reader judges by the models alone.
"""

import json
from pathlib import Path
from typing import Any, Final

from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step_union import BARE

FILE: Final = Path(__file__).parent / "schema" / "scenario.schema.json"
_LEAVES: Final = ("string", "integer", "number", "boolean", "null")
_PARAMETER: Final = {"$ref": "#/$defs/parameter"}
_STEP: Final = {"$ref": "#/$defs/step"}


def generate() -> dict[str, Any]:
    """The schema, JSON Schema draft 2020-12."""
    body: dict[str, Any] = _open_to_parameters(_plain(Scenario.model_json_schema()))
    body["$defs"]["parameter"] = {
        "type": "string",
        "pattern": r"\$\{[a-z][a-z0-9-]*\}",
        "description": "A parameter's value.",
    }
    # A table of named faults is what a matrix is made of.
    faults = body["$defs"]["WorldTable"]["properties"]["faults"]
    body["$defs"]["WorldTable"]["properties"]["faults"] = {"anyOf": [faults, _PARAMETER]}
    steps = body["properties"]["steps"]
    # Steps differ by the verb that they must have, so that any of them will do where one does.
    body["$defs"]["step"] = {"anyOf": [*steps["items"]["oneOf"], {"enum": list(BARE)}, _PARAMETER]}
    steps |= {"items": _STEP, "minItems": 1}
    body["$defs"]["CutPower"]["properties"]["during"] = _STEP
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:solvane:activation:schema:scenario",
        **body,
    }


def text() -> str:
    """The schema as its file holds it."""
    return json.dumps(generate(), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Without titles that only repeat a name or `null` for what is left out, and with the usual word for lists."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {name: _plain(part) for name, part in value.items() if name != "title" or isinstance(part, dict)}
    if found.get("type") == "array" and "minLength" in found:
        found["minItems"] = found.pop("minLength")
    if found.get("default", ...) is None:
        del found["default"]
    return found


def _open_to_parameters(value: Any, *, leaf: bool = True) -> Any:
    """Wherever a value stands a parameter may stand."""
    if isinstance(value, list):
        return [_open_to_parameters(part) for part in value]
    if not isinstance(value, dict):
        return value
    if leaf and (value.get("type") in _LEAVES[:-1] or "enum" in value or "const" in value):
        described = {name: value[name] for name in ("description", "default") if name in value}
        bare = {name: part for name, part in value.items() if name not in described}
        return {"anyOf": [bare, _PARAMETER], **described}
    return {name: _named(name, part) for name, part in value.items()}


def _named(name: str, part: Any) -> Any:
    """Members of a schema that hold schemas by name, and those that hold none at all."""
    if name in ("properties", "$defs", "patternProperties") and isinstance(part, dict):
        return {inner: _open_to_parameters(schema) for inner, schema in part.items()}
    if name in ("propertyNames", "default", "required", "mapping", "discriminator"):
        return part
    return _open_to_parameters(part)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
