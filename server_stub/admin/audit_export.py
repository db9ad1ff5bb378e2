"""Export of the audit log as NDJSON or CSV, page by page."""

import csv
import io
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from server_stub.store.records import PAGE_MAX, AuditEntry, AuditQuery
from server_stub.store.transaction import Store
from text_input.printable import json_text, printable


class ExportFormat(StrEnum):
    """The formats of an export, one line for each entry. CSV is that of RFC 4180, with a header line."""

    NDJSON = "ndjson"
    CSV = "csv"


MEDIA_TYPES: Final = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv"}

_COLUMNS: Final = ("id", "at", "actor", "action", "subject", "reason", "details")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Also in full width, which some spreadsheets take for the same."""


def export(store: Store, query: AuditQuery, form: ExportFormat) -> Iterator[bytes]:
    """The lines of an export, newest entry first, without entries that are appended in the meantime."""
    if form is ExportFormat.CSV:
        yield _csv_line(_COLUMNS)
    for entry in entries(store, query):
        if form is ExportFormat.CSV:
            yield _csv_line(_cells(entry))
        else:
            yield json_text({name: getattr(entry, name) for name in _COLUMNS}).encode() + b"\n"


def entries(store: Store, query: AuditQuery) -> Iterator[AuditEntry]:
    """All entries, newest first, read page by page."""
    after = None
    while True:
        with store.reading() as reading:
            page = reading.audit(query, after=after, limit=PAGE_MAX)
        yield from page.items
        after = page.next
        if after is None:
            return


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
    texts = (entry.actor, entry.action, entry.subject, entry.reason, details)
    # Reasons are free text, and a spreadsheet would execute text that begins like a formula.
    safe = (printable(f"'{text}" if text.startswith(_FORMULAS) else text) for text in texts)
    return (str(entry.id), str(entry.at), *safe)


def _csv_line(cells: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
