"""libyaml and the Python loader of scenario files give the same tree with the same positions, or the same errors."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.scenario.files import yaml_positions
from lab.scenario.files.errors import ScenarioError

SCENARIOS = Path(__file__).parents[5] / "scenarios"
EVERYTHING = re.compile("")


def outcome(text: str) -> tuple[Any, ...]:
    """Value and positions of a document, or its errors."""
    try:
        tree = yaml_positions.parse(text, "x")
    except ScenarioError as error:
        return "rejected", error.errors
    return "read", tree.value, tree.positions


def by_python(text: str) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_positions, "_PURE_ONLY", EVERYTHING)
        return outcome(text)


def test_every_shipped_file_has_the_same_tree() -> None:
    shipped = sorted(SCENARIOS.rglob("*.scenario.yaml"))
    assert len(shipped) > 100
    fast = 0
    for file in shipped:
        text = file.read_text("utf-8")
        assert outcome(text) == by_python(text), file
        fast += not yaml_positions._PURE_ONLY.search(text)
    assert fast > 0.9 * len(shipped)


VALID = {
    "nothing after a key": "a:\nb:\nc: 1",
    "comments": "# before\na: 1 # after\n# between\nb: [1,\n  # inside\n  2]\n",
    "Unicode": "é: ü\nb: [😀, {ñ: 日本}] # ç\nc: 1",
    "NEL and LINE SEPARATOR": "a: b\x85  c\nd: e\u2028  f\ng: 1",
    "CRLF": "a: 1\r\nb: |\r\n  c\r\n  d\r\ne: 'f\r\n  g'\r\n",
    "CR": "a: 1\rb: 2\r",
    "long line": f"a: {'b ' * 5000}\nc: 1",
    "byte order mark": "\ufeffa: 1\nb: 2",
    "byte order mark inside": "a: 1\n\ufeffb: 2",
    "two byte order marks": "\ufeff\ufeffa: 1",
    "literal": "a: |\n  b\n\n   c\nd: |+\n  e\n\n\nf: |2-\n   g\nh: 1",
    "folded": "a: >\n  b\n  c\n\n  d\n   e\nf: >-\n\n  g\nh: 1",
    "quoted over lines": "a: 'b\n\n  c'\nd: \"e\\\n  f\\u00e9\\t\"\ng: 1",
    "plain over lines": "a: b\n  c\n\n  d\ne: 1",
    "nested": "- - a\n  - b: 1\n    c:\n    - d\n-\n  - {e: [f, {g: h}], i: }\n",
    "explicit key": "? a\n: b",
    "question mark": "a: b?c\nd: e?",
    "document start": "---\na: 1\n...\n",
    "directive": "%YAML 1.1\n---\na: 1",
    "only document start": "---",
    "quoted JSON": '{"a":1,"b":[true,null]}',
    "colons": "a: b:c\nd: http://e/f",
    "numbers": "[1, 01, 1.5, 1e3, -0, 0x10, 1_0, 12:30]",
}
REJECTED = {
    "duplicate key": "a: 1\nb: {c: 1, c: 2}\na: 3",
    "empty": "",
    "only a comment": "# a\n",
    "only a byte order mark": "\ufeff",
    "list not closed": "a: [1,\nb: 2",
    "wrong bracket": "a: {b: [c}",
    "quote not closed": "a: 'b\nc: 1",
    "unknown escape": 'a: "\\q"',
    "text after a quote": "a: 'b' c",
    "two mappings in a line": "a: b: c",
    "wrong indent": "  a: 1\n b: 2",
    "list in a mapping": "a: b\n- c",
    "key without colon": "a: 1\nb\nc: 2",
    "long key": f"{'a' * 1025}: 1",
    "comment after the mark of a literal": "a: |#b\n  c",
    "indentation 0": "a: |0\n b",
    "reserved character": "a: @b",
    "NUL": "a: \x00",
    "unpaired surrogate": "a: \ud800",
    "escaped surrogate": 'a: "\\ud800"',
    "two documents": "a: 1\n---\nb: 2",
    "anchor": "a: &b 1\nc: *b",
    "tag": "a: !!str 1",
    "question mark in a list": "a: [b?c]",
    "tab": "a:\n\tb: 1",
    "too deep": "[" * 30 + "]" * 30,
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID)
def test_valid_document_has_the_same_tree(text: str) -> None:
    assert outcome(text)[0] == "read"
    assert outcome(text) == by_python(text)


@pytest.mark.parametrize("text", REJECTED.values(), ids=REJECTED)
def test_invalid_document_has_the_same_error(text: str) -> None:
    assert outcome(text)[0] == "rejected"
    assert outcome(text) == by_python(text)


PARTS = [
    *"ab:-,[]{}?#|>'\"\\~0.é😀 \n\r",
    ": ",
    "- ",
    "\n  ",
    "\r\n",
    "---",
    "...",
    "\ufeff",
    "\u2028",
    "\x85",
]


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_any_document_has_the_same_tree_or_the_same_error(text: str) -> None:
    assert outcome(text) == by_python(text)
