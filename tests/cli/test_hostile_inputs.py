"""Arguments, files and environment variables that are hostile: a usage error of bounded length, and no traceback."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import output
from lab.cli.admin.shipments import COLUMNS
from lab.cli.main import app
from text_input.printable import LINE_MAX

DIGITS = "9" * 5000
"""More than Python turns into a number."""
LONG = "x" * 100_000
NONCE = "A" * 24
ENDLESS = "/dev/zero"


def check_refused(*arguments: str, **environment: str) -> str:
    """The error message of a command that must refuse its input."""
    done = CliRunner().invoke(app, list(arguments), env=environment)
    assert isinstance(done.exception, SystemExit), (arguments[:3], done.exception)
    assert done.exit_code in (output.CHECK_FAILED, output.USAGE, output.ENVIRONMENT), done.output[:2000]
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert max(map(len, lines)) <= LINE_MAX + len("activation: Error: ")
    assert all(line.isprintable() for line in lines)
    return done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "a.b.c", "--keys", "KEYS", "--now", DIGITS),
        ("verify", "a.b.c", "--keys", "KEYS", "--now", "0001-01-01T00:00:00Z"),
        ("verify", "a.b.c", "--keys", "KEYS", "--now", "9999-12-31T23:59:59-14:00"),
        ("verify", "a.b.c", "--keys", "KEYS", "--now", "99999999999999"),
        ("verify", "a.b.c", "--keys", "KEYS", "--device-key", LONG),
        ("appraise", "KEYS", "--roots", "KEYS", "--at", DIGITS),
        ("appraise", "KEYS", "--roots", "KEYS", "--at", "0001-01-01T00:00:00+14:00"),
        ("appraise", "KEYS", "--roots", "KEYS", "--imei", DIGITS),
        ("policy", "explain", "export-2021-09", "--age", f"{DIGITS}d"),
        ("policy", "explain", "export-2021-09", "--at", "0001-01-01T00:00:00+14:00"),
        ("policy", "explain", "export-2021-09", "--territory", LONG),
        ("policy", "explain", LONG),
        ("device", "--profile", LONG, "--place", "paris"),
        ("device", "--profile", "official-global", "--place", LONG),
        ("unlock", LONG),
        ("admin", "audit", "--since", DIGITS),
        ("admin", "devices", "search", "--server", LONG),
        ("territory", "--position", f"{DIGITS},{DIGITS}"),
        ("attack", "--only", LONG),
        ("explore", "--mutants", LONG),
    ],
    ids=lambda value: "-".join(part.strip("-")[:12] for part in value),
)
def test_long_numbers_texts_and_times_are_usage_errors(arguments: tuple[str, ...], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}')
    check_refused(*(str(keys) if each == "KEYS" else each for each in arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", ENDLESS),
        ("profiles", "validate", ENDLESS),
        ("profiles", "show", ENDLESS),
        ("places", "validate", ENDLESS),
        ("places", "show", ENDLESS),
        ("policy", "check", "LINK.toml"),
        ("policy", "explain", "LINK.toml"),
        ("admin", "policies", "simulate", "LINK.toml"),
        ("admin", "shipments", ENDLESS, "--reason", "x"),
        ("admin", "audit", "--token-file", ENDLESS),
        ("appraise", ENDLESS, "--roots", ENDLESS),
        ("device", "--profile", "official-global", "--place", "paris", "--code-qr", ENDLESS),
        ("device", "--profile", "official-global", "--place", "paris", "--sim", ENDLESS),
        ("explore", "--replay", ENDLESS),
        ("verify", "a.b.c", "--keys", ENDLESS),
        ("evidence", NONCE, "--claims", ENDLESS),
    ],
    ids=lambda value: "-".join(value[:2]),
)
def test_endless_files_are_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    link = tmp_path / "endless.toml"
    link.symlink_to(ENDLESS)
    done = CliRunner().invoke(app, [str(link) if each == "LINK.toml" else each for each in arguments])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (output.CHECK_FAILED, output.USAGE, output.ENVIRONMENT)
    assert len(done.output) < 4 * LINE_MAX


@pytest.mark.parametrize(
    "content", ["[" * 60_000, '{"a": ' * 10_000, DIGITS, "\ud800".encode("utf-8", "surrogatepass")]
)
@pytest.mark.parametrize(
    "command",
    [
        lambda file: ("evidence", NONCE, "--claims", str(file)),
        lambda file: ("explore", "--replay", str(file)),
        lambda file: ("verify", "a.b.c", "--keys", str(file)),
        lambda file: ("appraise", str(file), "--roots", str(file)),
        lambda file: (
            "device",
            "--profile",
            "official-global",
            "--place",
            "paris",
            "--state",
            str(file.parent),
        ),
    ],
    ids=["claims", "trace", "keys", "roots", "state"],
)
def test_deep_json_long_numbers_and_wrong_text_are_refused(
    command: Callable[[Path], tuple[str, ...]], content: str | bytes, tmp_path: Path
) -> None:
    file = tmp_path / "phone.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    check_refused(*command(file))


@pytest.mark.parametrize("hostile", ["", "a\0b", "a\x1b[2Jb", "a\x9bb", '"a\nb"', "x" * 129])
@pytest.mark.parametrize("column", [3, 4, 5, 6])
def test_shipments_with_text_that_no_database_should_store_are_refused_before_they_are_sent(
    column: int, hostile: str, tmp_path: Path
) -> None:
    row = ["00210701", "1", "2", "K-2107-A", "Levant Mobile", "global", "SV-2107G"]
    row[column] = hostile
    file = tmp_path / "s.csv"
    file.write_text(f"{','.join(COLUMNS)}\n{','.join(row)}\n", newline="")
    assert f"{file}:{2 + hostile.count(chr(10))}: {COLUMNS[column]} " in check_refused(
        "admin", "shipments", str(file), "--reason", "x"
    )


@pytest.mark.parametrize("imeis", [["\x1b[2J"], [7], ["490154203237518" * 1000], "490154203237518", [None]])
def test_a_saved_device_with_other_imeis_is_refused(imeis: object, tmp_path: Path) -> None:
    (tmp_path / "phone.json").write_text(json.dumps({"name": "x", "imeis": imeis}))
    check_refused("device", "--profile", "official-global", "--place", "paris", "--state", str(tmp_path))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STATUS_LIST_MAX_AGE", DIGITS),
        ("STATUS_LIST_MAX_AGE", "-1"),
        ("STATUS_LIST_FETCHED_AT", LONG),
        ("RATE_PER_ADDRESS", f"{DIGITS}/minute"),
        ("POLICY", "unknown"),
        ("POLICY", LONG),
        ("POLICY", "missing.toml"),
        ("SOURCE_COUNTRIES", "missing.csv"),
        ("SOURCE_COUNTRIES", ENDLESS),
    ],
    ids=lambda value: value[:24],
)
def test_a_variable_of_the_server_that_cannot_be_used_is_a_usage_error(
    variable: str, value: str, tmp_path: Path
) -> None:
    if value == ENDLESS:
        table = tmp_path / "table.csv"
        with table.open("wb") as stream:
            stream.truncate(65 * 1024 * 1024)  # sparse
        value = str(table)
    arguments = ("serve", "--port", "0", "--db", str(tmp_path / "db.sqlite"))
    message = check_refused(*arguments, **{f"ACTIVATION_SERVER_{variable}": value})
    assert f"ACTIVATION_SERVER_{variable}" in message or value[:20] in message
