"""From the location of a pydantic error to the members and words that the models allow there."""

import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel

from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.faults import SCENARIO_FAULTS
from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step_union import VERBS
from server_stub.faults.catalogue import FaultKind

T = TypeVar("T")


def types_at(loc: Path) -> list[Any]:
    """The annotations of the value at `loc`, beginning with the model of the innermost step on it."""
    found: list[Any] = [Scenario]
    rest = loc
    for at in range(len(loc) - 1, 0, -1):
        if loc[at] in VERBS and (loc[at - 1] == "during" or isinstance(loc[at - 1], int)):
            found, rest = [VERBS[str(loc[at])]], loc[at + 1 :]
            break
    for part in rest:
        found = [inner for annotation in found for inner in _below(annotation, part)]
    return found


def members_of(annotations: list[Any]) -> list[str]:
    """The members of tables of these types, with their names in files."""
    models = [bare for each in annotations for bare in _bare(each) if _is_model(bare)]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def words_of(annotations: list[Any]) -> list[str]:
    """The words that these types allow. Empty if they allow any text."""
    enums = (enum for annotation in annotations for enum in leaves(annotation, Enum))
    return list(dict.fromkeys(word for enum in enums for word in words(enum)))


def path_in_file(loc: Path) -> Path:
    """A location of a pydantic error without the parts that are not in the file: tags of unions, `[key]`."""
    path: list[str | int] = []
    for part in loc:
        after_step = path and isinstance(path[-1], int) and len(path) >= 2 and path[-2] == "steps"
        if part in VERBS and (after_step or (path and path[-1] == "during")):
            continue
        if part != "[key]":
            path.append(part)
    return tuple(path)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    for bare in _bare(annotation):
        if _is_model(bare):
            fields = bare.model_fields.items()
            yield from (field.annotation for name, field in fields if (field.alias or name) == part)
        elif isinstance(part, int) or typing.get_origin(bare) is dict:
            yield from typing.get_args(bare)[-2 if isinstance(part, int) else -1 :][:1]


def _bare(annotation: Any) -> Iterator[Any]:
    """The members of a union, without `Annotated` and without None."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _bare(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _bare(member)
    elif annotation is not types.NoneType:
        yield annotation


def leaves(annotation: Any, kind: type[T]) -> Iterator[type[T]]:
    """The subclasses of `kind` that are in a type, also in a list or in the values of a table."""
    for bare in _bare(annotation):
        if isinstance(bare, type) and issubclass(bare, kind):
            yield bare
        else:
            for inner in typing.get_args(bare):
                yield from leaves(inner, kind)


def words(enum: type[Enum]) -> list[str]:
    """The words of an enumeration that a scenario file can have."""
    return [str(member.value) for member in (SCENARIO_FAULTS if enum is FaultKind else enum)]
