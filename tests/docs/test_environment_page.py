"""Each row of the page on faults of the environment names a test."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_row_names_a_test_that_exists() -> None:
    page = (ROOT / "docs/developers/environment.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    names = [re.findall(r"`(test_\w+)`", row.split("|")[-2]) for row in rows]
    tests = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").glob("*/**/test_*.py"))
    assert len(rows) >= 6
    assert all(names)
    assert [name for row in names for name in row if f"def {name}(" not in tests] == []
