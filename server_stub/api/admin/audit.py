"""The audit log: who did what, to whom, when and why. It is only ever appended to."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, StringConstraints

from server_stub.admin.audit_export import MEDIA_TYPES, ExportFormat, export
from server_stub.api.admin.base_models import (
    PAGE,
    Cursor,
    Limit,
    Missing,
    Moment,
    Name,
    RequestModel,
    ResponseModel,
    shown_many,
)
from server_stub.api.admin.problems import responses
from server_stub.api.admin.route import Parts, resource
from server_stub.store.records import AuditQuery
from wire.model import Word

router = resource("/audit")


class AuditFilter(RequestModel):
    """Which entries; what is left out is not asked about. `action` is how the action begins, such as `device.`.

    `since` and `until` are in seconds since the epoch: from then on, and before then.
    """

    model_config = ConfigDict(strict=False)

    actor: Name | Missing = None
    action: Annotated[str, StringConstraints(pattern=r"^[a-z.-]{1,64}$")] | Missing = None
    subject: Name | Missing = None
    since: Moment | Missing = None
    until: Moment | Missing = None

    def query(self) -> AuditQuery:
        """As the store takes it."""
        return AuditQuery(self.actor, self.action, self.subject, self.since, self.until)


class AuditSearch(AuditFilter):
    """Which entries, and which page of them."""

    cursor: Cursor = None
    limit: Limit = PAGE


class AuditExport(AuditFilter):
    """Which entries, and in which form."""

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
def search(parts: Parts, wanted: Annotated[AuditSearch, Query()]) -> AuditPage:
    """Search the audit log."""
    with parts.store.reading() as reading:
        page = reading.audit(wanted.query(), after=wanted.cursor, limit=wanted.limit)
    return AuditPage(items=shown_many(page.items, EntryShown), next=page.next)


_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An entry in each line.",
        "content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()},
    }
}


@router.get("/export", response_class=StreamingResponse, responses={**_EXPORTED, **responses()})
def exported(parts: Parts, wanted: Annotated[AuditExport, Query()]) -> StreamingResponse:
    """All entries at once, for other programs."""
    lines = export(parts.store, wanted.query(), wanted.format)
    return StreamingResponse(lines, media_type=MEDIA_TYPES[wanted.format])
