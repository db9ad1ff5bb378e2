"""`activation profiles`."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json, find_profile

with deferred():
    from rich import table as tables

    import firmware_profiles
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
    if json:
        output.as_json(rows)
        return
    table = tables.Table(title="Firmware profiles", title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "boot", "agent", "summary"):
        table.add_column(heading, no_wrap=heading != "summary")
    for row in rows:
        table.add_row(row["name"], row["verified_boot"], row["agent"] or "none", row["summary"])
    output.show(table)


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
    profile = find_profile(name)
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

    def check(file: Path) -> CheckedFile:
        try:
            firmware_profiles.load(file)
        except firmware_profiles.ProfileError as error:
            return CheckedFile(file, error.code.value, error.line, str(error))
        return CheckedFile(file)

    report_validity(map(check, files), json=json)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """Whether a file is valid; the code, line and message of its error."""

    file: Path
    code: str | None = None
    line: int | None = None
    message: str = ""


def report_validity(checked: Iterable[CheckedFile], *, json: bool) -> None:
    """Print the results. Exits with code 1 if a file is not valid, with 2 if one cannot be read."""
    rows = [
        {
            "file": str(each.file),
            "ok": each.code is None,
            "code": each.code,
            "line": each.line,
            "message": each.message or f"{each.file}: valid",
        }
        for each in checked
    ]
    if json:
        output.as_json(rows)
    else:
        for row in rows:
            output.say(str(row["message"]), err=not row["ok"])
    if any(row["code"] == "unreadable" for row in rows):
        raise typer.Exit(output.USAGE)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.CHECK_FAILED)
