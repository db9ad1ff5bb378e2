"""Which scenarios `activation run` selects, and what it lists."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab.cli.main import app
from tests.support.scenarios import text

HOLDS = text("- expect: phone\n  outcome: 'off'")
PLACED = text("- expect: phone\n  outcome: 'off'", world="{place: '${place}'}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.scenario.yaml").write_text("tags: [lock, grey-market]\n" + HOLDS)
    (tmp_path / "b.scenario.yaml").write_text("tags: [lock, skip]\n" + HOLDS)
    (tmp_path / "c.scenario.yaml").write_text("parameters: {place: [paris, havana]}\n" + PLACED)
    return tmp_path


def invoke(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["run", str(folder), *options])


@pytest.mark.parametrize(
    ("options", "ids"),
    {
        (): "a b c[place=paris] c[place=havana]",
        ("--tag", "lock"): "a b",
        ("--tag", "grey-*"): "a",
        ("--tag", "lock+skip"): "b",
        ("--tag", "skip", "--tag", "grey-market"): "a b",
        ("--tag", "lock", "--not-tag", "skip"): "a",
        ("--not-tag", "skip", "--not-tag", "grey-market"): "c[place=paris] c[place=havana]",
        ("--only", "b", "--only", "place=havana"): "b c[place=havana]",
        ("--only", "[ab]", "--tag", "skip"): "b",
    }.items(),
)
def test_options_select_what_is_listed(folder: Path, options: tuple[str, ...], ids: str) -> None:
    listed = invoke(folder, "--list", "--json", *options)
    assert listed.exit_code == 0, listed.output
    assert [each["id"] for each in json.loads(listed.stdout)] == ids.split()


def test_list_has_tags_and_parameters_and_runs_nothing(folder: Path) -> None:
    (folder / "d.scenario.yaml").write_text(
        "tags: [new]\nskip: {because: why}\n" + HOLDS.replace("'off'", "home")
    )
    found = {each["id"]: each for each in json.loads(invoke(folder, "--list", "--json").stdout)}
    assert found["a"]["tags"] == ["lock", "grey-market"]
    assert found["c[place=paris]"]["parameters"] == {"place": "paris"}
    assert found["d"]["skip"] == "why"
    shown = invoke(folder, "--list")
    assert shown.stdout.splitlines()[0] == "a  #lock #grey-market"
    assert shown.stdout.endswith("\n5 scenarios\n")
    assert sorted(file.name for file in folder.iterdir()) == [f"{name}.scenario.yaml" for name in "abcd"]


@pytest.mark.parametrize(
    ("options", "words"),
    {
        ("--tag", "lok"): "no scenario has the tag 'lok'; did you mean 'lock'?",
        ("--tag", "zzz"): "the tags are grey-market, lock, skip",
        ("--not-tag", "skp"): "did you mean 'skip'?",
        ("--only", "c[place=pari]"): "did you mean 'c[place=paris]'",
        ("--only", "a", "--only", "place=rome"): "no scenario is called 'place=rome'",
        ("--only", "a", "--tag", "skip"): "no scenario matches all of these options",
    }.items(),
)
@pytest.mark.parametrize("mode", ["--list", "--json"])
def test_name_without_a_match_is_a_usage_error_with_similar_words(
    folder: Path, options: tuple[str, ...], words: str, mode: str
) -> None:
    done = invoke(folder, *options, mode)
    assert done.exit_code == 2, done.output
    assert words in done.stderr


@pytest.mark.slow
def test_tags_are_marks_of_pytest(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "lab.scenario.pytest_plugin",
        "-c",
        "/dev/null",
        "--strict-markers",
    ]
    for expression, summary in {
        "grey-market": "1 passed, 3 deselected",
        "lock and not grey_market and tag-skip": "1 passed, 3 deselected",
    }.items():
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", str(folder), "-m", expression],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert summary in done.stdout, done.stdout + done.stderr


def test_last_failed_follows_what_fails_passes_and_is_gone(folder: Path) -> None:
    bad = HOLDS.replace("'off'", "home")

    def failed() -> list[str]:
        return [each["id"] for each in json.loads(invoke(folder, "--last-failed", "--list", "--json").stdout)]

    assert invoke(folder).exit_code == 0
    assert not (folder / ".activation").exists()
    missing = invoke(folder, "--last-failed")
    assert (missing.exit_code, "all of them are run" in missing.stderr) == (0, True)
    assert "4 passed" in missing.stdout
    for name in "ab":
        (folder / f"{name}.scenario.yaml").write_text(bad)
    assert invoke(folder).exit_code == 1
    assert failed() == ["a", "b"]
    (folder / "a.scenario.yaml").write_text(HOLDS)
    assert invoke(folder, "--only", "c*").exit_code == 0
    assert failed() == ["a", "b"]
    assert "1 passed, 1 failed" in invoke(folder, "--last-failed").stdout
    assert failed() == ["b"]
    (folder / "b.scenario.yaml").rename(folder / "d.scenario.yaml")
    gone = invoke(folder, "--last-failed")
    assert (gone.exit_code, "no longer there: b" in gone.stderr) == (1, True)
    assert "all of them are run" in gone.stderr
    assert "3 passed, 1 failed" in gone.stdout
    assert failed() == ["d"]
    (folder / ".activation" / "last-failed.json").write_text("[not json")
    assert len(failed()) == 4


def test_last_failed_has_the_seed_of_the_failures_unless_another_is_given(folder: Path) -> None:
    (folder / "a.scenario.yaml").write_text(HOLDS.replace("'off'", "home"))
    assert invoke(folder, "--seed", "7").exit_code == 1
    other = invoke(folder, "--last-failed", "--only", "b")
    assert (other.exit_code, "1 passed" in other.stdout) == (0, True)
    assert "all of them are run" in other.stderr
    for options, seed, words in (
        ([], "7", "the seed is 7, with which these scenarios failed"),
        (["--seed", "8"], "8", "these scenarios failed with the seed 7; now it is 8"),
        (["--seed", "8"], "8", ""),
    ):
        done = invoke(folder, "--last-failed", *options)
        assert f"--seed {seed}\n" in done.stdout
        assert done.stderr == (f"activation: {words}\n" if words else "")
    list_of_before = folder / ".activation" / "last-failed.json"
    list_of_before.write_text('[["a.scenario.yaml", "a"]]')
    done = invoke(folder, "--last-failed")
    assert ("--seed 2021\n" in done.stdout, done.stderr) == (True, "")
