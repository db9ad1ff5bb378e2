"""The reports of `activation run`: the same bytes wherever and however it runs, and no file that was not named."""

import json
import os
import stat
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from typer.testing import CliRunner, Result

from lab.cli.main import app
from lab.scenario.engine import engine
from lab.scenario.engine.result import ScenarioResult, Status, Timing
from lab.scenario.output.allure import AllureFolder
from lab.scenario.output.report_file import ReportFooter, ReportHeader, reported
from lab.scenario.output.reports import Reports
from lab.scenario.output.run_root import RunRoot, program_version
from lab.scenario.output.targets import JUNIT, PAGE, REPORT, TIMINGS, TIMINGS_SCRIPT, ReportTargets
from tests.support.scenarios import junit_document, played
from text_input.printable import UNSAFE

RESULTS = (REPORT, PAGE, JUNIT)
STORY = """
name: A phone
about: It is for a test.
tags: [one, two]
parameters: {outcome: [home, locked]}
handsets: {phone: {profile: custom-aosp}}
steps: [power-on, {expect: phone, outcome: "${outcome}"}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two files of scenarios, of which two fail, and one file that cannot be used."""
    folder = tmp_path / "project"
    (folder / "deep").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    for name in ("a", "deep/b"):
        (folder / f"{name}.scenario.yaml").write_text(STORY)
    (folder / "deep" / "unusable.scenario.yaml").write_text("name: [")
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["run", *map(str, words)])


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in RESULTS}


def test_files_are_named_on_standard_error_when_they_are_written(project: Path) -> None:
    golden = "{golden: screen.json, of: phone}, {screenshot: first.png, of: phone}, {expect: phone"
    (project / "a.scenario.yaml").write_text(STORY.replace("{expect: phone", golden))
    options = [
        *("--report", project / "out", "--html", project / "a.html", "--junit", project / "a.xml"),
        *("--allure", project / "allure", "--screenshots", project / "shots", "--update-golden"),
    ]
    lines = run(project, *options).stderr.replace(f"{project}/", "").splitlines()
    assert lines == [
        "activation: wrote out/report.html and 4 files next to it",
        "activation: wrote a.html",
        "activation: wrote a.xml",
        "activation: wrote results for Allure into allure",
        "activation: wrote 2 screenshots into shots",
        "activation: wrote 1 golden file: screen.json",
    ]
    assert "no screen has changed" in run(project, *options).stderr
    found = run(project / "deep")
    assert ("unusable.scenario.yaml:1" in found.stdout, found.stderr) == (True, "")
    found = run(project / "deep", "--json")
    assert ("unusable.scenario.yaml:1" in found.stderr, len(json.loads(found.stdout))) == (True, 2)


def test_results_do_not_depend_on_the_folder_or_the_path_as_typed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.parent / "link").symlink_to(project)
    found = []
    ways = [
        (project, "."),
        (project / "deep", "../../project"),
        (project.parent, "link/."),
    ]
    for number, (folder, typed) in enumerate(ways):
        monkeypatch.chdir(folder)
        out = project.parent / f"out{number}"
        assert run(typed, "--report", out).exit_code == 2
        assert {each.name for each in out.iterdir()} == {*RESULTS, TIMINGS, TIMINGS_SCRIPT}
        found.append(contents(out))
    assert all(each == found[0] for each in found)
    names = {each["file"] for each in json.loads(found[0][REPORT])["scenarios"]}
    assert names == {"a.scenario.yaml", "deep/b.scenario.yaml"}
    assert {each.get("classname") for each in Xml.fromstring(found[0][JUNIT]).iter("testcase")} == {
        *names,
        "deep/unusable.scenario.yaml",
    }
    assert not any(str(project.parent).encode() in each for each in found[0].values())


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_processes(project: Path) -> None:
    for number in (1, 2):
        run(project, "-n", str(number), "--details", "--report", project / f"out{number}")
    assert contents(project / "out1") == contents(project / "out2")


def test_report_states_what_the_results_depend_on(project: Path) -> None:
    for options, commit in (((), program_version()), (("--commit", "c0ffee"), "c0ffee")):
        run(project, "--seed", "7", "--report", project / "out", *options)
        report = json.loads((project / "out" / REPORT).read_text())
        assert (report["commit"], report["seed"], report["version"]) == (commit, "7", program_version())
    assert "shard" not in report
    assert (report["counts"], report["complete"]) == ({"passed": 2, "failed": 2}, True)
    assert [each["file"] for each in report["unusable"]] == ["deep/unusable.scenario.yaml"]
    assert [each["id"] for each in report["scenarios"]] == [
        "a[outcome=home]",
        "a[outcome=locked]",
        "b[outcome=home]",
        "b[outcome=locked]",
    ]
    assert [bool(each["steps"]) for each in report["scenarios"]] == [False, True, False, True]


