"""The published JSON Schema of scenario files. `python -m lab.scenario.files.schema` writes it.

Editors use it to complete and check files. The reader uses only the models.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from lab.scenario.model.includes import IncludeStep
from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step_union import BARE

FILE: Final = Path(__file__).parent / "schema" / "scenario.schema.json"
INCLUDED_FILE: Final = FILE.with_name("included.schema.json")
_LEAVES: Final = ("string", "integer", "number", "boolean")
_PARAMETER: Final = {"$ref": "#/$defs/parameter"}
_INCLUDE_STEP: Final = {"$ref": "#/$defs/IncludeStep"}
_STEP: Final = {"$ref": "#/$defs/step"}


def generate() -> dict[str, Any]:
    """The schema, JSON Schema draft 2020-12."""
    models = [(Scenario, "validation"), (IncludeStep, "validation")]
    both = models_json_schema(models, ref_template="#/$defs/{model}")[1]["$defs"]  # type: ignore[arg-type]
    definitions = _allow_parameters({"$defs": _plain(both)})["$defs"]
    body = definitions.pop("Scenario") | {"$defs": definitions}
    body["$defs"]["parameter"] = {
        "type": "string",
        "pattern": r"\$\{[a-z][a-z0-9-]*\}",
        "description": "A parameter's value.",
    }
    # A parameter can have a list of faults as its value.
    faults = body["$defs"]["WorldTable"]["properties"]["faults"]
    body["$defs"]["WorldTable"]["properties"]["faults"] = {"anyOf": [faults, _PARAMETER]}
    steps = body["properties"]["steps"]
    # Each step requires its own verb, so at most one alternative matches; anyOf is sufficient.
    body["$defs"]["step"] = {
        "anyOf": [*steps["items"]["oneOf"], {"enum": list(BARE)}, _PARAMETER, _INCLUDE_STEP]
    }
    table = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/IncludeTable"}]}
    included = {"anyOf": [*table["anyOf"], {"type": "array", "minItems": 1, "items": table}]}
    handsets = body["properties"]["handsets"]
    handsets["properties"] = {"include": included}
    names = {
        f"^(?!include$){name.removeprefix('^')}": one for name, one in handsets["patternProperties"].items()
    }
    handsets["patternProperties"] = names
    rows = body["properties"]["examples"]
    body["properties"]["examples"] = {"anyOf": [rows, {"type": "string", "pattern": r"\.csv$"}]}
    steps |= {"items": _STEP, "minItems": 1}
    body["$defs"]["CutPower"]["properties"]["during"] = _STEP
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:solvane:activation:schema:scenario",
        **body,
    }


def generate_included() -> dict[str, Any]:
    """The schema of files that scenarios include; it refers to the file of the other schema."""
    steps, handsets = ({"$ref": f"{FILE.name}#/properties/{name}"} for name in ("steps", "handsets"))
    parts = {
        "about": {"type": "string"},
        "parameters": {"type": "object"},
        "handsets": handsets,
        "steps": steps,
    }
    table = {"type": "object", "properties": parts, "additionalProperties": False}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "anyOf": [steps, table]}


def text(schema: dict[str, Any] | None = None) -> str:
    """The contents of a schema file, by default of that of scenarios."""
    return json.dumps(schema or generate(), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """The schema without titles that repeat a name and without `null` defaults, and with `minItems` for lists."""
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


def _allow_parameters(value: Any) -> Any:
    """The schema with a parameter as an alternative to every value."""
    if isinstance(value, list):
        return [_allow_parameters(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in _LEAVES or "enum" in value or "const" in value:
        described = {name: value[name] for name in ("description", "default") if name in value}
        bare = {name: part for name, part in value.items() if name not in described}
        return {"anyOf": [bare, _PARAMETER], **described}
    found = {}
    for name, part in value.items():
        if name in ("properties", "$defs", "patternProperties") and isinstance(part, dict):
            found[name] = {inner: _allow_parameters(schema) for inner, schema in part.items()}
        elif name in ("propertyNames", "default", "required", "mapping", "discriminator"):
            found[name] = part  # these contain no schemas
        else:
            found[name] = _allow_parameters(part)
    return found


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(generate()), encoding="utf-8")
    INCLUDED_FILE.write_text(text(generate_included()), encoding="utf-8")
