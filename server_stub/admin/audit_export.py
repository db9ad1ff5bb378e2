"""The audit log for people and programs elsewhere: NDJSON and CSV, page by page."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final

from server_stub.store.records import PAGE_MAX, AuditEntry, AuditQuery, Store


class ExportFormat(StrEnum):
    """The forms of an export, each a line for an entry. CSV is that of RFC 4180, with a heading."""

    NDJSON = "ndjson"
    CSV = "csv"


MEDIA_TYPES: Final = {ExportFormat.NDJSON: "application/x-ndjson", ExportFormat.CSV: "text/csv"}

_COLUMNS: Final = ("id", "at", "actor", "action", "subject", "reason", "details")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def entries(store: Store, query: AuditQuery) -> Iterator[AuditEntry]:
    """All entries of `query`, newest first. What is appended in the meantime is not among them."""
    after = None
    while True:
        with store.reading() as reading:
            page = reading.audit(query, after=after, limit=PAGE_MAX)
        yield from page.items
        if page.next is None:
            return
        after = page.next


def export(store: Store, query: AuditQuery, form: ExportFormat) -> Iterator[bytes]:
    """The octets of an export, piece by piece."""
    if form is ExportFormat.CSV:
        yield _csv_line(_COLUMNS)
    for entry in entries(store, query):
        yield _csv_line(_cells(entry)) if form is ExportFormat.CSV else _json_line(asdict(entry))


def _json_line(value: dict[str, Any]) -> bytes:
    return json.dumps({name: value[name] for name in _COLUMNS}, ensure_ascii=False).encode() + b"\n"


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
    words = (entry.actor, entry.action, entry.subject, entry.reason, details)
    return (str(entry.id), str(entry.at), *map(_inert, words))


def _inert(text: str) -> str:
    """A spreadsheet would take text that begins like a formula for one, and reasons are free text."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _csv_line(cells: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
