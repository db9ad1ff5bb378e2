"""`activation admin shipments`."""

import csv
import io
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lab.cli import output
from lab.cli.admin.client import Client
from lab.cli.admin.options import Reason, admin_command
from lab.cli.lazy import deferred
from lab.cli.options import check_line

with deferred():
    from text_input import files

COLUMNS: Final = ("tac", "first", "last", "batch", "distributor", "sale_region", "model")
_REQUEST_MAX: Final = 100
"""Shipments that one request takes."""
_FILE_MAX: Final = 16 * 1024 * 1024
"""Longest file in bytes, about 250,000 shipments."""
_NUMBERS: Final = ("first", "last")


@admin_command
def shipments(
    api: Client,
    file: Annotated[
        Path,
        typer.Argument(help="CSV with the columns tac, first, last, batch, distributor, sale_region, model."),
    ],
    reason: Reason,
) -> None:
    """Import which devices were shipped to whom, so that an investigation can name batches and distributors.

    A row is a range of serial numbers (digits 9 to 14 of an IMEI) under one type allocation code.

    \b
    Example:
      activation admin shipments shipped-2021.csv --reason "shipments of the second quarter"
    """
    rows = _read_rows(file)
    added = sum(
        api.post("/shipments", {"shipments": rows[start : start + _REQUEST_MAX], "reason": reason}).body[
            "added"
        ]
        for start in range(0, len(rows), _REQUEST_MAX)
    )
    api.show({"added": added}, lambda _: [f"{added} shipments added."])


def _read_rows(file: Path) -> list[dict[str, Any]]:
    """All rows of the file. Exits with an error that names the line if one is not a shipment."""
    try:
        text = files.read_text(file, _FILE_MAX)
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            output.exit_with_error(f"{file}:1: the first line is not {','.join(COLUMNS)}")
        rows = [_parse_row(f"{file}:{reader.line_num}", row) for row in reader]
    except files.UnusableFileError as error:
        output.exit_with_error(str(error), output.ENVIRONMENT if error.missing else output.USAGE)
    except csv.Error as error:
        output.exit_with_error(f"{file} is not a CSV file: {error}")
    return rows or output.exit_with_error(f"{file} contains no shipment")


def _parse_row(place: str, row: dict[str | Any, str | Any]) -> dict[str, Any]:
    if None in row or None in row.values():
        output.exit_with_error(f"{place}: a shipment has {len(COLUMNS)} columns")
    for name in _NUMBERS:
        if not (row[name].isascii() and row[name].isdigit() and len(row[name]) <= 6):
            output.exit_with_error(
                f"{place}: {name} is {row[name]!r}; it is a serial number of at most six digits"
            )
    if not (len(row["tac"]) == 8 and row["tac"].isascii() and row["tac"].isdigit()):
        output.exit_with_error(f"{place}: tac is {row['tac']!r}; a type allocation code has eight digits")
    if int(row["first"]) > int(row["last"]):
        output.exit_with_error(f"{place}: first {row['first']} is above last {row['last']}")
    for name in COLUMNS:
        check_line(row[name], f"{place}: {name}")
    return {name: int(row[name]) if name in _NUMBERS else row[name] for name in COLUMNS}
