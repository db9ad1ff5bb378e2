"""Arguments of `activation serve` that would serve to other machines or store no records; file names."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.settings import TABLE

ACTIVATION = str(Path(sys.executable).with_name("activation"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", ""], "--host is empty; name an address"),
        (["--host", " "], "--host is empty; name an address"),
        (["--host", "0.0.0.0"], "the verdict keys of --seed 2021 are public"),
        (["--host", "::"], "add --allow-public-seed"),
        (["--host", "192.0.2.1", "--seed", "2021"], "choose another --seed"),
        (["--host", "some-name.example"], "some-name.example is an address that other machines may reach"),
        (["--db", ":memory:"], "--db: :memory: is not a file"),
        (["--db", "."], "--db: . is not a file"),
        (["--db", ""], "--db is empty; name a file"),
        (["--policy", "missing.toml"], "--policy: cannot read missing.toml: No such file"),
        (["--policy", "exampel"], "--policy: exampel is no policy; did you mean 'example'?"),
        (["--source-countries", "missing.csv"], "--source-countries: cannot read missing.csv"),
        (["--keys", "/dev/null"], "--keys: /dev/null is not a folder"),
        (["--tls-cert", "missing.pem"], "--tls-cert: set --tls-key (ACTIVATION_SERVER_TLS_KEY) too"),
        (["--tls-cert", "missing.pem", "--tls-key", "x"], "--tls-cert: cannot read missing.pem"),
        (
            ["--workers", "2"],
            "--workers: SQLite is for one process, since two processes are slower than one; "
            "name a PostgreSQL database with --db",
        ),
        (["--workers", "0"], "--workers: '0' cannot be used"),
        (["--workers", "65", "--db", "postgresql://db.example/x"], "--workers: '65' cannot be used"),
        (["--config", "missing.toml"], "--config: cannot read missing.toml: No such file"),
        (["--rate-admin", "often"], "--rate-admin: 'often' is not a rate; write 30/minute"),
    ],
)
def test_argument_is_a_usage_error(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [(["--allow-public-seed"], "2021"), pytest.param(["--seed", "mine"], "…", marks=pytest.mark.slow)],
)
def test_another_seed_or_the_option_serves_on_every_address(
    arguments: list[str], shown: str, tmp_path: Path
) -> None:
    """Another seed is a secret and not shown."""
    with subprocess.Popen(
        [ACTIVATION, "serve", "--host", "0.0.0.0", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline().startswith("The verdict server listens on http://0.0.0.0:")
            assert f"--seed {shown} " in next(line for line in server.stdout if "activation device" in line)
        finally:
            server.terminate()
        assert server.wait(60) == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"PRT": "1"},
            "ACTIVATION_SERVER_PRT: this variable is no setting; did you mean 'ACTIVATION_SERVER_PORT'",
        ),
        ({"POLICY": "missing.toml"}, "ACTIVATION_SERVER_POLICY: cannot read missing.toml: No such file"),
        ({"CONFIG": "missing.toml"}, "ACTIVATION_SERVER_CONFIG: cannot read missing.toml: No such file"),
        ({"PORT": "80,81"}, "ACTIVATION_SERVER_PORT: '80,81' cannot be used: write a whole number"),
    ],
)
@pytest.mark.parametrize(
    "command", ["serve", "unlock FSKEV-N4HU4-AAAAA-AAAAA-AAAAA-CGIY", "admin token", "admin prune"]
)
def test_wrong_variable_is_a_usage_error_of_every_command_that_reads_settings(
    command: str, environment: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {f"ACTIVATION_SERVER_{name}": value for name, value in environment.items()}
    result = CliRunner().invoke(app, command.split(), env=variables)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["h" * 64, "no.such.host.invalid"])
def test_host_without_an_address_is_an_error_of_the_environment(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["serve", "--host", host, "--seed", "mine"])
    assert (result.exit_code, list(tmp_path.iterdir())) == (3, [])
    assert f"cannot listen on {host} port 8021: " in result.stderr


@pytest.mark.slow
def test_failed_start_leaves_no_database_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "other.txt").touch()
    result = CliRunner().invoke(app, ["serve", "--port", "0", "--keys", "keys"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cannot publish keys" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]


def test_help_of_serve_shows_each_option_and_variable_at_80_columns() -> None:
    shown = CliRunner().invoke(app, ["serve", "--help"], terminal_width=80).stdout
    words = shown.split()
    for setting in TABLE.values():
        assert all(option in [word.strip(",") for word in words] for option in setting.options)
        assert any(word.strip(";]") == setting.variable for word in words)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [["run", b"sc\xffen.yaml"], ["serve", "--db", b"\xff"]])
def test_argument_that_is_not_utf_8_is_a_usage_error(arguments: list[str | bytes], tmp_path: Path) -> None:
    done = subprocess.run([ACTIVATION, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not UTF-8; rename the file or correct the argument" in done.stderr
    assert "Traceback" not in done.stderr
