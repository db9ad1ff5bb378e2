"""The audit log: actor, action, subject, time and reason of every write. Entries are only appended."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, StringConstraints

from server_stub.admin.audit_export import MEDIA_TYPES, ExportFormat, export
from server_stub.api.admin.base_models import (
    PAGE,
    Cursor,
    Limit,
    Line,
    Missing,
    Moment,
    RequestModel,
    ResponseModel,
)
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Context, resource
from server_stub.store.records import AuditQuery
from wire.model import Word

router = resource("/audit")


class AuditFilter(RequestModel):
    """The entries that have all given values. `action` is a prefix, such as `device.`.

    `since` (inclusive) and `until` (exclusive) are in seconds since the epoch.
    """

    model_config = ConfigDict(strict=False)

    actor: Line | Missing = None
    action: Annotated[str, StringConstraints(pattern=r"^[a-z.-]{1,64}$")] | Missing = None
    subject: Line | Missing = None
    since: Moment | Missing = None
    until: Moment | Missing = None

    def query(self) -> AuditQuery:
        """The query of the store."""
        return AuditQuery(self.actor, self.action, self.subject, self.since, self.until)


class AuditSearch(AuditFilter):
    """A page of the entries."""

    cursor: Cursor = None
    limit: Limit = PAGE


class AuditExport(AuditFilter):
    """The entries and the format of the export."""

    format: Word[ExportFormat] = ExportFormat.NDJSON


class EntryShown(ResponseModel):
    """An entry. `actor` is the name of a token, `subject` a pseudonym or another name, `at` seconds since the epoch."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    reason: str
    details: dict[str, Any]


class AuditPage(ResponseModel):
    """Entries, newest first. `next` is the cursor of the next page, null at the end."""

    items: list[EntryShown]
    next: str | None


@router.get("", responses=responses())
def search_audit_log(context: Context, filters: Annotated[AuditSearch, Query()]) -> AuditPage:
    """Search the audit log."""
    with context.store.reading() as reading:
        page = reading.audit(filters.query(), after=filters.cursor, limit=filters.limit)
    return AuditPage.model_validate(page)


_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One entry on each line.",
        "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()},
    }
}


@router.get("/export", response_class=StreamingResponse, responses={**_EXPORTED, **responses()})
def export_audit_log(context: Context, filters: Annotated[AuditExport, Query()]) -> StreamingResponse:
    """Export all entries in one response, for other programs."""
    lines = export(context.store, filters.query(), filters.format)
    return StreamingResponse(lines, media_type=MEDIA_TYPES[filters.format])
