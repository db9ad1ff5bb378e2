"""Decision records: their form, and the index."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
MOST = 30


def test_decisions_are_few_and_their_numbers_have_no_gap() -> None:
    assert [int(record.name[:2]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))
    assert len(RECORDS) <= MOST


def test_index_has_the_number_title_subject_and_status_of_each_record() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\): (\w+)$", index, re.MULTILINE)
    expected = []
    for record in RECORDS:
        title, _, status = record.read_text("utf-8").split("\n", 3)[:3]
        found = re.fullmatch(r"Status: (\w+)\. Date: \d{4}-\d\d-\d\d\. Subject: \w+\.", status)
        assert found, record.name
        number, _, words = title.removeprefix("# ").partition(". ")
        expected.append((number, words, record.name, found[1]))
    assert sorted(listed, key=lambda row: int(row[0])) == expected


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_record_says_what_was_decided_and_what_follows(record: Path) -> None:
    lines = record.read_text("utf-8").split("\n")
    assert "## Decision" in lines
    assert "## Consequences" in lines
