"""Arguments of `activation serve` that would serve to other machines or store no records; file names."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app

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


@pytest.mark.parametrize("arguments", [["--seed", "mine"], ["--allow-public-seed"]])
def test_another_seed_or_the_option_serves_on_every_address(arguments: list[str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [ACTIVATION, "serve", "--host", "0.0.0.0", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline().startswith("The verdict server listens on http://0.0.0.0:")
        finally:
            server.terminate()
        assert server.wait(60) == 0


@pytest.mark.parametrize("arguments", [["run", b"sc\xffen.yaml"], ["serve", "--db", b"\xff"]])
def test_argument_that_is_not_utf_8_is_a_usage_error(arguments: list[str | bytes], tmp_path: Path) -> None:
    done = subprocess.run([ACTIVATION, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not UTF-8; rename the file or correct the argument" in done.stderr
    assert "Traceback" not in done.stderr
