"""Replay of a trace, step by step, with the production agent or the mutant that it was found with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.core.states import State
from lab.model_check.invariants import Broken
from lab.model_check.model import START, Model
from lab.model_check.world_state import STALE, WorldState
from text_input.files import UnusableFileError, UserInputError, read_bytes

_FILE_MAX: Final = 4 * 1024 * 1024
"""Longest trace in bytes: 10,000 transitions."""


class TraceError(UserInputError, ValueError):
    """The file is not a trace, or a transition of the trace is not possible. The message states the place."""


class TransitionTrace(BaseModel):
    """A file for `--replay`: the profile, the names of the transitions in `story`, and the mutant, if any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str
    mutant: str | None = None
    invariant: str = ""
    message: str = ""
    story: Annotated[tuple[str, ...], Field(max_length=10_000)]


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One transition of a trace, a description of the state after it, and the invariants that it broke."""

    transition: str
    state: str
    broken: tuple[Broken, ...]


def read(file: Path) -> TransitionTrace:
    """The trace in a file. Raises TraceError."""
    try:
        return TransitionTrace.model_validate_json(read_bytes(file, _FILE_MAX))
    except UnusableFileError as error:
        raise TraceError(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        message = (
            f"{file} is not a trace: {where}: {first['msg']}; `explore --json` writes one for each violation"
        )
        raise TraceError(message) from None


def replay(model: Model, trace: TransitionTrace) -> Iterator[ReplayedStep]:
    """Replay the transitions of a trace. Raises TraceError at a transition that is not possible."""
    world = START
    for number, name in enumerate(trace.story, 1):
        with model.variant.applied():
            possible = {each.name: each for each in reversed(list(model.transitions(world)))}
        if name not in possible:
            listed = "; ".join(sorted(possible))
            raise TraceError(f"transition {number}, {name!r}, is not possible here; possible: {listed}")
        transition = possible[name]
        world = transition.after
        broken = (*transition.broken, *model.broken(world))
        yield ReplayedStep(name, describe(world, model.state(world)), broken)


def describe(world: WorldState, state: State | None) -> str:
    """A state of the model in one line."""
    screen = f"screen {world.panel}" if world.panel else "no screen"
    gaps = {0: "newest", 1: "ahead of the counter", STALE: "stale"}
    flash = f"record {gaps.get(world.disk.gap, 'of a lost counter') if world.disk else 'none'}"
    if state is None:
        return f"{'on' if world.powered else 'off'}, {screen}, {flash}"
    machines = f"{state.setup}/{state.exchange}/{state.lock}/{state.attention}"
    left = "".join(f", to {effect.name}" for effect in world.todo)
    return f"{machines}, {screen}, {flash}{', alarm set' if world.alarm else ''}{left}"
