"""The reference of scenario files, from the models: `python -m lab.scenario.files.reference FILE` writes it anew."""

import ast
import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lab.fault_proxy.faults import FaultKind
from lab.scenario.files.schema_lookup import words_of
from lab.scenario.model.expect import Expect
from lab.scenario.model.expectations import (
    AuditExpected,
    Elapsed,
    EntryPattern,
    EvidenceExpected,
    LockedPeriod,
    ObservationPattern,
    RecordExpected,
    RequestsExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)
from lab.scenario.model.faults import SCENARIO_FAULTS, WireFault
from lab.scenario.model.field_types import Table
from lab.scenario.model.scenario import Activated, HandsetTable, Scenario, ServerSettings, WorldTable
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import BARE, VERBS

INTRO: Final = (
    "# Scenario files: reference\n\n"
    "Generated from the models by `make generate`; how to write a first file is in [scenarios.md](scenarios.md). "
    "Editors complete and check with\n`lab/scenario/files/schema/scenario.schema.json`. Members in bold are needed. "
    "Durations have units (`90 s`, `5 days`, `1 day 6 hours`), moments are\nUTC (`2021-09-06`, `2021-09-06T10:30Z`), "
    "networks are MCC-MNC (`368-01`). Where one word can stand, mostly a list of words can\n"
    "stand too, of which any will do.\n"
)

WORLD: Final[tuple[tuple[str, type[Table]], ...]] = (
    ("The file", Scenario),
    ("world", WorldTable),
    ("world.server", ServerSettings),
    ("handsets", HandsetTable),
    ("handsets.activated", Activated),
)
OBSERVED: Final[tuple[tuple[str, type[Table]], ...]] = (
    ("screen", ScreenExpected),
    ("state", StateExpected),
    ("verdict", VerdictExpected),
    ("evidence", EvidenceExpected),
    ("requests", RequestsExpected),
    ("timeline", EntryPattern),
    ("never and always", ObservationPattern),
    ("was-locked", LockedPeriod),
    ("record", RecordExpected),
    ("audit", AuditExpected),
    ("elapsed", Elapsed),
)
_WORDS_MOST: Final = 12


def text() -> str:
    """The page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRO
    for name, table in WORLD:
        yield f"## {name if name[0].isupper() else f'`{name}`'}\n"
        yield f"{_said(table)}\n"
        yield from _members(table, ())
    yield "## Steps\n"
    yield (
        "A step is a table with a verb; its value says what it is done to: a handset, a list of handsets, or nothing "
        "for all. Every step\nmay have `when`, a table of parameters and values for which alone it is done, and "
        "`note`, a sentence for the report. These verbs may\nstand alone: "
        + ", ".join(f"`{verb}`" for verb in BARE)
        + ".\n"
    )
    for verb, step in VERBS.items():
        if step is not Expect:
            yield f"### `{verb}`\n"
            yield f"{_said(step)}\n"
            yield from _members(step, tuple(Step.model_fields))
    yield "## Expectations\n"
    yield f"{_said(Expect)}\n"
    yield from _members(Expect, tuple(Step.model_fields))
    for name, table in OBSERVED:
        yield f"### {name}\n"
        yield f"{_said(table)}\n"
        yield from _members(table, ())
    yield "## Faults\n"
    yield f"Kinds of the step `fault`, and of `world.faults`, which have the members of that step. {_said(WireFault)}\n"
    yield "| fault | what happens |\n|---|---|"
    yield from (
        f"| `{kind}` | {meaning} |" for kind, meaning in _meanings(FaultKind) if kind in SCENARIO_FAULTS
    )


def _members(table: type[BaseModel], without: tuple[str, ...]) -> Iterator[str]:
    fields = {name: field for name, field in table.model_fields.items() if name not in without}
    yield "| member | what it is |\n|---|---|"
    for name, field in fields.items():
        member = f"`{field.alias or name}`"
        yield f"| {f'**{member}**' if field.is_required() else member} | {_told(field)} |"
    yield ""


def _told(field: FieldInfo) -> str:
    words = words_of([field.annotation])
    parts = [field.description or ""]
    if words and len(words) <= _WORDS_MOST:
        parts.append("One of " + ", ".join(f"`{word}`" for word in words) + ".")
    default = _default(field)
    if default:
        parts.append(f"By default {default}.")
    return " ".join(part for part in parts if part)


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if field.is_required() or value in (None, ()) or isinstance(value, BaseModel) or field.default_factory:
        return ""
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if "by default" in (field.description or "").lower():
        return ""
    return f"`{value}`" if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _said(table: type[BaseModel]) -> str:
    return " ".join(cleandoc(table.__doc__ or "").split())


def _meanings(words: type[FaultKind]) -> Iterator[tuple[str, str]]:
    """Each word with the sentence that stands below it in the source."""

    body = ast.parse(inspect.getsource(words)).body[0]
    if not isinstance(body, ast.ClassDef):
        return
    for member, sentence in zip(body.body, body.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(sentence, ast.Expr):
            yield ast.literal_eval(member.value), ast.literal_eval(sentence.value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
