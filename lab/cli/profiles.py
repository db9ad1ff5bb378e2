"""`activation profiles`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The firmware profiles: list them, show one, check files.",
    epilog="Example: activation profiles show official-global",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@app.callback()
def profiles(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="A list of objects for machines.")] = False,
) -> None:
    """The firmware profiles: list them, show one, check files."""
    if context.invoked_subcommand is not None:
        return
    from firmware_profiles.boot import verified_boot
    from firmware_profiles.loader import load_all
    from lab.cli import output

    rows = [
        {
            "name": name,
            "verified_boot": verified_boot(profile).value,
            "agent": profile.agent.version if profile.agent else None,
            "keystore": profile.hardware.keystore.value,
            "summary": profile.profile.summary,
        }
        for name, profile in load_all().items()
    ]
    if json:
        output.as_json(rows)
    else:
        output.show(_table(rows))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A profile's name.")],
    json: Annotated[bool, typer.Option("--json", help="As an object for machines.")] = False,
) -> None:
    """Show what a profile states, and the verified-boot state that follows from it.

    \b
    Example:
      activation profiles show custom-spoofing
    """
    from firmware_profiles.boot import verified_boot
    from firmware_profiles.loader import FOLDER, load_all
    from lab.cli import output

    known = load_all()
    profile = known[output.known_name(name, list(known), "profile")]
    if json:
        output.as_json(profile.model_dump(mode="json") | {"verified_boot": verified_boot(profile).value})
        return
    typer.echo((FOLDER / f"{name}.toml").read_text(encoding="utf-8").rstrip())
    typer.echo(f"\n# follows: verified boot state {verified_boot(profile).value}")


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Profile files (TOML).")],
    json: Annotated[bool, typer.Option("--json", help="A list of objects for machines.")] = False,
) -> None:
    """Check profile files; every error names file, line and key. Exit code 1 if one is not in order.

    \b
    Example:
      activation profiles validate my-firmware.toml
    """
    from firmware_profiles.errors import ProfileError
    from firmware_profiles.loader import load
    from lab.cli import output

    rows = []
    for file in files:
        try:
            load(file)
        except ProfileError as error:
            rows.append(
                {
                    "file": str(file),
                    "ok": False,
                    "code": error.code.value,
                    "line": error.line,
                    "message": str(error),
                }
            )
        else:
            rows.append(
                {"file": str(file), "ok": True, "code": None, "line": None, "message": f"{file}: in order"}
            )
    if json:
        output.as_json(rows)
    else:
        for row in rows:
            typer.echo(row["message"], err=not row["ok"])
    if any(row["code"] == "unreadable" for row in rows):
        raise typer.Exit(output.USAGE)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.NOT_IN_ORDER)


def _table(rows: list[dict[str, str | None]]) -> object:
    from rich.table import Table

    table = Table(title="Firmware profiles", title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "boot", "agent", "what it is"):
        table.add_column(heading, no_wrap=heading != "what it is")
    for row in rows:
        table.add_row(row["name"], row["verified_boot"], row["agent"] or "none", row["summary"])
    return table
