"""`include` of steps and of handsets, and the files that are included."""

from typing import Any

from pydantic import Field

from lab.scenario.model.field_types import Line, Name, Scalar, Table
from lab.scenario.model.step import When


class IncludeTable(Table):
    """A file, and values of its parameters."""

    file: Line = Field(description="Its path, relative to the file that has it.")
    with_: dict[Name, Any] = Field(default_factory=dict, description="Values of its parameters.")


class IncludeStep(Table):
    """Run the steps of another file."""

    include: Line | IncludeTable = Field(description="Its path, relative to the file that has it.")
    with_: dict[Name, Any] = Field(default_factory=dict, description="Values of its parameters.")
    when: When = Field(None, description="As in a step, for all steps of the file.")


class IncludedFile(Table):
    """A file with steps, handsets or both, or with only a list of steps. The step `include` and the member `include` of
    handsets have its path, or a table with `file` and `with`; in handsets also a list of them."""

    about: Line | None = Field(None, description="Its purpose.")
    parameters: dict[Name, Scalar | None] = Field(
        default_factory=dict,
        description="Names with default values; one without a value must be in `with`.",
    )
    handsets: dict[Name, Any] = Field(default_factory=dict, description="As in a scenario.")
    steps: tuple[Any, ...] = Field((), description="As in a scenario.")


def members(table: type[Table]) -> tuple[str, ...]:
    """The names of the members of a table in files."""
    return tuple(field.alias or name for name, field in table.model_fields.items())
