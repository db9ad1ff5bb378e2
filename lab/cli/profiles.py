"""`activation profiles`."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json

with deferred():
    from rich import table as tables

    import firmware_profiles

app = typer.Typer(
    epilog="Example: activation profiles show official-global",
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
)


@app.callback()
def profiles(context: typer.Context, json: Json = False) -> None:
    """List the firmware profiles, show one, or validate files."""
    if context.invoked_subcommand is not None:
        return
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
    name: Annotated[str, typer.Argument(help="A profile's name.")],
    json: Json = False,
) -> None:
    """Show a profile, its verified-boot state and the SHA-256 of its verified-boot key.

    \b
    Example:
      activation profiles show custom-spoofing
    """
    profile = firmware_profiles.load_named(
        output.known_name(name, list(firmware_profiles.names()), "profile")
    )
    state, key = firmware_profiles.verified_boot(profile).value, firmware_profiles.verified_boot_key(profile)
    if json:
        computed = {"verified_boot": state, "verified_boot_key": key.hex()}
        output.as_json(profile.model_dump(mode="json") | computed)
        return
    output.say((firmware_profiles.loader.FOLDER / f"{name}.toml").read_text(encoding="utf-8").rstrip())
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
    rows = []
    for file in files:
        error = None
        try:
            firmware_profiles.load(file)
        except firmware_profiles.ProfileError as caught:
            error = caught
        rows.append(
            {
                "file": str(file),
                "ok": error is None,
                "code": error.code.value if error else None,
                "line": error.line if error else None,
                "message": str(error) if error else f"{file}: valid",
            }
        )
    if json:
        output.as_json(rows)
    else:
        for row in rows:
            output.say(str(row["message"]), err=not row["ok"])
    if any(row["code"] == "unreadable" for row in rows):
        raise typer.Exit(output.USAGE)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.CHECK_FAILED)
