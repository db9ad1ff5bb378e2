"""TOML (toml.io, v1.0.0) from outside: bounded before it is parsed, errors with a line, and the line of each key.

The parser of the standard library reads the values. It does not report lines, recurses for each nested array, and
fails with other errors than its own for numbers that are too long.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str | int, ...]
"""Keys and indices from the top of the document, for example `("rules", 2, "when", "intent")`."""

SIZE_MAX: Final = 256 * 1024
"""Longest document, in characters."""
FILE_MAX: Final = 4 * SIZE_MAX
"""Longest file of a document, in bytes: each character of UTF-8 has at most four."""
DEPTH_MAX: Final = 16
"""Deepest nesting of arrays and inline tables, and the most parts of a dotted key."""
DIGITS_MAX: Final = 40
"""Longest run of digits outside strings; the largest 64-bit integer has 19 decimal or 64 binary digits."""

_TOKEN: Final = re.compile(
    r"""
      (?P<space>   [ \t\r]++ | \#[^\n]*+ )
    | (?P<newline> \n )
    | (?P<string>  \"{3} (?: [^"\\] | \\[\s\S] | "(?!"") )*+ "{3,5}
                 | '{3}  (?: [^'] | '(?!'') )*+ '{3,5}
                 | " (?: [^"\\\n] | \\[^\n] )*+ "
                 | ' [^'\n]*+ ' )
    | (?P<bare>    [A-Za-z0-9_-]++ )
    | (?P<mark>    [\s\S] )
    """,
    re.VERBOSE,
)
_LONG_NUMBER: Final = re.compile(rf"[+-]?\d[\d_]{{{DIGITS_MAX},}}")
_AT: Final = re.compile(r" \((?:at line (\d+), column \d+|at end of document)\)")


class TomlError(ValueError):
    """A document that is not TOML or exceeds a bound. `line` counts from 1; `detail` says what is wrong."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


def parse_toml(text: str) -> dict[str, Any]:
    """The values of a document. Raises TomlError.

    >>> parse_toml("a = [1, 2]")
    {'a': [1, 2]}
    """
    if len(text) > SIZE_MAX:
        raise TomlError(1, f"the document is longer than {SIZE_MAX} characters; shorten it")
    _check_bounds(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is only in the message.
        position = _AT.search(str(error))
        line = int(position[1]) if position and position[1] else max(1, len(text.splitlines()))
        raise TomlError(line, _AT.sub("", str(error))) from error


def _check_bounds(text: str) -> None:
    """Nesting, parts of keys and digits. It cannot know what is a key, so it counts dots without spaces around them."""
    line, depth, parts = 1, 0, 1
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token[0]
        if kind == "mark" and part in "[{":
            depth += 1
        elif kind == "mark" and part in "]}":
            depth = max(0, depth - 1)
        if kind == "mark" and part == ".":
            parts += 1
        elif kind not in ("string", "bare", "space"):
            parts = 1
        if depth > DEPTH_MAX or parts > DEPTH_MAX:
            raise TomlError(line, f"more than {DEPTH_MAX} levels; write fewer")
        if kind == "bare" and _LONG_NUMBER.fullmatch(part):
            raise TomlError(line, f"a number has more than {DIGITS_MAX} digits; write fewer")
        line += part.count("\n")


class TomlPositions:
    """The lines of a document that `parse_toml` accepts. `lines` maps each table header and key to its line.

    A key inside an inline table or an array is not listed; `line_of` gives it the line of the key around it.

    >>> TomlPositions('[a]\\nb = [\\n  1,\\n]\\n[[c]]\\nd = 2').lines
    {('a',): 1, ('a', 'b'): 2, ('c',): 5, ('c', 0): 5, ('c', 0, 'd'): 6}
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        table: Path = ()
        for number, brackets, keys in _statements(text):
            if brackets:
                table = self._add_header(keys, number, array=brackets == 2)
            else:
                for size in range(1, len(keys) + 1):
                    self.lines.setdefault(table + keys[:size], number)

    def line_of(self, path: Path) -> int:
        """The line of `path`, counted from 1. If `path` is absent: of the closest table around it, or else 1."""
        return next(
            (self.lines[path[:size]] for size in range(len(path), 0, -1) if path[:size] in self.lines), 1
        )

    def _add_header(self, keys: tuple[str, ...], number: int, *, array: bool) -> Path:
        """Record a table header. Returns its path with the index of each array of tables in it."""
        path: Path = ()
        for place, key in enumerate(keys, start=1):
            path = (*path, key)
            if array and place == len(keys):
                self.lines.setdefault(path, number)
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        self.lines.setdefault(path, number)
        return path


def _statements(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Each statement: its line, the brackets of a table header (0 for a key), and the parts of its key."""
    line, depth, brackets = 1, 0, 0
    keys: list[str] | None = []  # None: after the key
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token[0]
        if kind == "newline" and not depth:
            keys, brackets = [], 0
        elif keys is not None and kind in ("string", "bare"):
            keys.append(part if kind == "bare" else tomllib.loads(f"key = {part}")["key"])
        elif keys is not None and part in ("=", "]"):
            yield line, brackets, tuple(keys)
            keys, depth = None, 0
        elif keys is not None and part == "[":
            brackets += 1
        elif part in ("[", "{"):
            depth += 1
        elif part in ("]", "}"):
            depth = max(0, depth - 1)
        line += part.count("\n")
