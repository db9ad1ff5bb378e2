"""From a path in a scenario to the words that could stand there, by the models themselves."""

import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic import BaseModel

from lab.fault_proxy.faults import FaultKind
from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.faults import SCENARIO_FAULTS
from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step_union import VERBS


def under(model: type[BaseModel], path: Path) -> list[Any]:
    """The types that `model` gives to the member at `path`."""
    found: list[Any] = [model]
    for part in path:
        found = [inner for annotation in found for inner in _below(annotation, part)]
    return found


def members_of(annotations: list[Any]) -> list[str]:
    """The members of tables of these types, as files spell them."""
    return [
        field.alias or name for model in _models(annotations) for name, field in model.model_fields.items()
    ]


def words_of(annotations: list[Any]) -> list[str]:
    """The words that these types admit, where they admit only some."""
    return list(dict.fromkeys(word for annotation in annotations for word in _words(annotation)))


def nearest_model(loc: tuple[str | int, ...]) -> tuple[type[BaseModel], Path]:
    """The model of the innermost step on a path of pydantic's, or the scenario, and the rest of the way."""
    for at in range(len(loc) - 1, 0, -1):
        if loc[at] in VERBS and (loc[at - 1] == "during" or isinstance(loc[at - 1], int)):
            return VERBS[str(loc[at])], tuple(loc[at + 1 :])
    return Scenario, tuple(loc)


def in_file(loc: tuple[str | int, ...]) -> Path:
    """A path of pydantic's without what is not in the file: the tags of unions, `[key]`."""
    path: list[str | int] = []
    for part in loc:
        after_step = path and isinstance(path[-1], int) and len(path) >= 2 and path[-2] == "steps"
        if part in VERBS and (after_step or (path and path[-1] == "during")):
            continue
        if part != "[key]":
            path.append(part)
    return tuple(path)


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    for bare in _bare(annotation):
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            yield from (
                field.annotation for name, field in bare.model_fields.items() if (field.alias or name) == part
            )
        elif isinstance(part, int) or typing.get_origin(bare) is dict:
            yield from typing.get_args(bare)[-2 if isinstance(part, int) else -1 :][:1]


def _bare(annotation: Any) -> Iterator[Any]:
    """The members of a union, without what they are annotated with."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _bare(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _bare(member)
    elif annotation is not types.NoneType:
        yield annotation


def _models(annotations: list[Any]) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        for bare in _bare(annotation):
            if isinstance(bare, type) and issubclass(bare, BaseModel):
                yield bare


def _words(annotation: Any) -> Iterator[str]:
    for bare in _bare(annotation):
        if isinstance(bare, type) and issubclass(bare, Enum):
            yield from (str(member.value) for member in (SCENARIO_FAULTS if bare is FaultKind else bare))
        else:
            for inner in typing.get_args(bare):
                yield from _words(inner)