def test_times_are_only_in_timings_unless_junit_is_to_have_them(project: Path) -> None:
    out = project / "out"
    run(project, "--report", out)
    times = json.loads((out / TIMINGS).read_text())
    assert [each["id"] for each in times["scenarios"]] == [
        each["id"] for each in json.loads((out / REPORT).read_text())["scenarios"]
    ]
    assert all(each["seconds"] > 0 < each["processor_seconds"] for each in times["scenarios"])
    (this,) = times["runs"]
    assert (this["workers"], this["interrupted"]) == (1, None)
    assert datetime.fromisoformat(this["began"]).tzinfo == UTC
    assert not any(each.get("time") for each in Xml.parse(out / JUNIT).iter())
    run(project, "--report", out, "--junit-times", "--junit", project / "single.xml")
    for file in (out / JUNIT, project / "single.xml"):
        suite = Xml.parse(file).getroot()[0]
        cases = [
            float(each.get("time", "nan"))
            for each in suite.iter("testcase")
            if "unusable" not in str(each.get("name"))
        ]
        assert float(suite.get("time", "nan")) == pytest.approx(sum(cases), abs=0.01)


@pytest.mark.parametrize("name", [*RESULTS, TIMINGS, TIMINGS_SCRIPT])
def test_no_report_is_written_through_a_symbolic_link(project: Path, name: str) -> None:
    out, victim = project / "out", project / "victim"
    out.mkdir()
    victim.write_text("mine")
    (out / name).symlink_to(victim)
    found = run(project, "--report", out)
    assert (found.exit_code, victim.read_text()) == (3, "mine")
    assert "symbolic link" in found.stderr
    assert [each.name for each in out.iterdir()] == [name]


def test_folder_of_reports_that_cannot_be_used_is_an_error_before_the_run(project: Path) -> None:
    (project / "file").touch()
    (project / "link").symlink_to(project / "deep")
    for option in ("--report", "--allure"):
        for name in ("file", "link", "file/below"):
            found = run(project, option, project / name)
            assert (found.exit_code, found.stdout) == (3, "")
    same = run(project, "--report", project / "out", "--html", project / "out" / PAGE)
    assert (same.exit_code, same.stdout) == (2, "")


@pytest.mark.slow
def test_reports_have_the_permissions_of_other_files_and_replace_older_ones(project: Path) -> None:
    out = project / "out"
    run(project, "--report", out)
    first, before = contents(out), (out / REPORT).stat().st_ino
    umask = os.umask(0o022)
    run(project, "--report", out)
    os.umask(umask)
    assert contents(out) == first
    assert (out / REPORT).stat().st_ino != before
    assert {stat.S_IMODE(each.stat().st_mode) for each in out.iterdir()} == {0o644}


def test_reports_that_were_not_finished_replace_nothing(tmp_path: Path) -> None:
    for name in RESULTS:
        (tmp_path / name).write_text("older")
    reports = Reports(ReportTargets(tmp_path), ReportHeader("c", "7"))
    reports.add(played("- {expect: phone, outcome: locked}"))
    reports.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert {each.read_text() for each in tmp_path.iterdir()} == {"older"}
    assert len(list(tmp_path.iterdir())) == len(RESULTS)


def test_incomplete_reports_say_so(tmp_path: Path) -> None:
    assert "incomplete" not in junit_document([])
    assert 'name="incomplete"' in junit_document([], complete=False)
    with Reports(ReportTargets(tmp_path), ReportHeader("c", "7")) as reports:
        reports.close([], complete=False)
    assert "Incomplete:" in (tmp_path / PAGE).read_text()
    assert json.loads((tmp_path / REPORT).read_text())["complete"] is False


