"""The guide for writers of a client has each check of the vectors, in the row of its step."""

import json
import re
from pathlib import Path

from lab.attacks.vectors import FILE

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "developers" / "writing-a-client.md").read_text("utf-8")


def test_the_table_of_steps_has_the_checks_of_the_vectors() -> None:
    vectors = json.loads((DOCS / "security" / FILE).read_text("utf-8"))["vectors"]
    endings = [vector["expect"] for vector in vectors if vector["expect"]["result"] == "refused"]
    table = {
        (int(step), code)
        for step, row in re.findall(r"^\| (\d+) \| (.*) \|$", GUIDE, re.MULTILINE)
        for names in re.findall(r"\(([^()]+)\)", row)
        for code in re.findall(r"`([^`]+)`", names)
    }
    assert table == {(ending["step"], ending["code"]) for ending in endings}
