"""On which line of a TOML text a key stands. The standard library's parser does not say.

The text is cut into statements, each being the fewest lines that parse by themselves: the parser itself
decides where a multi-line array or string ends. A key inside an inline table has the line on which its statement
begins, and so has every element of an array.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]


def key_lines(text: str) -> dict[Path, int]:
    """The line of every table header and key, counted from 1. `text` must be TOML that parses.

    >>> key_lines('[a]\\nb = [\\n  1,\\n]\\nc = 2')
    {('a',): 1, ('a', 'b'): 2, ('a', 'c'): 5}
    """
    found: dict[Path, int] = {}
    table: Path = ()
    for number, source, parsed in _statements(text):
        paths = list(_paths(parsed))
        if source.lstrip().startswith("["):
            table = paths[-1]
            found.setdefault(table, number)
        else:
            for path in paths:
                found.setdefault(table + path, number)
    return found


def line_of(path: Path, text: str) -> int:
    """The line of `path`, or of the closest table around it; 1 where not even that is written."""
    found = key_lines(text)
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each statement with its first line and what it parses to. Empty lines and comments are left out."""
    pending: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        pending.append(line)
        source = "\n".join(pending)
        try:
            parsed = tomllib.loads(source)
        except tomllib.TOMLDecodeError:
            continue  # not complete yet
        if parsed:
            yield number - len(pending) + 1, source, parsed
        pending.clear()


def _paths(parsed: Any) -> Iterator[Path]:
    """Every key that a parsed statement names, outermost first."""
    if isinstance(parsed, list):
        parsed = parsed[-1] if parsed else None
    if isinstance(parsed, dict):
        for key, value in parsed.items():
            yield (key,)
            yield from ((key, *inner) for inner in _paths(value))
