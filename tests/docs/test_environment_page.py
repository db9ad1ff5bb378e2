"""Each row of the page on faults of the environment names a test."""

import re
from pathlib import Path

from server_stub.verdicts.outage import Outage

ROOT = Path(__file__).parents[2]


def test_each_row_names_a_test_that_exists() -> None:
    page = (ROOT / "docs/developers/environment.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.endswith("| test |")]
    names = [re.findall(r"`(test_\w+)`", row.split("|")[-2]) for row in rows]
    tests = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").glob("*/**/test_*.py"))
    assert len(rows) >= 16
    assert all(names)
    assert [name for row in names for name in row if f"def {name}(" not in tests] == []


def test_every_reason_and_every_test_of_an_outage_is_on_the_page() -> None:
    page = (ROOT / "docs/developers/environment.md").read_text("utf-8")
    outages = (ROOT / "tests/integration/device_server/test_outages.py").read_text("utf-8")
    assert [name for name in re.findall(r"^def (test_\w+)", outages, re.MULTILINE) if name not in page] == []
    assert [outage for outage in Outage if f"`{outage}`" not in page] == []
