"""The base classes of steps. A step is a table with a verb; its value names the handsets or other objects."""

import re
from keyword import iskeyword
from typing import Annotated, Final, get_args

from pydantic import Field, StringConstraints

from lab.scenario.model.coercions import Listed
from lab.scenario.model.field_types import Line, Name, Scalar, Table

Reason = Annotated[str, StringConstraints(min_length=1, max_length=128)]


When = dict[Name, Annotated[tuple[Scalar, ...], Listed(), Field(strict=False)]] | None
"""Values by parameter; None for every combination."""

_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Step(Table):
    """The members that every step can have."""

    when: When = Field(None, description="Only for these values of parameters, with wildcards.")
    note: Line | None = Field(None, description="A sentence for the report.")

    @classmethod
    def verb(cls) -> str:
        """The word for this step in a file: the class name without the suffix `Step`.

        >>> class PowerOn(Step): ...
        >>> PowerOn.verb()
        'power-on'
        """
        return _HUMP.sub("-", cls.__name__.removesuffix("Step")).lower()

    @classmethod
    def verb_field(cls) -> str:
        """The name of the field with the value of the verb."""
        name = cls.verb().replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @classmethod
    def can_be_bare(cls) -> bool:
        """Whether the verb needs no value, and no other member is required."""
        annotation = cls.model_fields[cls.verb_field()].annotation
        others = (field for name, field in cls.model_fields.items() if name != cls.verb_field())
        optional = type(None) in (annotation, *get_args(annotation))
        return optional and not any(field.is_required() for field in others)


class HandsetStep(Step):
    """A step of handsets; the value of its verb selects them."""

    @classmethod
    def subject_field(cls) -> str:
        """The name of the field with the handsets."""
        return cls.verb_field()

    @property
    def subject(self) -> tuple[str, ...] | None:
        """The handsets, or None for all."""
        found: tuple[str, ...] | None = getattr(self, self.subject_field())
        return found
