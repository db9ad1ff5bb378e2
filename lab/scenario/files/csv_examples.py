"""Rows of examples in a CSV file (RFC 4180): the first row has the names of the parameters.

A cell without quotes is read as in YAML: `true`, `3` and `1.5` are no text, an empty cell is null. A cell in quotes is
text.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.parameters import NAME, plain_text
from lab.scenario.files.yaml_positions import Tree, scalar
from lab.scenario.model.named_files import IncludedText
from text_input.printable import counted

ROWS_MAX: Final = 20_000
_CELL: Final = re.compile(r'[ \t]*+(?:"((?:[^"]|"")*+)"[ \t]*+|([^",\r\n][^,\r\n]*+|))(,|\r\n|\r|\n|\Z)')


def read_rows(text: str, tree: Tree, folder: str) -> list[dict[str, Any]]:
    """The rows of a table. Errors are added to `tree`, which gets the positions of rows and cells."""
    lines = _lines(text.removeprefix("\ufeff"), tree, folder)
    header = next(lines, None)
    if header is None:
        tree.add_error((), "has no header; write the names of the parameters, with commas")
        return []
    before = len(tree.errors)
    names = _names(header, tree)
    found: list[dict[str, Any]] = []
    for row in lines if len(tree.errors) == before else ():
        at = len(found)
        if len(row) != len(names):
            message = f"has {counted(len(row), 'column')}, the header has {len(names)}: {', '.join(names)}"
            hint = "; separate cells by commas" if len(row) == 1 and ";" in str(row[0]) else ""
            tree.add_error((at,), f"{message}{hint}")
        elif at == ROWS_MAX:
            tree.add_error((at,), f"is row {ROWS_MAX + 1}; split the file")
        else:
            for column, name in enumerate(names):
                tree.positions[at, name] = tree.positions[at, column]
            found.append(dict(zip(names, row, strict=True)))
            continue
        break
    if not found and len(tree.errors) == before:
        tree.add_error((), "has no row below its header; add one")
    return found


def _names(header: list[Any], tree: Tree) -> list[str]:
    """The names of the parameters. Adds an error for each that is not valid."""
    names = [plain_text(name) for name in header]
    for column, name in enumerate(names):
        if not NAME.fullmatch(name):
            hint = "; separate names by commas" if ";" in name or "\t" in name else ""
            message = f"{name!r} is no name of a parameter; use lower-case letters, digits and hyphens{hint}"
            tree.add_error((-1, column), message)
        elif name in names[:column]:
            tree.add_error(
                (-1, column), f"{name!r} is a column already; remove one", FileErrorCode.DUPLICATE_KEY
            )
    return names


def _lines(text: str, tree: Tree, folder: str) -> Iterator[list[Any]]:
    """The cells of each line that is not empty. The position of the n-th row after the header is that of `(n,)`."""
    start, line, begin, at = 0, 1, 0, -1
    row: list[Any] = []
    while start < len(text) or row:
        found = _CELL.match(text, start)
        tree.positions[at, len(row)] = (line, start - begin + 1)
        if found is None:
            message = (
                'has a quote that is not closed, or text next to it; write "…", and "" for a quote in it'
            )
            tree.add_error((at, len(row)), message, FileErrorCode.SYNTAX)
            return
        quoted, plain, end = found.groups()
        tree.positions.setdefault((at,), (line, 1))
        value = quoted.replace('""', '"') if quoted is not None else scalar(plain.strip())
        row.append(IncludedText(value, folder) if folder and isinstance(value, str) else value)
        line += len(re.findall(r"\r\n|\r|\n", found[0]))
        start = found.end()
        if end == ",":
            continue
        begin = start
        if row != [None]:
            yield row
            at += 1
        else:
            del tree.positions[at,]
        row = []
