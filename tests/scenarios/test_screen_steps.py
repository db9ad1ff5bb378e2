"""Buttons, pictures and golden files of scenarios."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.core.screens import Action
from lab.cli.main import app
from lab.scenario.engine.context import OutputOptions
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.screen_actions import BUTTONS
from lab.scenario.files.errors import ScenarioError
from tests.support.scenarios import SEED, cases, last, text, wrong

LOCKED = "- power-on\n- set-up\n"
HAVANA = "{place: havana}"
GOLDEN = LOCKED + "- press: show-imei\n- golden: locked.json\n"
SHOT = LOCKED + "- screenshot: deep/locked.png\n- expect: phone\n  screen: locked\n"


def in_folder(
    folder: Path, steps: str, *, output: OutputOptions, seed: str = SEED, **rest: str
) -> ScenarioResult:
    """The result of the first scenario with these steps, of a file in `folder`."""
    case = cases(text(steps, world=HAVANA, **rest))[0]
    return run(replace(case, file=str(folder / "test.scenario.yaml"), root=folder), seed, output=output)


def test_every_button_can_be_pressed() -> None:
    assert set(BUTTONS) == set(Action)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("press: sing", r"steps\[2\]\.press: is 'sing'; use one of 'emergency-call'"),
        ("press: language", "add `language`"),
        ("press: retry\n  language: fr", "takes no `language`"),
        ("press: retry\n  text: abc", "takes no code"),
        ("press: enter-code\n  code: mine", "a step `issue-code` must come before"),
        ("press: retry\n  of: fone", "of: no handset is called 'fone'"),
        ("screenshot: locked.jpg", "write a path that ends in `.png`"),
        ("screenshot: ../a.png", "without `..` and a first `/`"),
        ("screenshot: /tmp/a.png", "without `..` and a first `/`"),
        ("golden: /tmp/b.json", "a path that ends in `.json`, relative to this file"),
        ("golden: ../../../../../../../b.json", "is outside .*; move it there"),
    ],
)  # fmt: skip
def test_screen_step_that_cannot_be_done_is_an_error_of_the_file(step: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        cases(text(f"- power-on\n- {step}\n- expect: phone\n  screen: language\n"))


def test_golden_file_is_written_with_the_flag_only(tmp_path: Path) -> None:
    compare, update = OutputOptions(tmp_path), OutputOptions(tmp_path, update_golden=True)
    missing = in_folder(tmp_path, GOLDEN, output=compare)
    assert missing.status is Status.ERROR
    assert "--update-golden" in str(last(missing).error)
    assert not list(tmp_path.iterdir())

    assert in_folder(tmp_path, GOLDEN, output=update).status is Status.PASSED
    file = tmp_path / "locked.json"
    assert [each.name for each in tmp_path.iterdir()] == ["locked.json"]
    data = json.loads(file.read_text())
    assert (data["id"], data["symbol"], data["dark"], data["direction"]) == ("locked", "padlock", True, "ltr")
    for seed in (SEED, "another"):  # it holds for every device
        assert in_folder(tmp_path, GOLDEN, output=compare, seed=seed).status is Status.PASSED

    data["title"], data["body"][1] = "Locked", "Something else."
    del data["actions"][0]
    file.write_text(json.dumps(data))
    differs = in_folder(tmp_path, GOLDEN, output=compare)
    assert differs.status is Status.FAILED
    assert {line.split(": ")[1] for line in wrong(differs)} >= {
        "golden.title",
        "golden.body[2]",
        "golden.actions[6]",
    }
    assert json.loads(file.read_text()) == data

    file.write_text("[]")
    assert "is not a JSON object" in str(last(in_folder(tmp_path, GOLDEN, output=compare)).error)
    assert in_folder(tmp_path, GOLDEN, output=update).status is Status.PASSED
    assert in_folder(tmp_path, GOLDEN, output=compare).status is Status.PASSED


@pytest.mark.slow
def test_screenshots_of_devices_and_combinations_are_separate_and_always_the_same(tmp_path: Path) -> None:
    handsets = "phone: {profile: official-global, locale: '${language}'}\nother: {profile: official-global}"
    body = text(SHOT, world=HAVANA, handsets=handsets).replace(
        "handsets:", "parameters: {language: [ar, fr]}\nhandsets:", 1
    )
    pictures = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        for case in cases(body):
            result = run(case, SEED, output=OutputOptions(folder))
            assert result.status is Status.PASSED, wrong(result)
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        pictures.append({path.relative_to(folder): path.read_bytes() for path in found})
    assert pictures[0] == pictures[1]
    assert {path.parts[-4:] for path in pictures[0]} == {
        (f"test[language={language}]", device, "deep", "locked.png")
        for language in ("ar", "fr")
        for device in ("phone", "other")
    }
    assert len(set(pictures[0].values())) == 4


@pytest.mark.sample(4)
@pytest.mark.parametrize("link", ["folder", "file"])
@pytest.mark.parametrize("steps", [SHOT.replace("deep/", ""), GOLDEN], ids=["screenshot", "golden"])
def test_nothing_is_written_or_read_through_a_link(tmp_path: Path, steps: str, link: str) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    for kind in (".png", ".json"):
        (outside / f"locked{kind}").write_text("untouched")
    output = OutputOptions(inside, update_golden=True)
    steps = steps.replace("locked.", "sub/locked.") if link == "folder" else steps
    assert in_folder(inside, steps, output=output).status is Status.PASSED
    written = next(inside.rglob("locked.*"))
    victim = written.parent if link == "folder" else written
    if link == "folder":
        written.unlink()
        victim.rmdir()
        victim.symlink_to(outside)
    else:
        victim.unlink()
        victim.symlink_to(outside / written.name)
    for flag in (True, False):
        result = in_folder(inside, steps, output=replace(output, update_golden=flag))
        assert result.status is Status.ERROR, wrong(result)
    assert {file.read_text() for file in outside.iterdir()} == {"untouched"}
    assert len(list(outside.iterdir())) == 2


@pytest.mark.parametrize("way", ["command", pytest.param("pytest", marks=pytest.mark.slow)])
def test_command_and_pytest_have_both_options(tmp_path: Path, way: str) -> None:
    file = tmp_path / "shown.scenario.yaml"
    file.write_text(text(GOLDEN + "- screenshot: a.png\n", world=HAVANA))

    def code(*options: str) -> int:
        if way == "command":
            return CliRunner().invoke(app, ["run", str(file), *options]).exit_code
        own = [option.replace("--", "--scenario-") for option in options]
        plugin = ["-p", "lab.scenario.pytest_plugin", "-p", "no:cacheprovider", "-q"]
        command = [sys.executable, "-m", "pytest", *plugin, str(file), *own]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode

    shots = ("--screenshots", str(tmp_path / "shots"))
    assert code(*shots) == 1
    assert code(*shots, "--update-golden") == 0
    assert code(*shots) == 0
    assert [path.name for path in (tmp_path / "shots").rglob("*.png")] == ["a.png"]
