"""`include` of steps and of handsets, and the files that are included."""

from typing import Any

from pydantic import Field

from lab.scenario.model.field_types import Line, Name, Scalar, Table
from lab.scenario.model.step import When


class IncludeTable(Table):
    """A file, and values of its parameters. In `handsets`, `include` has one, only a path, or a list of them."""

    file: Line = Field(description="The path, relative to the file that has it, below the root of the run.")
    with_: dict[Name, Any] = Field(default_factory=dict, description="The values of the file's parameters.")


class IncludeStep(Table):
    """The steps of another file, in the place of this one."""

    include: Line | IncludeTable = Field(
        description="The path, relative to the file that has it, below the root of the run."
    )
    with_: dict[Name, Any] = Field(default_factory=dict, description="The values of the file's parameters.")
    when: When = Field(None, description="As in a step, for all steps of the file.")


class IncludedFile(Table):
    """A file with steps, handsets or both. A file can also be just a list of steps."""

    about: Line | None = Field(None, description="Its purpose.")
    parameters: dict[Name, Scalar | None] = Field(
        default_factory=dict,
        description="Names with the values that they have without `with`; a name without a value needs one. Other "
        "references are those of the file that includes it.",
    )
    handsets: dict[Name, Any] = Field(default_factory=dict, description="As in a scenario.")
    steps: tuple[Any, ...] = Field((), description="As in a scenario.")


def members(table: type[Table]) -> tuple[str, ...]:
    """The names of the members of a table in files."""
    return tuple(field.alias or name for name, field in table.model_fields.items())
