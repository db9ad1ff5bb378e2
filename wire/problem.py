"""Errors of the server: RFC 9457 problem details with a stable code."""

from typing import Annotated

from pydantic import Field

from wire.codes import ProblemCode
from wire.model import Message, Text, Word


class Problem(Message):
    """`application/problem+json`. `code` is stable and for programs; `detail` is for people."""

    type: str
    title: Text
    status: Annotated[int, Field(ge=400, le=599)]
    code: Word[ProblemCode]
    detail: Annotated[str, Field(max_length=500)]
    instance: str | None = None
