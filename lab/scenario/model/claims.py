"""The claims of the evidence by their dotted paths, so that a wrong path is found when a file is read."""

import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

from text_input.suggestions import suggestion
from wire.evidence import Evidence


@cache
def known_paths(message: type[BaseModel] = Evidence) -> frozenset[str]:
    """Every path to a claim of a message, without the numbers of items in lists: `telephony.sims.mcc`."""
    return frozenset(_below(message, ""))


def _below(annotation: Any, path: str) -> Iterator[str]:
    for model in _models(annotation):
        for name, field in model.model_fields.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from _below(field.annotation, inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for part in typing.get_args(annotation):
            yield from _models(part)


def _claim(path: str) -> str:
    plain = ".".join(part for part in path.split(".") if not part.isdigit())
    if plain not in known_paths():
        raise ValueError(f"no claim is called {path!r}; {suggestion(plain, sorted(known_paths()))}")
    return path


ClaimPath = Annotated[str, AfterValidator(_claim)]
"""A claim by its dotted path; numbers index lists, from 0: `telephony.sims.0.mcc`."""
