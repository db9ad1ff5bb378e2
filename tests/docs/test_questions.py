"""Questions of readers: the table in docs/README.md leads to the words of each answer."""

import re
from pathlib import Path

import pytest

from tests.docs.test_links import slug

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| (.+\?) \| \[.+\]\((\S+?)(?:#(\S+))?\) \|$", re.MULTILINE)
ROWS = ROW.findall((DOCS / "README.md").read_text("utf-8"))
ANSWERS = {
    "How do I run the scenarios of one tag": ("--tag", "-x"),
    "What is the exit code if a scenario passes": ("expected-to-fail", "1"),
    "Where do the results of several CI jobs": ("activation report merge",),
    "How do I get a verified verdict": ("serve --lab", "/lab/v1"),
    "What happens when a client sends too many": ("429", "Retry-After"),
    "Where do I see what a new policy would": ("activation policy diff",),
    "How do I restore": ("--restored", "revocations"),
    "In which order does the agent verify": ("signature-invalid", "nonce-mismatch"),
    "What happens if a verdict key is stolen": ("stolen", "revoke"),
    "How do I try my own verifier": ("verdict-vectors.json",),
    "Which package may import which": ("imports only",),
}
"""What the answer to each question says."""


def section(page: str, anchor: str) -> str:
    """The text below a heading, with what is below the headings in it; the whole page without an anchor."""
    text = (DOCS / page).read_text("utf-8")
    if not anchor:
        return text
    parts = re.split(r"^(#+) +(.*?) *$", text, flags=re.MULTILINE)
    [start] = [index for index in range(2, len(parts), 3) if slug(parts[index]) == anchor]
    found = parts[start + 1]
    for index in range(start + 2, len(parts), 3):
        if len(parts[index]) <= len(parts[start - 1]):
            break
        found += parts[index + 2]
    return found


def test_each_kind_of_reader_has_questions() -> None:
    readers = [page.partition("/")[0] for _, page, _ in ROWS]
    assert readers == ["qa"] * 3 + ["developers"] * 4 + ["security"] * 3 + ["design"]


@pytest.mark.parametrize(("question", "page", "anchor"), ROWS, ids=lambda value: value[:40])
def test_page_of_a_question_answers_it(question: str, page: str, anchor: str) -> None:
    [words] = [words for begin, words in ANSWERS.items() if question.startswith(begin)]
    found = section(page, anchor)
    assert [word for word in words if word not in found] == []
