"""The reference of scenario files, from the models. `python -m lab.scenario.files.reference FILE` writes it."""

import re
import sys
import typing
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic.fields import FieldInfo

from lab.scenario.model.coercions import Short
from lab.scenario.model.expect import Expect
from lab.scenario.model.faults import SCENARIO_FAULTS, WireFault
from lab.scenario.model.field_types import Bounds, Span, Table
from lab.scenario.model.includes import IncludedFile, IncludeStep
from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import ALL_STEPS, BARE, VERBS
from server_stub.faults.catalogue import FaultKind
from text_input.model_errors import bare_types

T = TypeVar("T")

INTRO: Final = """\
# Scenario files: reference

This page lists every member of a scenario file; `make generate` writes it.
[scenarios.md](scenarios.md) explains how to write a file.
Editors complete and check it with `lab/scenario/files/schema/scenario.schema.json`.

- Members in bold are required.
- A name with a dot is a member of a table, of each table in a list, or of each named table: `handsets.place`.
- Durations have units: `90 s`, `1 day 6 hours`, `2 weeks`.
- Times are UTC: `2021-09-06`, `2021-09-06T10:30Z`.
- Networks are MCC-MNC: `368-01`.
- An expected number or duration can be a table of bounds: `{at-least: 4, at-most: 5}`.
- Most expected words can be a list, of which one must match.
- A *single value* can replace a table; it is the named member: `screen: home` means `screen: {id: home}`.
- A profile, place or policy is a name, or the path of a TOML file.

## The file
"""

STEPS: Final = """\
## Steps

The value of a verb names the handsets: one, a list, or nothing for all.
Verbs in bold need a value.
Every step can have `when`, the values of parameters for which it runs, and `note`, a sentence for the report.
"""


def text() -> str:
    """The contents of the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRO
    yield from _table("member", _rows(_members(Scenario)))
    yield "## Included files\n"
    yield _sentences(IncludedFile)
    yield from _table("member", _rows(_members(IncludedFile)))
    yield STEPS
    yield from _steps({"include": IncludeStep, **VERBS})
    yield "## Faults\n"
    yield "Members of the step `fault` and of `world.faults`; [faults.md](faults.md) has the effect of each kind.\n"
    yield from _table("member", _rows(_members(WireFault)))
    yield "## Expectations\n"
    yield _sentences(Expect)
    yield from _table("member", _rows(_members(Expect)))
    yield "## Words\n"
    yield from _table("name", ((f"`{_label(enum)}`", _listed(enum)) for enum in SHARED))
    yield "Next: [recipes](recipes.md), [running](running.md)."


def _members(table: type[Table], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """The members of a table, and of the tables in it after their names and a dot. Equal tables are in it once."""
    below: set[type[Table]] = set()
    for name, field in table.model_fields.items():
        if issubclass(table, Step) and (name in Step.model_fields or name == "expect"):
            continue
        member = f"{path}{field.alias or name}"
        yield member, field
        for inner in leaves(field.annotation, Table):
            if inner not in (below | {Bounds, Span, WireFault}) and not issubclass(inner, Step):
                below.add(inner)
                yield from _members(inner, f"{member}.")


def _own_members(step: type[Table]) -> Iterator[tuple[str, FieldInfo]]:
    """The members of a step without those in tables of their own."""
    common = WireFault if issubclass(step, WireFault) else Step
    for name, field in step.model_fields.items():
        if name not in Step.model_fields and name not in common.model_fields:
            yield field.alias or name, field


def _rows(members: Iterable[tuple[str, FieldInfo]]) -> Iterator[tuple[str, str]]:
    yield from ((_bold(member, required=field.is_required()), _meaning(field)) for member, field in members)


def _table(first: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Members with the same meaning share a row."""
    members: dict[str, list[str]] = {}
    for name, meaning in rows:
        members.setdefault(meaning, []).append(name)
    yield f"| {first} | meaning |\n|---|---|"
    yield from (f"| {', '.join(names)} | {meaning} |" for meaning, names in members.items())
    yield ""


def _steps(steps: dict[str, type[Table]]) -> Iterator[str]:
    """A row for each step. Members that several steps have are described once, in a table of their own."""
    meanings = {
        verb: {
            name: meaning
            for name, meaning in _rows(_own_members(step))
            if meaning or name.strip("*`") != verb
        }
        for verb, step in steps.items()
        if step is not Expect
    }
    counts = Counter(item for members in meanings.values() for item in members.items())
    yield "| step | effect and members |\n|---|---|"
    for verb, members in meanings.items():
        own = [
            name if counts[name, meaning] > 1 or not meaning else f"{name}: {meaning}"
            for name, meaning in members.items()
        ]
        if issubclass(steps[verb], WireFault):
            own = ["[Faults](#faults)"]
        yield f"| {_bold(verb, required=verb not in BARE)} | {'<br>'.join([_docstring(steps[verb]), *own])} |"
    yield ""
    yield from _table(
        "member of several steps", (item for item, count in counts.items() if count > 1 and item[1])
    )


def _bold(member: str, *, required: bool) -> str:
    return f"**`{member}`**" if required else f"`{member}`"


def _meaning(field: FieldInfo) -> str:
    description = field.description or ""
    parts = [description] if description else []
    parts += [f"A single value: `{short}`." for short in _shorts(field.annotation)]
    for enum in leaves(field.annotation, Enum):
        parts.append(f"[{_label(enum)}](#words)." if enum in SHARED else f"{_listed(enum)}.")
    default: Any = getattr(field.default, "value", field.default)
    if default and isinstance(default, str | int) and "default" not in description:
        parts.append(f"By default `{default}`.")
    return " ".join(parts)


def _shorts(annotation: Any) -> Iterator[str]:
    """The member of a table that a value without a table sets."""
    for inner in typing.get_args(annotation):
        if isinstance(inner, Short) and inner.member != "exactly":
            yield inner.member
        elif typing.get_origin(inner) not in (None, dict):
            yield from _shorts(inner)


def _listed(enum: type[Enum]) -> str:
    return ", ".join(f"`{word}`" for word in words(enum))


def leaves(annotation: Any, kind: type[T]) -> Iterator[type[T]]:
    """The subclasses of `kind` that are in a type, also in a list or in the values of a table."""
    for bare in bare_types(annotation):
        if isinstance(bare, type) and issubclass(bare, kind):
            yield bare
        else:
            for inner in typing.get_args(bare):
                yield from leaves(inner, kind)


def words(enum: type[Enum]) -> list[str]:
    """The words of an enumeration that a scenario file can have."""
    return [str(member.value) for member in (SCENARIO_FAULTS if enum is FaultKind else enum)]


def _label(enum: type[Enum]) -> str:
    return "-".join(word.lower() for word in re.findall("[A-Z][a-z]*", enum.__name__))


def _sentences(table: type[Table]) -> str:
    return _docstring(table).replace(". ", ".\n") + "\n"


def _docstring(table: type[Table]) -> str:
    return " ".join(cleandoc(table.__doc__ or "").split())


_TABLES: Final[tuple[type[Table], ...]] = (Scenario, Expect, WireFault)
_FIELDS: Final = [
    field for members in (*map(_members, _TABLES), *map(_own_members, ALL_STEPS[:-1])) for _, field in members
]
_USES: Final = Counter(enum for field in _FIELDS for enum in leaves(field.annotation, Enum))
SHARED: Final = [enum for enum, count in _USES.items() if count > 1 and len(enum) > 2]
"""Enumerations of several members."""

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
