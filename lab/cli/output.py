"""What all commands share: JSON, tables, files, and errors with an exit code.

Exit codes: 0 success, 1 check failed, 2 usage error, 3 environment error (no port, no modem, no server).
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import typer

from lab.cli.lazy import deferred
from lab.reports.replaced_file import DEVICE_FOLDERS
from text_input.printable import json_text, printable, shortened, with_isolates
from text_input.suggestions import suggestion

with deferred():
    from rich import console as rich_console
    from rich import progress as rich_progress

    from agent import ports
    from agent.adapters import http, sealed_file
    from lab.world import addresses
    from wire import media

T = TypeVar("T")

_LINES_MAX: Final = 200
"""Most lines of an error message."""

CHECK_FAILED = 1
USAGE = 2
ENVIRONMENT = 3


def as_json(value: Any) -> None:
    """Print one JSON value."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a line, on standard error if `err`."""
    typer.echo(printable(text), err=err, nl=nl)


@dataclass(frozen=True, slots=True)
class _Escaped:
    """A renderable whose text is made printable after its layout; styles stay."""

    inner: Any
    escape: Callable[[str], str]

    def __rich_console__(
        self, console: "rich_console.Console", options: "rich_console.ConsoleOptions"
    ) -> "rich_console.RenderResult":
        for segment in console.render(self.inner, options):
            yield segment if segment.control else segment._replace(text=self.escape(segment.text))


def note(text: str) -> None:
    """Print a message about the command itself, on standard error."""
    say(f"activation: {text}", err=True)


def show(*renderables: Any, escape: Callable[[str], str] = printable) -> None:
    """Print tables and text."""
    console = rich_console.Console(highlight=False, markup=False, emoji=False)
    for renderable in renderables:
        console.print(_Escaped(renderable, escape))


def result(value: Any, *renderables: Any, json: bool) -> None:
    """Print a result: `value` as JSON, or else tables and text."""
    if json:
        as_json(value)
    else:
        show(*renderables)


def show_screens(renderable: Any) -> None:
    """Print drawn screens of a device. The renderer closes their isolates in each line."""
    show(renderable, escape=with_isolates)


def progress(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """The items, with a progress bar on standard error if that is a terminal."""
    console = rich_console.Console(stderr=True)
    yield from rich_progress.track(
        items, label, total, console=console, transient=True, disable=not console.is_terminal
    )


def write(file: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write a file; a `private` one only its owner can read. Exits with an error if that fails.

    A symbolic link is not followed: it could lead to a file that the user did not name.
    """
    follow = 0 if file.parent in DEVICE_FOLDERS else os.O_NOFOLLOW
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | follow
    try:
        with os.fdopen(os.open(file, flags, 0o600 if private else 0o666), "wb") as stream:
            if private and stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                os.fchmod(stream.fileno(), 0o600)
            stream.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        exit_with_error(f"cannot write {file}: {reason}; choose another path", ENVIRONMENT)


def write_private(file: Path, text: str) -> None:
    """Write a new file that only its owner can read, instead of an existing one. Raises OSError."""
    sealed_file.replace_file(file, f"{text}\n".encode())


def check_writable(file: Path) -> None:
    """Before long work: exit with an error if `file` cannot be written afterwards."""
    if not file.parent.is_dir():
        exit_with_error(f"cannot write {file}: folder {file.parent} does not exist; create it", ENVIRONMENT)
    if file.is_dir():
        exit_with_error(f"cannot write {file}: it is a folder; name a file", ENVIRONMENT)
    if file.is_symlink() and file.parent not in DEVICE_FOLDERS:
        exit_with_error(f"cannot write {file}: it is a symbolic link; choose another path", ENVIRONMENT)


def check_origin(url: str) -> None:
    """Exit with an error unless `url` is a scheme, a host and a port."""
    try:
        http.RequestsTransport(url).close()
    except ValueError as error:
        exit_with_error(str(error))


def check_server(url: str) -> None:
    """Exit with an error unless a verdict server runs at the origin `url`."""
    transport = http.RequestsTransport(url, authorities=addresses.trusted_authorities())
    try:
        status = transport.get("/healthz", accept=media.JSON).status
    except ports.TransportError as error:
        exit_without_response(url, tls_failed=error.fault is ports.TransportFault.TLS_FAILED)
    finally:
        transport.close()
    if status != 200:
        exit_with_error(f"{url} answered /healthz with status {status}; is it a verdict server?", ENVIRONMENT)


def exit_without_response(server: str, *, tls_failed: bool = False) -> NoReturn:
    """Exit because `server` sent no response, or has a certificate that is not trusted."""
    if tls_failed:
        exit_with_error(
            f"{server} has no certificate that is trusted here; name the PEM file of its "
            f"authorities in {addresses.AUTHORITIES_VARIABLE}",
            ENVIRONMENT,
        )
    exit_with_error(f"cannot reach {server}; is `activation serve` running there?", ENVIRONMENT)


def exit_with_error(message: str, code: int = USAGE) -> NoReturn:
    """Print on standard error what is wrong and what to do, and exit. A long line is shortened in the middle."""
    lines = f"activation: {message}".split("\n", _LINES_MAX)
    if len(lines) > _LINES_MAX:
        lines[_LINES_MAX] = "…"
    say("\n".join(map(shortened, lines)), err=True)
    raise typer.Exit(code)


def names(
    text: str | None, known: list[str], what: str, otherwise: str = "", *, paths: bool = False
) -> list[str]:
    """The comma-separated names in `text`, or all of them for None. Exits with an error if one is not known.

    With `paths` an entry can also be the path of a TOML file, and the caller checks it.
    """
    if text is None:
        return known
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in () if paths else wanted:
        known_name(name, known, what, otherwise)
    return wanted or exit_with_error(
        f"no {what} named; omit the option for all, or name some: {otherwise or ', '.join(known)}"
    )


def known_name(name: str, known: list[str], what: str, otherwise: str = "") -> str:
    """`name` if it is known. Otherwise exits with an error that suggests similar names, or says `otherwise`."""
    if name not in known:
        exit_with_error(f"no {what} is called {name!r}; {suggestion(name, known, otherwise)}")
    return name
