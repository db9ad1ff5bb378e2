"""The types of members of scenario files: strict tables, durations, moments, names, ranges."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from lab.handset.modem.dialects import dialect_names
from lab.scenario.model.coercions import Listed, Short
from lab.world.operators import UnknownOperatorError, find_operator
from text_input.suggestions import suggestion
from wire import evidence


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


class Expectation(Table):
    """Base of what is expected. A member that is written has a value; one that is left out can have any value."""

    @model_validator(mode="before")
    @classmethod
    def _no_blanks(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("says nothing; add what to look for")
        return filled(value)


def filled(value: Any, *blank: str) -> Any:
    """The table, if it has no empty members other than those named in `blank`. Raises ValueError."""
    if isinstance(value, dict):
        for name, part in value.items():
            if part is None and name not in blank:
                raise ValueError(f"`{name}` says nothing; give it a value, or leave it out")
    return value


T = TypeVar("T")

Word = Annotated[T, Field(strict=False)]
"""A member of an enum, by its value."""

OneOf = Annotated[tuple[Annotated[T, Field(strict=False)], ...], Listed(), Field(strict=False, min_length=1)]
"""A word, or a list of words."""

Nothing = Literal["none"]
"""The word for an absent value. A member that is left out can have any value."""

OneOrNone = Annotated[
    tuple[Annotated[T, Field(strict=False)] | Nothing, ...], Listed(), Field(strict=False, min_length=1)
]
"""A word, `none`, or a list of words."""

Some = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]
"""A list that is not empty."""

Many = Annotated[tuple[T, ...], Listed(), Field(strict=False, min_length=1)]
"""A table or a text, or a list of them."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
"""A name: small letters, digits, hyphens."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]

Subject = Annotated[Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] | None, Listed()]
"""A handset, several of them, or, without a value, all."""


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int | float | bool):
        return value
    raise ValueError("is neither text nor a number nor true or false")


Scalar = Annotated[Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Text, a number, true or false."""

_SHORT_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_SECONDS: Final = _SHORT_UNITS | {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_UNITS: Final = r"(seconds?|s|minutes?|min|hours?|h|days?|d|weeks?)"
DURATION: Final = rf"^[0-9]+(\.[0-9]+)? ?{_UNITS}( (and )?[0-9]+(\.[0-9]+)? ?{_UNITS})*$"
_PART: Final = re.compile(rf"([0-9]+(?:\.[0-9]+)?) ?{_UNITS}(?![a-z])")


def seconds_of(text: Any) -> float:
    """A duration in seconds. Raises ValueError.

    >>> seconds_of("1 day 6 hours")
    108000.0
    """
    if not isinstance(text, str) or not re.fullmatch(DURATION, text):
        given = f": {text[:40]!r}" if isinstance(text, str) else ""
        raise ValueError(
            f"is not a duration{given}; write a number and its unit (s, min, h, d, weeks), as in '1 day 6 hours'"
        )
    seconds = sum(
        float(number) * _SECONDS[unit if unit in _SECONDS else unit.rstrip("s")]
        for number, unit in _PART.findall(text)
    )
    if seconds > LONGEST:
        raise ValueError("is longer than ten years")
    return seconds


LONGEST: Final = 3660 * 86_400.0
"""Ten years. A device that asks every hour for so long takes minutes to run; more is a typing error."""


def duration_text(seconds: float) -> str:
    """A length of time as files write it.

    >>> duration_text(108000.0), duration_text(0), duration_text(0.5)
    ('1 day 6 hours', '0 s', '0.5 s')
    """
    rest, parts = seconds, []
    for unit in ("day", "hour", "min"):
        count, rest = divmod(rest, _SECONDS[unit])
        if count:
            plural = "s" if count > 1 and unit != "min" else ""
            parts.append(f"{count:g} {unit}{plural}")
    return " ".join([*parts, f"{rest:g} s"] if rest or not parts else parts)


Duration = Annotated[
    float,
    BeforeValidator(seconds_of),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": DURATION}),
]
"""A length of time with its unit: `90 s`, `5 days`, `1 day 6 hours`."""

MOMENT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z)?$"


def epoch_of(text: Any) -> int:
    """A moment in seconds since the epoch. Raises ValueError.

    >>> epoch_of("2021-09-08 12:00Z")
    1631102400
    """
    if not isinstance(text, str) or not re.fullmatch(MOMENT, text):
        raise ValueError(
            "is not a moment; write a day or a time in UTC, as in 2021-09-06 or 2021-09-06T10:30Z"
        )
    if not 1980 <= int(text[:4]) <= 2100 and not text.startswith("1970"):
        raise ValueError("is out of range; the years are 1980 to 2100, and 1970 for a clock that was lost")
    try:
        if len(text) == 10:
            return int(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).timestamp())
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise ValueError(f"is not a moment: {error}") from None


def moment_text(epoch: int) -> str:
    """A moment as files write it.

    >>> moment_text(1631102400), moment_text(1631059200)
    ('2021-09-08T12:00Z', '2021-09-08')
    """
    then = datetime.fromtimestamp(epoch, UTC)
    if then.time() == datetime.min.time():
        return f"{then:%Y-%m-%d}"
    return f"{then:%Y-%m-%dT%H:%M:%SZ}" if then.second else f"{then:%Y-%m-%dT%H:%MZ}"


Moment = Annotated[
    int,
    BeforeValidator(epoch_of),
    PlainSerializer(moment_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": MOMENT}),
]
"""A day or a time in UTC: `2021-09-06`, `2021-09-06T10:30Z`."""


def _operator(text: str) -> str:
    mcc, _, mnc = text.partition("-")
    try:
        find_operator(evidence.Plmn(mcc=mcc, mnc=mnc))
    except UnknownOperatorError as error:
        raise ValueError(str(error)) from None
    return text


Plmn = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}-[0-9]{2,3}$"), AfterValidator(_operator)]
"""A network by its MCC and MNC (3GPP TS 23.003 clause 2.2): `368-01`."""


def _dialect(name: str) -> str:
    if name not in dialect_names():
        raise ValueError(f"no modem dialect is called {name!r}; {suggestion(name, dialect_names())}")
    return name


ModemDialectName = Annotated[
    str,
    AfterValidator(_dialect),
    WithJsonSchema({"type": "string", "enum": list(dialect_names())}),
]
"""A dialect of the emulated modem."""

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def _in_order(table: T, *bounds: float | None) -> T:
    """The table, if it has a bound and its last two are in order. Raises ValueError."""
    if all(bound is None for bound in bounds):
        raise ValueError("is without bounds; give at-least, at-most or both")
    least, most = bounds[-2:]
    if least is not None and most is not None and least > most:
        raise ValueError("holds for nothing: at-least is more than at-most")
    return table


def _within(number: float, least: float | None, most: float | None) -> bool:
    return (least is None or number >= least) and (most is None or number <= most)


class Bounds(Table):
    """A number between bounds, both included."""

    exactly: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=0)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        return _in_order(self, self.exactly, self.at_least, self.at_most)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int) or self.exactly not in (None, number):
            return False
        return _within(number, self.at_least, self.at_most)


class Span(Table):
    """A duration between bounds, both included."""

    at_least: Duration | None = None
    at_most: Duration | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        return _in_order(self, self.at_least, self.at_most)

    def __contains__(self, seconds: object) -> bool:
        return isinstance(seconds, int | float) and _within(seconds, self.at_least, self.at_most)


Count = Annotated[Bounds, Short("exactly")]
"""How many: a number, or bounds."""
