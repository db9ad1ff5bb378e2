"""The CSV file of shipments, checked whole before anything is sent."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lab.cli import output

COLUMNS: Final = ("tac", "first", "last", "batch", "distributor", "sale_region", "model")
_AT_ONCE: Final = 100
_NUMBERS: Final = ("first", "last")


def read(file: Path) -> list[dict[str, Any]]:
    """The rows. Stops with an error that names the line for what is no shipment."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                output.exit_with_error(f"{file}:1: the first line is not {','.join(COLUMNS)}")
            rows = [_row(file, reader.line_num, row) for row in reader]
    except OSError as error:
        output.exit_with_error(f"cannot read {file}: {error.strerror}", output.OUTSIDE)
    except (UnicodeDecodeError, csv.Error) as error:
        output.exit_with_error(f"{file} is no CSV in UTF-8: {error}")
    return rows or output.exit_with_error(f"{file} names no shipment")


def batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many at once as one request takes."""
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]


def _row(file: Path, line: int, row: dict[str | Any, str | Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        output.exit_with_error(f"{file}:{line}: a shipment has {len(COLUMNS)} columns")
    for name in _NUMBERS:
        if not (row[name].isascii() and row[name].isdigit() and len(row[name]) <= 6):
            output.exit_with_error(
                f"{file}:{line}: {name} is {row[name]!r}; it is a serial number of at most six digits"
            )
    if not (len(row["tac"]) == 8 and row["tac"].isascii() and row["tac"].isdigit()):
        output.exit_with_error(
            f"{file}:{line}: tac is {row['tac']!r}; a type allocation code has eight digits"
        )
    if int(row["first"]) > int(row["last"]):
        output.exit_with_error(f"{file}:{line}: first {row['first']} is above last {row['last']}")
    return {name: int(row[name]) if name in _NUMBERS else row[name] for name in COLUMNS}
