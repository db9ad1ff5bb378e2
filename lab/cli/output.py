"""What all commands say in the same way: JSON, tables, and errors with an exit code that means something.

0: done. 1: what was asked about is not in order (an invalid profile). 2: the request cannot be carried out as
written (a name, a file, a number). 3: something outside failed (no port, no modem, no server folder).
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer

T = TypeVar("T")

NOT_IN_ORDER = 1
USAGE = 2
OUTSIDE = 3


def as_json(value: Any) -> None:
    """Print a value for machines."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def show(*renderables: Any) -> None:
    """Print tables and text for people."""
    from rich.console import Console

    console = Console(highlight=False)
    for renderable in renderables:
        console.print(renderable)


def progress(things: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The things, with a bar on standard error while they come, where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(things, what, total, console=console, transient=True, disable=not console.is_terminal)


def write(file: Path, text: str) -> None:
    """Write a file. Stops with an error where that cannot be done."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        exit_with_error(f"cannot write {file}: {error.strerror}", OUTSIDE)


def check_origin(text: str) -> None:
    """Stop with an error where a URL is no scheme, host and port."""
    from agent.adapters.http import RequestsTransport

    try:
        RequestsTransport(text).close()
    except ValueError as error:
        exit_with_error(str(error))


def check_writable(file: Path) -> None:
    """Stop with an error, before long work, where a file could not be written after it."""
    if not file.parent.is_dir():
        exit_with_error(f"cannot write {file}: there is no folder {file.parent}; make it first", OUTSIDE)
    if file.is_dir():
        exit_with_error(f"cannot write {file}: it is a folder; name a file", OUTSIDE)


def write_octets(file: Path, octets: bytes) -> None:
    """Write a picture. Stops with an error where that cannot be done."""
    try:
        file.write_bytes(octets)
    except OSError as error:
        exit_with_error(f"cannot write {file}: {error.strerror}", OUTSIDE)


def exit_with_error(message: str, code: int = USAGE) -> NoReturn:
    """Say what is wrong and what to do, and stop."""
    typer.echo(f"activation: {message}", err=True)
    raise typer.Exit(code)


def names(text: str | None, known: list[str], what: str) -> list[str]:
    """The comma-separated names in `text`, or all. Stops with an error that names the nearest known one."""
    if text is None:
        return known
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        known_name(name, known, what)
    return wanted or exit_with_error(
        f"no {what} named; leave the option out for all, or name some of: {', '.join(known)}"
    )


def known_name(name: str, known: list[str], what: str) -> str:
    """`name` if it is known. Stops with an error that names the nearest known one."""
    if name in known:
        return name
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(known)}"
    exit_with_error(f"no {what} is called {name!r}; {hint}")
