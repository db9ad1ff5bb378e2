"""The reference of scenario files, from the models. `python -m lab.scenario.files.reference FILE` writes it."""

import ast
import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from inspect import cleandoc
from itertools import pairwise
from pathlib import Path
from textwrap import fill
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
from lab.scenario.model.includes import IncludedFile, IncludeStep, IncludeTable
from lab.scenario.model.scenario import (
    Activated,
    EsimTable,
    Exemption,
    HandsetTable,
    KeystoreTable,
    Scenario,
    ServerSettings,
    SlotTable,
    TimeBudget,
    WorldTable,
)
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import BARE, VERBS

INTRO: Final = (
    "# Scenario files: reference\n\n"
    "Generated from the models by `make generate`. [scenarios.md](scenarios.md) explains how to write a first file. "
    "Editors complete and\ncheck with `lab/scenario/files/schema/scenario.schema.json`. Members in bold are required. "
    "Durations have units: s, min, h, d, or\nseconds, minutes, hours, days, weeks "
    "(`90 s`, `1 day 6 hours`). Times are UTC (`2021-09-06`, `2021-09-06T10:30Z`), "
    "networks are MCC-MNC (`368-01`). In most expectations a list\nof words is allowed instead of one word; "
    "any of them then matches.\n"
)

WORLD: Final[tuple[tuple[str, type[Table]], ...]] = (
    ("The file", Scenario),
    ("skip and expected-to-fail", Exemption),
    ("time-budget", TimeBudget),
    ("world", WorldTable),
    ("world.server", ServerSettings),
    ("handsets", HandsetTable),
    ("handsets.sims", SlotTable),
    ("handsets.sims.esim", EsimTable),
    ("handsets.keystore", KeystoreTable),
    ("handsets.activated", Activated),
    ("include of handsets", IncludeTable),
    ("include of steps", IncludeStep),
    ("Included files", IncludedFile),
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
_WORDS_MAX: Final = 12


def text() -> str:
    """The contents of the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRO
    for name, table in WORLD:
        yield f"## {name if name[0].isupper() else f'`{name}`'}\n"
        yield f"{_docstring(table)}\n"
        yield from _members(table, ())
    yield "## Steps\n"
    yield (
        "A step is a table with a verb. Its value names the subject: a handset, a list of handsets, or empty for all. "
        "In steps on\nthe screen (`press`, `screenshot`, `golden`) the member `of` names it. Every step may have "
        "`when`, a table of parameter values\nthat restricts the step to matching combinations, and `note`, a "
        "sentence for the report. These verbs may be written without a value:\n"
        + fill(", ".join(f"`{verb}`" for verb in BARE), 140, break_on_hyphens=False)
        + ".\n"
    )
    for verb, step in VERBS.items():
        if step is not Expect:
            yield f"### `{verb}`\n"
            yield f"{_docstring(step)}\n"
            yield from _members(step, tuple(Step.model_fields))
    yield "## Expectations\n"
    yield f"{_docstring(Expect)}\n"
    yield from _members(Expect, tuple(Step.model_fields))
    for name, table in OBSERVED:
        yield f"### {name}\n"
        yield f"{_docstring(table)}\n"
        yield from _members(table, ())
    yield "## Faults\n"
    yield f"Kinds of the step `fault` and of `world.faults`, which has the same members.\n{_docstring(WireFault)}\n"
    yield "| fault | effect |\n|---|---|"
    yield from (f"| `{kind}` | {meaning} |" for kind, meaning in _fault_meanings() if kind in SCENARIO_FAULTS)


def _members(table: type[BaseModel], without: tuple[str, ...]) -> Iterator[str]:
    fields = {name: field for name, field in table.model_fields.items() if name not in without}
    yield "| member | meaning |\n|---|---|"
    for name, field in fields.items():
        member = f"`{field.alias or name}`"
        yield f"| {f'**{member}**' if field.is_required() else member} | {_meaning(field)} |"
    yield ""


def _meaning(field: FieldInfo) -> str:
    words = words_of([field.annotation])
    description = field.description or ""
    parts = [description] if description else []
    if words and len(words) <= _WORDS_MAX:
        parts.append("One of " + ", ".join(f"`{word}`" for word in words) + ".")
    default: Any = field.default
    if isinstance(default, Enum):
        parts.append(f"By default `{default.value}`.")
    elif (
        isinstance(default, str | int)
        and not isinstance(default, bool)
        and "by default" not in description.lower()
    ):
        parts.append(f"By default `{default}`.")
    return " ".join(parts)


def _docstring(table: type[BaseModel]) -> str:
    return " ".join(cleandoc(table.__doc__ or "").split())


def _fault_meanings() -> Iterator[tuple[str, str]]:
    """Each fault with the docstring below it in the source."""
    body = ast.parse(inspect.getsource(FaultKind)).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for member, sentence in pairwise(statements):
        if isinstance(member, ast.Assign) and isinstance(sentence, ast.Expr):
            yield ast.literal_eval(member.value), ast.literal_eval(sentence.value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
