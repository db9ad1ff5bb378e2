"""The published JSON Schema of a profile: `python -m firmware_profiles.schema` writes it."""

import json
from typing import Final

from firmware_profiles.loader import FOLDER
from firmware_profiles.model import Profile

FILE: Final = FOLDER / "profile.schema.json"


def schema() -> str:
    """The content of the schema file (JSON Schema draft 2020-12)."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
