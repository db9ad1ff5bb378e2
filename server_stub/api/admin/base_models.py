"""Base classes and fields that the bodies of the admin API share."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from server_stub.store.records import PAGE_MAX
from wire import limits
from wire.model import Integer

Missing = SkipJsonSchema[None]
"""The value of an optional member that is absent; null is not accepted."""


class RequestModel(BaseModel):
    """Base of request bodies: no unknown member, no coerced type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, members: Any) -> Any:
        """`Missing` would accept null, which the OpenAPI document does not contain."""
        if isinstance(members, dict) and (null := [name for name, value in members.items() if value is None]):
            known = [name for name in null if name in cls.model_fields]
            raise ValueError(f"{', '.join(known) or 'a member'} must not be null; leave it out")
        return members


class ResponseModel(BaseModel):
    """Base of response bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.TEXT_MAX, pattern=r"^[^\u0000-\u001f\u007f-\u009f]+$"),
]
"""Text on one line: a reason for the audit log, or the name of a model, a batch, a distributor."""

CaseNumber = Annotated[
    str, StringConstraints(min_length=1, pattern=r"^[A-Za-z0-9._:-]+$", max_length=limits.CODE_MAX)
]

Moment = Integer
"""Seconds since the epoch."""

Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=512, pattern=r"^[A-Za-z0-9_-]*$")] | Missing,
    Query(description="The member `next` of the previous page."),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Maximum number of items.")]
PAGE: Final = 100


class WithReason(RequestModel):
    """The reason, for the audit log."""

    reason: Line = Field(examples=["ticket 4711"])
