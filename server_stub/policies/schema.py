"""The published JSON Schema of a policy document: `python -m server_stub.policies.schema` writes it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from server_stub.policy.document import PolicyDocument

FILE: Final = Path(str(files(__package__))) / "policy.schema.json"


def schema() -> str:
    """The text of the schema (JSON Schema draft 2020-12). A TOML date-time is a string of that format."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:solvane:activation:schema:policy",
        **_without_null(PolicyDocument.model_json_schema(by_alias=True)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _without_null(node: Any) -> Any:
    """TOML has no null: optional members are absent, and the descriptions say what applies then."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    members = {key: _without_null(value) for key, value in node.items() if key != "default"}
    alternatives = [each for each in members.pop("anyOf", []) if each != {"type": "null"}]
    return (
        members | alternatives[0]
        if len(alternatives) == 1
        else members | ({"anyOf": alternatives} if alternatives else {})
    )


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
