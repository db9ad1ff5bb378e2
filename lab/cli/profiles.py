"""`activation profiles`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    from rich import table as tables

    import firmware_profiles
    from text_input import documents
    from text_input import files as text_files

app = typer.Typer(
    epilog="Example: activation profiles show official-global",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)


@app.callback()
def profiles(context: typer.Context, json: Json = False) -> None:
    """List the firmware profiles, show one, or validate files."""
    if context.invoked_subcommand is None:
        list_profiles(json=json)


@app.command("list")
def list_profiles(json: Json = False) -> None:
    """List the firmware profiles.

    \b
    Example:
      activation profiles list --json
    """
    rows = [
        {
            "name": name,
            "verified_boot": firmware_profiles.verified_boot(profile).value,
            "agent": profile.agent.version if profile.agent else None,
            "keystore": profile.hardware.keystore.value,
            "summary": profile.profile.summary,
        }
        for name, profile in firmware_profiles.load_all().items()
    ]
    columns = {"name": "name", "boot": "verified_boot", "agent": "agent", "summary": "summary"}
    list_rows(rows, "Firmware profiles", columns, json=json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A profile's name, or the path of a TOML file.")],
    json: Json = False,
) -> None:
    """Show a profile, its verified-boot state and the SHA-256 of its verified-boot key.

    \b
    Example:
      activation profiles show custom-spoofing
      activation profiles show ./my-firmware.toml
    """
    profile = firmware_profiles.find(name)
    state, key = firmware_profiles.verified_boot(profile).value, firmware_profiles.verified_boot_key(profile)
    if json:
        computed = {"verified_boot": state, "verified_boot_key": key.hex()}
        output.as_json(profile.model_dump(mode="json") | computed)
        return
    file = Path(name) if text_files.is_path(name) else firmware_profiles.loader.FOLDER / f"{name}.toml"
    output.say(file.read_text(encoding="utf-8").rstrip())
    output.say(f"\n# computed: verified boot state {state}\n# verified boot key {key.hex()}")


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Profile files (TOML).")],
    json: Json = False,
) -> None:
    """Validate profile files; an error names file, line and key. Exit code 1 if a file is not valid.

    \b
    Example:
      activation profiles validate my-firmware.toml
    """

    report_validity(files, firmware_profiles.load, json=json)


def list_rows(
    rows: Sequence[Mapping[str, Any]], title: str, columns: Mapping[str, str], *, json: bool
) -> None:
    """Print rows: as JSON, or as a table of the members that `columns` gives for its headings."""
    if json:
        output.as_json(rows)
        return
    table = tables.Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in columns:
        table.add_column(heading, no_wrap=heading not in ("summary", "sentence"))
    for row in rows:
        values = [row[member] for member in columns.values()]
        table.add_row(*(str(len(each)) if isinstance(each, list) else each or "none" for each in values))
    output.show(table)


def report_validity(files: Iterable[Path], read: Callable[[Path], Any], *, json: bool) -> None:
    """Read the files and print the errors. Exits with code 1 if one is not valid, with 2 if one cannot be read.

    `code`, `line` and `message` of a file are those of its first error.
    """
    rows = []
    for file in files:
        problems: tuple[documents.DocumentProblem, ...] = ()
        try:
            read(file)
        except documents.DocumentError as error:
            problems = error.problems
        errors = [
            {"code": each.code.value, "line": each.line, "key": each.key, "message": str(each)}
            for each in problems
        ]
        first = errors[0] if errors else {"code": None, "line": None, "message": f"{file}: valid"}
        row = {"file": str(file), "ok": not errors}
        rows.append(row | {name: first[name] for name in ("code", "line", "message")} | {"errors": errors})
        if not json:
            output.say("\n".join(map(str, problems)) or str(first["message"]), err=bool(errors))
    if json:
        output.as_json(rows)
    if any(row["code"] == "unreadable" for row in rows):
        raise typer.Exit(output.USAGE)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.CHECK_FAILED)