def test_traceback_of_a_defect_names_no_folder_and_no_address(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(f"at {object()}")

    monkeypatch.setattr(engine, "prepare_world", broken)
    assert run(project / "a.scenario.yaml", "--report", project / "out").exit_code == 3
    for content in contents(project / "out").values():
        assert str(Path.cwd()).encode() not in content
    error = json.loads((project / "out" / REPORT).read_text())["scenarios"][0]["error"]
    assert 'File "lab/scenario/engine/engine.py"' in error
    assert "at <object object at 0x…>" in error


def test_records_are_observed_without_a_change_of_the_simulation() -> None:
    steps = "- power-on\n- set-up\n- factory-reset\n- {expect: phone, outcome: off}"
    with_records = played(steps)
    (phone,) = with_records.handsets
    erased = next(at for at, each in enumerate(phone.records) if each.size is None)
    assert 0 < erased < len(phone.records) - 1
    assert phone.timeline[phone.records[erased].entries - 1]["what"] == "factory reset"
    passed = played(steps.replace("off", phone.outcome))
    assert (passed.status, passed.handsets[0].records) == (Status.PASSED, ())
    assert passed.handsets[0] == replace(phone, records=())


@pytest.fixture(scope="module")
def results() -> list[ScenarioResult]:
    failed = played("- {expect: phone, outcome: locked}")
    return [replace(failed, id=f"a[is={status}]", tags=("lock",), status=status) for status in Status]


def allure(folder: Path, results: list[ScenarioResult], header: ReportHeader) -> list[dict[str, Any]]:
    folder.mkdir()
    written = AllureFolder(folder, header)
    for each in results:
        written.add(
            reported(replace(each, seed=header.seed, timing=Timing(1e9, 2.0, 1.0)), RunRoot(Path.cwd()))
        )
    written.close(ReportFooter({}))
    return [json.loads(each.read_text()) for each in sorted(folder.glob("*-result.json"))]


def test_history_ids_of_allure_are_distinct_and_do_not_depend_on_commit_seed_or_outcome(
    tmp_path: Path, results: list[ScenarioResult]
) -> None:
    first = allure(tmp_path / "a", results, ReportHeader("one", "7"))
    other = [replace(each, status=Status.PASSED, elapsed=1.0) for each in results]
    second = allure(tmp_path / "b", other, ReportHeader("two", "8"))
    by_name = [{each["name"]: each["historyId"] for each in found} for found in (first, second)]
    assert by_name[0] == by_name[1]
    assert len(set(by_name[0].values())) == len(results)
    assert len({each["testCaseId"] for each in first}) == 1


def test_allure_has_the_status_steps_labels_and_explanation(
    tmp_path: Path, results: list[ScenarioResult]
) -> None:
    found = {each["name"]: each for each in allure(tmp_path / "a", results, ReportHeader("one", "7"))}
    statuses = {name.partition("=")[2][:-1]: each["status"] for name, each in found.items()}
    assert statuses == {
        "passed": "passed",
        "failed": "failed",
        "error": "broken",
        "internal-error": "broken",
        "skipped": "skipped",
        "expected-failure": "skipped",
    }
    failed = found["a[is=failed]"]
    assert failed["steps"][0]["statusDetails"]["message"] == 'phone: outcome: expected "locked", actual "off"'
    assert {"name": "tag", "value": "lock"} in failed["labels"]
    (attached,) = failed["attachments"]
    assert "expected  locked" in (tmp_path / "a" / attached["source"]).read_text()
    assert failed["stop"] - failed["start"] == 2000


def test_allure_shows_hostile_text_and_no_markup(tmp_path: Path, results: list[ScenarioResult]) -> None:
    evil = "<img src=x> \x1b[2J \u202e \ud800"
    failed = results[1]
    steps = tuple(replace(each, text=evil, error=evil) for each in failed.steps)
    hostile = replace(
        failed, id=evil, name=evil, about=evil, tags=(evil,), error=evil, steps=steps, parameters={evil: evil}
    )
    (found,) = allure(tmp_path / "a", [hostile], ReportHeader(evil, "7"))
    assert found["descriptionHtml"] == "<p>&lt;img src=x&gt; \\x1b[2J \\u202e \\ud800</p>"
    assert found["name"] == "<img src=x> \\x1b[2J \\u202e \\ud800"
    written = b"".join(each.read_bytes() for each in (tmp_path / "a").iterdir()).decode()
    assert not UNSAFE.search(written.replace("\n", ""))


@pytest.mark.slow
def test_memory_of_the_writer_does_not_grow_with_the_details(tmp_path: Path) -> None:
    """Forty failed scenarios with 300 kB of details each need less than the 12 MB of their JSON."""
    failed = played("- power-on\n- set-up\n- {expect: phone, outcome: off}")
    (phone,) = failed.handsets
    size = len(json.dumps(failed.as_json()))
    big = replace(failed, handsets=(replace(phone, timeline=phone.timeline * (300_000 // size + 1)),))
    tracemalloc.start()
    with Reports(ReportTargets(tmp_path), ReportHeader("c", "7")) as reports:
        for number in range(40):
            reports.add(replace(big, id=f"a{number}"))
        reports.close([])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


@pytest.mark.slow
def test_single_report_goes_to_a_stream_or_a_pipe_but_not_through_a_link_to_one(project: Path) -> None:
    activation = str(Path(sys.executable).with_name("activation"))
    file = str(project / "a.scenario.yaml")
    for target in ("/dev/stderr", "pipe"):
        os.mkfifo(project / "pipe") if target == "pipe" else None
        reader = (
            subprocess.Popen(["cat", project / "pipe"], stdout=subprocess.PIPE) if target == "pipe" else None
        )
        with (project / "stream").open("wb") as stream:
            subprocess.run(
                [activation, "run", file, "--junit", target],
                stdout=subprocess.DEVNULL,
                stderr=stream,
                cwd=project,
                check=False,
            )
        written = reader.communicate()[0] if reader else (project / "stream").read_bytes()
        assert Xml.fromstring(written).tag == "testsuites"
    (project / "link").symlink_to("/dev/null")
    assert run(file, "--junit", project / "link").exit_code == 3
