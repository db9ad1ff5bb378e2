"""Groups of handsets: the names of their members, and how many of them an expectation needs."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from lab.scenario.model.step import HandsetStep
from text_input.model_errors import shown

DEVICES_MAX: Final = 1000
"""Most devices of one scenario, the members of its groups included."""

NAMED_MAX: Final = 5
"""Most members of a group that a message or a result names."""

_MEMBER: Final = re.compile(r"(.+)-0*([1-9][0-9]{0,5})")
_SHARE: Final = r"^(100|[0-9]{1,2}(\.[0-9]{1,3})?) ?%$"


def member_names(group: str, count: int) -> tuple[str, ...]:
    """The names of the members, which have equal lengths, so that their order is also that of the alphabet.

    >>> member_names("fleet", 2), member_names("fleet", 10)[8:]
    (('fleet-1', 'fleet-2'), ('fleet-09', 'fleet-10'))
    """
    return tuple(f"{group}-{number:0{len(str(count))}}" for number in range(1, count + 1))


def group_and_number(name: str) -> tuple[str, int] | None:
    """The group and the number in the name of a member, with or without zeros; None for another name.

    >>> group_and_number("fleet-007"), group_and_number("fleet-7"), group_and_number("fleet")
    (('fleet', 7), ('fleet', 7), None)
    """
    found = _MEMBER.fullmatch(name)
    return (found[1], int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """The names of the devices of a scenario. `counts` has the size of each group by its name, None for one device."""

    counts: Mapping[str, int | None]

    def called(self, name: str) -> tuple[str, ...]:
        """The devices that a name in a step stands for: those of a group, or one; none if it is unknown."""
        if name in self.counts:
            count = self.counts[name]
            return (name,) if count is None else member_names(name, count)
        group, number = group_and_number(name) or (name, 0)
        return member_names(group, self.counts.get(group) or 0)[number - 1 : number] if number else ()

    def selected(self, subject: tuple[str, ...] | None) -> dict[str, tuple[str, ...]]:
        """The names in the subject of a step with their devices, each of which is selected once; all without names."""
        found: dict[str, tuple[str, ...]] = {}
        seen: set[str] = set()
        for name in subject or self.counts:
            found[name] = tuple(each for each in self.called(name) if each not in seen)
            seen.update(found[name])
        return found

    def count(self, subject: tuple[str, ...] | None) -> int:
        """The number of devices in the subject of a step."""
        return sum(map(len, self.selected(subject).values()))


def some_names(names: Collection[str]) -> str:
    """The first names, and the number of the others.

    >>> some_names(["a", "b"]), some_names([*"abcdefg"])
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    listed, more = ", ".join(islice(names, NAMED_MAX)), len(names) - NAMED_MAX
    return f"{listed} and {more} more" if more > 0 else listed


def _share(written: Any) -> int | str:
    if isinstance(written, str) and re.fullmatch(_SHARE, written):
        return written
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return written
    raise ValueError(
        f"{shown(written)}; write a number of handsets, or a share of them up to 100 %, as in 99 %"
    )


Share = Annotated[
    int | str,
    BeforeValidator(_share),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SHARE}]}),
]
"""A number of handsets, or a percentage of those that the step selects: `150`, `99 %`, `99.5 %`."""


def of_all(share: int | str, count: int) -> Fraction:
    """The number of handsets that a share of `count` is, exactly.

    >>> of_all("99.5 %", 200), of_all("99 %", 150), of_all(7, 200)
    (Fraction(199, 1), Fraction(297, 2), Fraction(7, 1))
    """
    return Fraction(share.rstrip(" %")) * count / 100 if isinstance(share, str) else Fraction(share)


class CountingStep(HandsetStep):
    """A step that can hold for a part of its handsets."""

    at_least: Share | None = Field(None, description="For at least so many handsets: `150`, `99 %`.")

    def bounds(self, count: int) -> tuple[Fraction, Fraction]:
        """The least and the greatest number of `count` handsets for which it must hold."""
        least = count if self.at_least is None else of_all(self.at_least, count)
        return Fraction(least), Fraction(count)
