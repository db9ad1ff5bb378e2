"""What the members of a scenario file have in common: strict tables, durations, moments, names, ranges."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from firmware_profiles.diagnosis import nearest
from firmware_profiles.loader import names as profile_names
from lab.places import load_places
from lab.scenario.model.shorthand import Everybody, Listed, Short


def kebab(name: str) -> str:
    """The spelling of a member in a file.

    >>> kebab("at_least")
    'at-least'
    """
    return name.rstrip("_").replace("_", "-")


class Table(BaseModel):
    """Base of everything in a scenario file: no unknown member, no coercion, no assignment."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, alias_generator=kebab
    )


T = TypeVar("T")

Word = Annotated[T, Field(strict=False)]
"""A member of an enum, by its value."""

OneOf = Annotated[tuple[Annotated[T, Field(strict=False)], ...], Listed(), Field(strict=False, min_length=1)]
"""A word, or a list of words."""

Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]
"""A list that is not empty."""

Many = Annotated[tuple[T, ...], Listed(), Field(strict=False, min_length=1)]
"""A table or a text, or a list of them."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
"""What something is called: small letters, digits, hyphens."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]

Subject = Annotated[Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] | None, Everybody()]
"""Who: a handset, several of them, or, with nothing, all."""


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int | float | bool):
        return value
    raise ValueError("is neither text nor a number nor true or false")


Scalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Text, a number, true or false."""

_SECONDS: Final = {
    "s": 1,
    "second": 1,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "week": 604_800,
}
_UNITS: Final = r"(seconds?|s|minutes?|min|hours?|h|days?|d|weeks?)"
DURATION: Final = rf"^[0-9]+(\.[0-9]+)? ?{_UNITS}( (and )?[0-9]+(\.[0-9]+)? ?{_UNITS})*$"
_PART: Final = re.compile(rf"([0-9]+(?:\.[0-9]+)?) ?{_UNITS}(?![a-z])")


def seconds_of(text: Any) -> float:
    """A duration in seconds. Raises ValueError.

    >>> seconds_of("1 day 6 hours")
    108000.0
    """
    if not isinstance(text, str) or not re.fullmatch(DURATION, text):
        raise ValueError(
            "is no duration; write a number and its unit, as in '90 s', '5 days' or '1 day 6 hours'"
        )
    return sum(float(number) * _SECONDS[_singular(unit)] for number, unit in _PART.findall(text))


def _singular(unit: str) -> str:
    return unit if unit in _SECONDS else unit.rstrip("s")


Duration = Annotated[
    float, BeforeValidator(seconds_of), WithJsonSchema({"type": "string", "pattern": DURATION})
]
"""A length of time with its unit: `90 s`, `5 days`, `1 day 6 hours`."""

MOMENT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?$"


def epoch_of(text: Any) -> int:
    """A moment in seconds since the epoch. Raises ValueError.

    >>> epoch_of("2021-09-08 12:00Z")
    1631102400
    """
    if not isinstance(text, str) or not re.fullmatch(MOMENT, text):
        raise ValueError("is no moment; write a day or a time in UTC, as in 2021-09-06 or 2021-09-06T10:30Z")
    try:
        if len(text) == 10:
            return int(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp())
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise ValueError(f"is no moment: {error}") from None


Moment = Annotated[int, BeforeValidator(epoch_of), WithJsonSchema({"type": "string", "pattern": MOMENT})]
"""A day or a time in UTC: `2021-09-06`, `2021-09-06T10:30Z`."""

Plmn = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}-[0-9]{2,3}$")]
"""A network by its MCC and MNC (3GPP TS 23.003 clause 2.2): `368-01`."""


def _profile(name: str) -> str:
    if name not in profile_names():
        raise ValueError(f"no profile is called {name!r}{nearest(name, profile_names())}")
    return name


def _place(name: str) -> str:
    if name not in load_places():
        raise ValueError(f"no place is called {name!r}{nearest(name, load_places())}")
    return name


ProfileName = Annotated[
    str, AfterValidator(_profile), WithJsonSchema({"type": "string", "enum": list(profile_names())})
]
"""A firmware profile that the project ships."""

PlaceName = Annotated[
    str, AfterValidator(_place), WithJsonSchema({"type": "string", "enum": list(load_places())})
]
"""A place that the lab knows."""

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class Bounds(Table):
    """A number between bounds, both included."""

    exactly: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=0)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        return _bounded(self, self.exactly, self.at_least, self.at_most)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        return self.exactly in (None, number) and _within(number, self.at_least, self.at_most)


class Span(Table):
    """A duration between bounds, both included."""

    at_least: Duration | None = None
    at_most: Duration | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        return _bounded(self, self.at_least, self.at_most)

    def __contains__(self, seconds: object) -> bool:
        return isinstance(seconds, int | float) and _within(seconds, self.at_least, self.at_most)


Count = Annotated[Bounds, Short("exactly")]
"""How many: a number, or bounds."""

B = TypeVar("B", bound=Table)


def _bounded(table: B, *bounds: float | None) -> B:
    if all(bound is None for bound in bounds):
        raise ValueError("is without bounds; say at-least, at-most or both")
    return table


def _within(number: float, least: float | None, most: float | None) -> bool:
    return (least is None or number >= least) and (most is None or number <= most)
