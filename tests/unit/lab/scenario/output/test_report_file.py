"""`report.json`: written and read as a stream, the same bytes after a round trip, and named from the root."""

import io
import json
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.engine.runner import Plan, Run
from lab.scenario.files.errors import FileError, FileErrorCode
from lab.scenario.files.reader import read
from lab.scenario.files.shards import ShardPart
from lab.scenario.model.named_files import run_root
from lab.scenario.output.report_file import (
    ReportFileError,
    ReportFooter,
    ReportHeader,
    ReportReader,
    ReportWriter,
    UnusableFile,
    reported,
)
from lab.scenario.output.run_root import RunRoot, program_version
from tests.support.scenarios import played

PART = ShardPart(1, 2, 9, "digest", None, (0, 3, 8))
ROOT = RunRoot(Path.cwd())
INCIDENT = Path("scenarios/incident/incident-2021.scenario.yaml")
HOSTILE = "\x1b[2J \u202e \ud800 \ufffe </script> ü \x00\n\t"
UNUSABLE = UnusableFile("a.scenario.yaml", (FileError(1, 2, FileErrorCode.SYNTAX, "steps", HOSTILE),))


@pytest.fixture(scope="module")
def results() -> list[ScenarioResult]:
    """One that passed, one that failed, and one with hostile text."""
    (passed,) = Run(read(INCIDENT), Plan()).results()
    failed = played("- {expect: phone, outcome: locked}")
    return [passed, failed, replace(failed, name=HOSTILE, tags=(HOSTILE,), error=HOSTILE)]


def written(results: list[ScenarioResult], *, details: bool, complete: bool = True) -> bytes:
    stream = io.BytesIO()
    writer = ReportWriter(stream, ReportHeader("c0ffee", "7", details=details, shard=PART))
    for each in results:
        writer.add(reported(each, ROOT, details=details))
    counts = dict(Counter(each.status for each in results))
    writer.close(ReportFooter(counts, (UNUSABLE,), complete))
    return stream.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("details", [False, True])
@pytest.mark.parametrize("complete", [False, True])
def test_report_that_was_read_is_written_with_the_same_bytes(
    results: list[ScenarioResult], tmp_path: Path, count: int, *, details: bool, complete: bool
) -> None:
    first = written(results[:count], details=details, complete=complete)
    file = tmp_path / "report.json"
    file.write_bytes(first)
    reader = ReportReader(file)
    again = io.BytesIO()
    writer = ReportWriter(again, reader.header)
    for each in reader.results():
        writer.add(each)
    assert reader.footer
    writer.close(reader.footer)
    assert again.getvalue() == first
    parsed = json.loads(first)
    assert parsed["scenarios"] == [json.loads(line) for line in reader.lines()]
    assert (parsed["complete"], len(parsed["scenarios"])) == (complete, count)


def test_details_of_passed_scenarios_are_written_only_on_request(results: list[ScenarioResult]) -> None:
    for details in (False, True):
        passed, failed, _ = json.loads(written(results, details=details))["scenarios"]
        assert bool(passed["steps"]) is bool(passed["handsets"][0]["screens"]) is details
        assert passed["handsets"][0]["locked"]
        assert failed["steps"]
        assert failed["handsets"][0]["timeline"] == list(results[1].handsets[0].timeline)


@pytest.mark.parametrize("status", Status)
def test_counts_are_those_of_the_scenarios(results: list[ScenarioResult], status: Status) -> None:
    text = json.loads(written([replace(results[1], status=status)] * 2, details=False))
    assert text["counts"] == {status: 2}


def test_file_that_is_no_report_is_an_error_with_its_name(
    results: list[ScenarioResult], tmp_path: Path
) -> None:
    """Every beginning of a report, and a report with one wrong line."""
    whole = written(results[1:], details=False)
    file = tmp_path / "report.json"
    wrong = [whole[:end] for end in range(0, len(whole), 199)]
    wrong += [
        whole.replace(b'"failed"', b'"unheard of"'),
        b"[]",
        b"{}\n",
        b"\xff\n",
        json.dumps(json.loads(whole)).encode(),
    ]
    for content in wrong:
        file.write_bytes(content)
        with pytest.raises(ReportFileError, match=r"report\.json"):
            list(ReportReader(file).results())
    with pytest.raises(ReportFileError, match="cannot be read"):
        ReportReader(tmp_path / "nothing")


def test_names_and_commands_do_not_depend_on_the_path_as_typed(
    results: list[ScenarioResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = INCIDENT.resolve()
    monkeypatch.chdir("docs/qa")
    for typed in (str(there), f"../../{INCIDENT}", f"../qa/../../{INCIDENT}"):
        root = RunRoot(run_root([Path(typed)]))
        command = f"activation run '{typed}' --seed 2021"
        found = reported(replace(results[0], file=typed, reproduce=command), root)
        assert (found.file, found.reproduce) == (str(INCIDENT), f"activation run {INCIDENT} --seed 2021")


def test_root_is_the_nearest_marked_folder_or_the_common_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one/deep", "two"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "one")
    both = [tmp_path / "link/deep/a.scenario.yaml", tmp_path / "two"]
    assert RunRoot(run_root(both)).folder == tmp_path.resolve()
    assert RunRoot(run_root(both[:1])).folder == tmp_path.resolve() / "one/deep"
    assert RunRoot(run_root(both[:1])).name(str(both[0])) == "a.scenario.yaml"
    assert RunRoot(run_root(both[1:])).name(str(both[0])) == "../one/deep/a.scenario.yaml"
    (tmp_path / "one/pyproject.toml").touch()
    assert RunRoot(run_root(both[:1])).folder == tmp_path.resolve() / "one"


def test_commit_is_that_of_the_checkout_or_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        return subprocess.run(
            ["git", "-C", tmp_path, *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    root = RunRoot(tmp_path)
    assert root.commit() == program_version()
    git("init", "-q")
    assert root.commit() == program_version()
    git("commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    found = root.commit()
    monkeypatch.delenv("GIT_DIR")
    assert found == git("rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert root.commit() == program_version()
