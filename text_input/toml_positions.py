"""Line numbers of keys in TOML (toml.io, v1.0.0). The standard library's parser does not report them.

The text is cut into statements. A statement is the fewest lines that parse by themselves, so the parser decides where
a multi-line array or string ends. A key inside an inline table or an array gets the line on which its statement begins.
"""

import tomllib
from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str | int, ...]
"""Keys and indices from the top of the document, for example `("rules", 2, "when", "intent")`."""

_CLOSING: Final = ("]", '"""', "'''")
"""The last line of a statement that has several lines contains one of these."""
_ATTEMPTS_MAX: Final = 200
"""After so many failed attempts to parse one statement, the rest of the document is not read. Bounds the time."""


class TomlPositions:
    """The lines of a document, which must parse as TOML. `lines` maps each table header and key to its line.

    >>> TomlPositions('[a]\\nb = [\\n  1,\\n]\\n[[c]]\\nd = 2').lines
    {('a',): 1, ('a', 'b'): 2, ('c',): 5, ('c', 0): 5, ('c', 0, 'd'): 6}
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        for number, is_header, parsed in _statements(text):
            if is_header:
                table = self._add_header(parsed, number)
            else:
                for path in _keys(parsed):
                    self.lines.setdefault(table + path, number)

    def line_of(self, path: Path) -> int:
        """The line of `path`, counted from 1. If `path` is absent: of the closest table around it, or else 1."""
        return next(
            (self.lines[path[:size]] for size in range(len(path), 0, -1) if path[:size] in self.lines), 1
        )

    def _add_header(self, parsed: Any, number: int) -> Path:
        """Record a table header. Returns its path with the index of each array of tables in it."""
        path: Path = ()
        while isinstance(parsed, dict) and parsed:
            [(name, parsed)] = parsed.items()
            path = (*path, name)
            if isinstance(parsed, list):
                self.lines.setdefault(path, number)
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        self.lines.setdefault(path, number)
        return path


def _statements(text: str) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    """Each statement: its first line, whether it is a table header, and its value. Skips empty lines and comments."""
    pending: list[str] = []
    attempts = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        pending.append(line)
        if len(pending) > 1 and not any(mark in line for mark in _CLOSING):
            continue
        if attempts == _ATTEMPTS_MAX:
            return
        try:
            parsed = tomllib.loads("\n".join(pending))
        except tomllib.TOMLDecodeError:
            attempts += 1
            continue
        if parsed:
            yield number - len(pending) + 1, pending[0].lstrip().startswith("["), parsed
        pending.clear()
        attempts = 0


def _keys(parsed: dict[str, Any]) -> Iterator[Path]:
    """The keys of a statement, outermost first."""
    for name, value in parsed.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *inner) for inner in _keys(value))
