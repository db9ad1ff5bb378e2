"""`activation run --shard`, and `activation report merge`."""

import hashlib
import json
import re
from pathlib import Path
from random import Random
from shutil import copytree
from signal import SIGINT, raise_signal
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lab.cli.main import app
from lab.scenario.files import discovery
from lab.scenario.files.reader import Case, read

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


REPORTS = ("report.json", "report.html", "junit.xml")
BROKEN = "name: broken\nsteps: [expct: phone]\n"


def run_shards(count: int, *options: str) -> list[str]:
    """Run a third of the library in shards. Returns the folders with their reports."""
    folders = [f"shard {number}" for number in range(1, count + 1)]
    for number, folder in enumerate(folders, 1):
        activation(
            "run",
            ".",
            "--only",
            "*place=havana*",
            "--shard",
            f"{number}/{count}",
            "--report",
            folder,
            *options,
        )
    return folders


def allure_results(folder: Path) -> dict[str, str]:
    """The files by name, without the real times in them."""
    return {each.name: re.sub(r'"(start|stop)": \d+', "", each.read_text()) for each in folder.iterdir()}


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("count", [1, 2, 7, pytest.param(64, marks=pytest.mark.slow)])
def test_merged_reports_are_the_bytes_of_the_whole_run(library: Path, count: int, *, broken: bool) -> None:
    """Half of the scenarios fail; a file can be unusable. The files of Allure have real times."""
    if broken:
        (library / "broken.scenario.yaml").write_text(BROKEN)
    options = ["--details"] if count == 2 else []
    whole = activation(
        "run", ".", "--only", "*place=havana*", "--report", "whole", "--allure", "a1", *options
    )
    folders = run_shards(count, *options)
    given = [*folders, f"{folders[0]}/report.json"]
    Random(count).shuffle(given)
    merged = activation("report", "merge", *given, "--output", "merged", "--allure", "a2")
    assert (merged.exit_code, whole.exit_code) == ((2, 2) if broken else (1, 1))
    assert merged.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    for name in REPORTS:
        assert (library / "merged" / name).read_bytes() == (library / "whole" / name).read_bytes()
    times, single = (
        json.loads((library / each / "timings.json").read_text()) for each in ("merged", "whole")
    )
    assert [row["id"] for row in times["scenarios"]] == [row["id"] for row in single["scenarios"]]
    assert all(row["seconds"] > 0 for row in times["scenarios"])
    assert len(times["runs"]) == count


def test_times_of_a_merged_report_are_durations_of_the_next_run(library: Path) -> None:
    folders = run_shards(2)
    activation("report", "merge", *folders, "--output", "merged")
    again = run_shards(2, "--durations", "merged/timings.json")
    digest = hashlib.sha256((library / "merged/timings.json").read_bytes()).hexdigest()
    headers = [json.loads((library / each / "report.json").read_text())["shard"] for each in again]
    assert [each["durations"] for each in headers] == [digest] * 2
    done = activation("report", "merge", *again, "--output", "merged", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        1,
        {"counts": {"failed": 3, "passed": 3}, "complete": True, "shards": 2},
    )


@pytest.mark.usefixtures("library")
def test_merge_that_is_not_possible_names_the_shard_and_writes_nothing(library: Path) -> None:
    first, second, third = run_shards(3)
    run = ["run", ".", "--only", "*place=havana*", "--shard", "3/3", "--report"]
    activation(*run, "seed", "--seed", "7")
    activation(*run, "commit", "--commit", "c0ffee")
    text = (library / third / "report.json").read_text()
    (library / "interrupted").mkdir()
    (library / "interrupted/report.json").write_text(text.replace('"complete":true', '"complete":false'))
    copytree(library / third, library / "times")
    (library / "times/timings.json").write_text("{")
    refused = {
        (first, third): "missing: shard 2/3",
        (
            first,
            second,
            "seed",
        ): "seed/report.json (shard 3/3) is of another run: its seed is '7', that of the",
        (first, second, "commit"): "commit/report.json (shard 3/3) is of another run: its commit is 'c0ffee'",
        (first, second, "interrupted"): "interrupted/report.json (shard 3/3) is incomplete",
        (first, second, third, "interrupted"): "have different results; omit one of them",
        (first, "nothing"): "nothing cannot be read: No such file",
        (first, second, "times"): "times/timings.json has no times as `activation run --report` writes them",
    }
    for given, message in refused.items():
        done = activation("report", "merge", *given, "--output", "merged")
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr.replace("\n", " ")
        assert not (library / "merged").exists()
    done = activation("report", "merge", first, second, third, "--output", second)
    assert done.exit_code == 2
    assert f"{second} has the report of a shard" in done.stderr


def test_partial_merge_marks_the_report_as_incomplete(library: Path) -> None:
    first, _, third = run_shards(3)
    (library / first / "timings.json").unlink()
    done = activation("report", "merge", third, first, "--output", "merged", "--partial")
    assert done.exit_code == 1
    report = json.loads((library / "merged/report.json").read_text())
    assert (report["complete"], len(report["scenarios"])) == (False, 4)
    assert "missing: shard 2/3" in done.stdout


@pytest.mark.parametrize("shared", [True, False])
def test_last_failed_scenarios_of_a_shard_are_those_of_its_part(library: Path, *, shared: bool) -> None:
    """Hosts share the list of failures, or each host has that of its own shard. Every failure is run once."""
    failures = set(ids("b", "--only", "*place=havana*"))
    lists = {}
    for number in range(1, 3):
        (library / ".activation/last-failed.json").unlink(missing_ok=True)
        shard = [] if shared else ["--shard", f"{number}/2"]
        activation("run", ".", "--only", "*place=havana*", *shard)
        lists[number] = (library / ".activation/last-failed.json").read_text()
    folders = []
    for number, before in lists.items():
        (library / ".activation/last-failed.json").write_text(before)
        folders.append(f"again {number}")
        activation(
            "run", ".", "--only", "*place=havana*", "--last-failed",
            "--shard", f"{number}/2", "--report", folders[-1],
        )  # fmt: skip
        assert (
            library / ".activation/last-failed.json"
        ).read_text() == before  # those of other shards remain
    merged = activation("report", "merge", *folders, "--output", "merged")
    report = json.loads((library / "merged/report.json").read_text())
    assert merged.exit_code == 1
    assert [each["id"] for each in report["scenarios"]] == sorted(failures)
    assert report["complete"] is True


@pytest.mark.parametrize("options", [[], ["--shard", "64/64"]])
def test_report_of_a_run_that_was_interrupted_while_it_read_files_is_incomplete(
    library: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """Also a report of no scenario: the shard could have had some of the files that were not read."""

    def read_and_interrupt(file: Path, *others: Any) -> tuple[Case, ...]:
        if file.name.startswith("second"):
            raise_signal(SIGINT)
        return read(file, *others)

    monkeypatch.setattr(discovery, "read", read_and_interrupt)
    done = activation("run", ".", "--report", "report", *options)
    assert done.exit_code == 128 + SIGINT
    assert json.loads((library / "report/report.json").read_text())["complete"] is False
