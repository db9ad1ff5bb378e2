"""The form of the pages: how many words they have, how long their lines are, how each begins and ends."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MOST_WORDS = 35_000
LONGEST = 140
PAGES = sorted(DOCS.rglob("*.md"))
OUTSIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
READERS = [page for page in PAGES if page.parent.name != "adr"]
MARK = re.compile(r"[-*+] |\d+\. ")
"""The begin of an item of a list."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> list[str]:
    """The lines outside blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL).split("\n")


def test_docs_have_at_most_their_budget_of_words() -> None:
    assert len(PAGES) > 40
    assert sum(len(page.read_text("utf-8").split()) for page in PAGES) <= MOST_WORDS


@pytest.mark.parametrize("page", [*PAGES, *OUTSIDE], ids=name)
def test_lines_outside_tables_are_short(page: Path) -> None:
    assert [line for line in prose(page) if len(line) > LONGEST and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_list_begins_after_an_empty_line(page: Path) -> None:
    """Markdown of the static site does not see another list."""
    joined = [
        line
        for before, line in pairwise(prose(page))
        if MARK.match(line) and before and not MARK.match(before) and not before.startswith(" ")
    ]
    assert joined == []


def test_site_has_each_page_that_is_no_decision() -> None:
    """Decisions are reached from their index."""
    listed = re.findall(r'"([^"]+\.md)"', (ROOT / "zensical.toml").read_text("utf-8"))
    pages = [str(page.relative_to(DOCS)) for page in [*READERS, DOCS / "adr" / "README.md"]]
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", READERS, ids=name)
def test_page_begins_with_its_purpose_and_ends_with_the_next_page(page: Path) -> None:
    title, *lines = [line for line in page.read_text("utf-8").split("\n") if line]
    assert title.startswith("# ")
    assert re.match(r"[A-Z`]", lines[0])
    last = page.read_text("utf-8").rstrip().split("\n\n")[-1]
    assert last.startswith("Next: ")
