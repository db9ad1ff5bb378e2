"""Telling a story again, step by step, against the production step or the one with the defect that it was found in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.core.states import State
from lab.model_check.invariants import Broken
from lab.model_check.model import START, Model
from lab.model_check.world import STALE, File, Move, World


class StoryError(ValueError):
    """A story cannot be told: the file is none, or what it tells cannot happen. The message says where."""


class Trace(BaseModel):
    """A file for `--replay`: the profile, the moves, and the defect that was planted, if one was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str
    mutant: str | None = None
    invariant: str = ""
    message: str = ""
    story: Annotated[tuple[str, ...], Field(max_length=10_000)]


@dataclass(frozen=True, slots=True)
class Told:
    """One move of a story, what stands after it, and what it broke."""

    move: str
    stands: str
    broken: tuple[Broken, ...]


def read(file: Path) -> Trace:
    """The story in a file. Raises StoryError."""
    try:
        return Trace.model_validate_json(file.read_bytes())
    except OSError as error:
        raise StoryError(f"cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        message = (
            f"{file} is no story: {where}: {first['msg']}; `explore --json` writes one for each violation"
        )
        raise StoryError(message) from None


def replay(model: Model, story: Trace) -> Iterator[Told]:
    """Go through the moves of a story. Raises StoryError at a move that cannot happen."""
    world = START
    for number, name in enumerate(story.story, 1):
        moves = {move.story: move for move in reversed(list(model.moves(world)))}
        if name not in moves:
            possible = "; ".join(sorted(moves))
            raise StoryError(f"move {number}, {name!r}, cannot happen here; what can: {possible}")
        world = moves[name].after
        yield Told(name, describe(world, model.state(world)), _broken(model, moves[name]))


def _broken(model: Model, move: Move) -> tuple[Broken, ...]:
    return (*move.broken, *model.broken(move.after))


def describe(world: World, state: State | None) -> str:
    """A world in a line."""
    screen = f"screen {world.panel}" if world.panel else "no screen"
    flash = f"record {_file(world.disk)}"
    if state is None:
        return f"{'on' if world.powered else 'off'}, {screen}, {flash}"
    machines = f"{state.setup}/{state.exchange}/{state.lock}/{state.attention}"
    left = "".join(f", to {op.name}" for op in world.todo)
    return f"{machines}, {screen}, {flash}{', alarm set' if world.alarm else ''}{left}"


def _file(file: File | None) -> str:
    if file is None:
        return "none"
    return {0: "newest", 1: "ahead of the counter", STALE: "stale"}.get(file.gap, "of a lost counter")
