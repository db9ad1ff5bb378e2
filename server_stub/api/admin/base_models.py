"""What bodies of the admin API have in common."""

from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from server_stub.store.records import PAGE_MAX
from wire import limits
from wire.model import Integer

Missing = SkipJsonSchema[None]
"""May be left out, and is not null."""


class RequestModel(BaseModel):
    """Base of what clients send: no unknown member, no coerced type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, given: Any) -> Any:
        """`Missing` would let null through, which the OpenAPI document does not have."""
        if isinstance(given, dict) and (null := [name for name, value in given.items() if value is None]):
            known = [name for name in null if name in cls.model_fields]
            raise ValueError(f"null is no value of {', '.join(known) or 'any member'}; leave it out")
        return given


class ResponseModel(BaseModel):
    """Base of what the server answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.TEXT_MAX, pattern=r"^[^\u0000-\u001f\u007f-\u009f]+$"),
]
"""Text of an operator for the records, on one line."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=limits.TEXT_MAX, pattern=r"^[^\u0000-\u001f\u007f]+$")
]
"""A name to search for: of a model, a batch, a distributor."""

CaseNumber = Annotated[
    str, StringConstraints(min_length=1, pattern=r"^[A-Za-z0-9._:-]+$", max_length=limits.CODE_MAX)
]

Moment = Integer
"""Seconds since the epoch."""

Cursor = Annotated[
    str | Missing,
    Query(
        max_length=512,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Where the page before ended: its member `next`.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Longest page.")]
PAGE: Final = 100


class WithReason(RequestModel):
    """Why, for the records."""

    reason: Words = Field(examples=["ticket 4711"])


def shown_many(items: Any, model: type[ResponseModel]) -> list[Any]:
    """Each of `items` as a `model`."""
    return [model.model_validate(item) for item in items]
