"""On which line of a TOML document (toml.io, v1.0.0) a key stands; `tomllib` parses but does not tell."""

import re
from typing import Final

Path = tuple[str | int, ...]
"""Keys and array indices from the top, such as `("rules", 2, "when", "intent")`."""

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([\w.\-\"' ]+?)\s*\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"^\s*([\w.\-\"']+)\s*=")
_FENCES: Final = ('"""', "'''")


def line_of(document: str, path: Path) -> int:
    """The line, counted from 1, of the longest beginning of `path` that the document has; 1 for none of it.

    >>> line_of("a = 1\\n[[b]]\\nc = 2\\n", ("b", 0, "c"))
    3
    """
    lines = _lines(document)
    return next((lines[path[:size]] for size in range(len(path), 0, -1) if path[:size] in lines), 1)


def _lines(document: str) -> dict[Path, int]:
    found: dict[Path, int] = {}
    table: Path = ()
    fence = ""
    for number, line in enumerate(document.splitlines(), 1):
        if fence:
            fence = "" if fence in line else fence
        elif header := _HEADER.match(line):
            table = _table(found, _split(header[2]), array=header[1] == "[[")
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_split(key[1])), number)
            fence = next((mark for mark in _FENCES if line.count(mark) % 2), "")
    return found


def _split(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _table(found: dict[Path, int], name: Path, *, array: bool) -> Path:
    """The path of a header: every array of tables on the way stands for its newest element."""
    path: Path = ()
    for depth, part in enumerate(name, 1):
        path = (*path, part)
        count = sum(1 for known in found if len(known) == len(path) + 1 and _element(known, path))
        if array and depth == len(name):
            return (*path, count)
        if count:
            path = (*path, count - 1)
    return path


def _element(known: Path, path: Path) -> bool:
    return known[:-1] == path and isinstance(known[-1], int)
