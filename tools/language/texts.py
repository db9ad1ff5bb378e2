"""Texts of the repository: what a person reads of each file, with its line numbers."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

Text = tuple[int, str]
"""A line number, counted from 1, and the text of that line."""


def tracked() -> list[Path]:
    """The files of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for path in map(Path, names) if path.is_file()]


def texts(path: Path) -> Iterator[Text]:
    """The lines of `path` that a person reads. Raises SyntaxError for Python that does not parse."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _python(content)
    elif path.suffix == ".md":
        yield from _lines(_INLINE_CODE.sub("``", _FENCED_CODE.sub(_blank, content)))
    elif path.name == "Makefile":
        yield from ((number, line) for number, line in _lines(content) if "#" in line)
    elif path.name.endswith(".scenario.yaml"):
        yield from ((number, line) for number, line in _lines(content) if _SCENARIO_PROSE.match(line))
    else:
        yield from _lines(content)


_INLINE_CODE: Final = re.compile(r"`[^`\n]*`")
_FENCED_CODE: Final = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)

_SCENARIO_PROSE: Final = re.compile(r"\s*(name: |about: |note: |#)")
"""The other lines have names and words of the file format, which are stable."""


def _blank(code: re.Match[str]) -> str:
    """As many line ends as there were, so that the numbers of the other lines stay."""
    return "\n" * code[0].count("\n")


def _lines(text: str, first: int = 1) -> Iterator[Text]:
    return enumerate(text.splitlines(), start=first)


def _python(content: str) -> Iterator[Text]:
    """Comments, strings of several words (docstrings, messages, help), and the names of tests as words."""
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield from _lines(_INLINE_CODE.sub("``", node.value), node.lineno)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
