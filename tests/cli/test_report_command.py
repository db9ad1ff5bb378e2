"""`activation run --shard`, and `activation report merge`."""

from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner, Result

from lab.cli.main import app

MATRIX = """
name: Places and languages
about: A phone that is off, in each place.
tags: [{tag}]
parameters: {{place: [havana, paris, tehran], locale: [en, es, fr]}}
handsets: {{phone: {{profile: official-global, place: "${{place}}", locale: "${{locale}}"}}}}
steps: [{{expect: phone, outcome: "{outcome}"}}]
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files of nine scenarios, in folders; the scenarios of one fail. It is the working directory."""
    folder = tmp_path / "library"
    for name, outcome in {"a/first": "off", "b/second": "locked"}.items():
        file = folder / f"{name}.scenario.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(MATRIX.format(tag=file.parent.name, outcome=outcome))
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


def activation(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def ids(*arguments: str) -> list[str]:
    """The ids that `activation run --list` prints."""
    done = activation("run", "--list", *arguments)
    assert done.exit_code == 0, done.output
    return [line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines() if "[" in line]


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize(
    "selection", [[], ["--tag", "a", "--only", "*place=havana*", "--only", "*place=paris*"]]
)
@pytest.mark.usefixtures("library")
def test_shards_of_a_selection_have_each_scenario_once(count: int, selection: list[str]) -> None:
    found = [ids(".", *selection, "--shard", f"{number}/{count}") for number in range(1, count + 1)]
    sizes = [len(each) for each in found]
    assert sorted(each for shard in found for each in shard) == sorted(ids(".", *selection))
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.usefixtures("library")
def test_shard_is_the_same_for_each_spelling_of_the_paths(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ids(".", "--shard", "2/3")
    for typed in (["b", "a"], ["a", "./b", "b/../b"], [str(library)], ["a/first.scenario.yaml", "b"]):
        assert ids(*typed, "--shard", "2/3") == expected
    copytree(library, tmp_path / "another host")
    monkeypatch.chdir(tmp_path)
    assert ids("another host", "--shard", "2/3") == expected


def test_shards_by_durations_take_equally_long(library: Path) -> None:
    """One scenario takes as long as all others together."""
    first, *others = ids(".")
    (library / "times.json").write_text(str({first: 17.0} | dict.fromkeys(others, 1.0)).replace("'", '"'))
    assert ids(".", "--shard", "1/2", "--durations", "times.json") == [first]
    assert ids(".", "--shard", "2/2", "--durations", "times.json") == others


@pytest.mark.usefixtures("library")
def test_empty_shard_passes() -> None:
    done = activation("run", ".", "--shard", "64/64")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard", "3"], "--shard '3' is not a number, a slash and a count, such as 2/7"),
        (["--shard", "0/4"], "--shard '0/4' has no shard 0; the first is 1/4, the last 4/4"),
        (["--durations", "times.json"], "--durations needs --shard"),
        (["--shard", "1/4", "--durations", "nothing"], "cannot read nothing: No such file"),
        (["--shard", "1/4", "--durations", "pyproject.toml"], "pyproject.toml is not a JSON object"),
    ],
)
@pytest.mark.usefixtures("library")
def test_option_that_cannot_be_used_is_a_usage_error(options: list[str], message: str) -> None:
    done = activation("run", ".", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
