"""What all steps have in common. A step is a table with a verb, whose value says what it is done to."""

import re
from keyword import iskeyword
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from lab.scenario.model.coercions import Listed
from lab.scenario.model.field_types import Line, Name, Scalar, Table

Reason = Annotated[str, StringConstraints(min_length=1, max_length=128)]


_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Step(Table):
    """What all steps have in common."""

    when: dict[Name, Annotated[tuple[Scalar, ...], Listed(), Field(strict=False)]] | None = Field(
        None, description="Only where these parameters have these values; wildcards are allowed."
    )
    note: Line | None = Field(None, description="A sentence for the report.")

    @classmethod
    def verb(cls) -> str:
        """The word by which a file calls this step.

        >>> class PowerOn(Step): ...
        >>> PowerOn.verb()
        'power-on'
        """
        return _HUMP.sub("-", cls.__name__.removesuffix("Step")).lower()

    @classmethod
    def verb_field(cls) -> str:
        """The field that holds the value of the verb."""
        name = cls.verb().replace("-", "_")
        return f"{name}_" if iskeyword(name) else name


class HandsetStep(Step):
    """A step that is done to handsets; the value of its verb says to which."""

    @property
    def subject(self) -> tuple[str, ...] | None:
        """The handsets, or None for all."""
        found: tuple[str, ...] | None = getattr(self, self.verb_field())
        return found
