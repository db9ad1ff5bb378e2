"""Runs that end early: after failures, by signals, with killed workers; and the progress bar."""

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.scenario.engine.interruption import Interruption
from lab.scenario.engine.runner import Plan, Run
from lab.scenario.output.report_file import ReportReader
from tests.support.scenarios import SEED, cases, text

COMMAND = (str(Path(sys.executable).with_name("activation")), "run")
MANY = f"parameters: {{number: {list(range(40))}}}\n" + text(
    "- power-on\n- set-up\n- wait: 2 days\n- expect: phone\n  outcome: activated", world="{seed: '${number}'}"
)
MIXED = f"parameters: {{usable: [true, false], number: {list(range(12))}}}\n" + text(
    "- expect: phone\n  usable: ${usable}", world="{seed: '${number}'}"
)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 5, None])
def test_failure_limit_gives_the_same_results_with_several_workers(limit: int | None) -> None:
    found = sorted(cases(MIXED), key=lambda case: case.labels["number"])
    alone = Run(found, Plan(SEED), failures_max=limit)
    expected = [(each.id, each.status) for each in alone.results()]
    assert alone.failures == (limit or 12)
    assert alone.complete is (limit is None)
    run = Run(found, Plan(SEED, workers=2), failures_max=limit)
    assert [(each.id, each.status) for each in run.results()] == expected
    assert (run.failures, run.complete) == (alone.failures, alone.complete)


def test_limit_that_is_reached_at_the_last_scenario_is_a_complete_run(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(MIXED.replace("[true, false]", "[true]"))
    done = CliRunner().invoke(app, ["run", str(tmp_path), "--max-failures", "12"])
    assert (done.exit_code, "not all scenarios" in done.stderr) == (1, False)
    done = CliRunner().invoke(app, ["run", str(tmp_path), "--max-failures", "11"])
    assert (done.exit_code, "the run stopped after 11 failures; not all" in done.stderr) == (1, True)


def test_failure_is_explained_before_the_next_scenario(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(MIXED)
    shown = CliRunner().invoke(app, ["run", str(tmp_path)]).stdout
    first, second = shown.index("actual    false"), shown.index("passed  a[number=0,usable=false]")
    assert shown.index("FAILED  a[number=0,usable=true]") < first < second


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_lets_no_further_scenario_begin(number: signal.Signals) -> None:
    interruption = Interruption()
    with interruption.handled():
        run = Run(cases(MIXED), Plan(SEED), interruption)
        results = run.results()
        next(results)
        os.kill(os.getpid(), number)
        assert list(results) == []
    assert (interruption.signal, run.complete) == (number, False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "many.scenario.yaml").write_text(MANY)
    return tmp_path


def session(leader: int) -> dict[int, str]:
    """The processes of a session, with their command lines."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found[int(process.name)] = (process / "cmdline").read_text()
        except (OSError, ValueError):
            continue
    return found


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    reports = ["--report", "r", "--junit", "j.xml", "--html", "h.html"]
    return subprocess.Popen(
        [*COMMAND, ".", *reports, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def check_files(folder: Path, *, complete: bool) -> int:
    """Check that all reports are valid and agree. Returns the number of results."""
    reader = ReportReader(folder / "r" / "report.json")
    count = len(list(reader.results()))
    assert reader.footer is not None
    assert reader.footer.complete is complete
    for file in (folder / "j.xml", folder / "r" / "junit.xml"):
        suite = Xml.parse(file).getroot()[0]
        assert len(suite.findall("testcase")) == count
        assert (suite.find("properties") is None) is complete
    for file in (folder / "h.html", folder / "r" / "report.html"):
        page = file.read_text("utf-8")
        assert page.rstrip().endswith("</html>")
        assert ("<strong>Incomplete:" in page) is not complete
    json.loads((folder / "r" / "timings.json").read_text("utf-8"))
    return count


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100))
def test_interrupted_run_leaves_valid_files_and_no_process(folder: Path, number: int) -> None:
    """Every second time the signal goes to all processes of the run, as Ctrl-C does; some times it comes twice."""
    draw = random.Random(f"interrupted run {number}")
    kind, pauses = draw.choice((signal.SIGINT, signal.SIGTERM)), [draw.uniform(0.1, 5)]
    pauses += draw.choice(([], [0.0], [0.1]))
    running = start(folder, "--json", "-n", draw.choice("12"))
    for pause in pauses:
        time.sleep(pause)
        if number % 2:
            os.killpg(running.pid, kind)
        else:
            running.send_signal(kind)
    stdout, stderr = running.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while (left := session(running.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)  # the resource tracker of multiprocessing ends when it reads the end of its pipe
    assert not left
    assert "Traceback" not in stderr
    if running.returncode == -kind:  # before the command had read its options, or after all was written
        complete = bool(stdout) and '"complete":true' in (folder / "r" / "report.json").read_text("utf-8")
        assert not stdout or check_files(folder, complete=complete) == len(json.loads(stdout))
        return
    assert running.returncode in (0, 128 + kind), stderr
    complete = running.returncode == 0
    assert check_files(folder, complete=complete) == len(json.loads(stdout))
    times = json.loads((folder / "r" / "timings.json").read_text("utf-8"))
    assert (kind.name in json.dumps(times)) is not complete


@pytest.mark.slow
def test_killed_worker_is_a_result_and_the_other_scenarios_are_run(folder: Path) -> None:
    running = start(folder, "-n", "2")
    assert running.stdout is not None
    running.stdout.readline()
    workers = [process for process, line in session(running.pid).items() if "spawn_main" in line]
    os.kill(workers[0], signal.SIGKILL)
    stdout, stderr = running.communicate(timeout=100)
    assert running.returncode == 3, stderr
    assert "the process that ran it was ended by signal SIGKILL" in stdout
    assert "39 passed, 1 internal-error" in stdout
    assert "Traceback" not in stdout + stderr
    assert check_files(folder, complete=True) == 40


@pytest.mark.slow
def test_workers_end_when_the_run_is_killed(folder: Path) -> None:
    running = start(folder, "-n", "2")
    assert running.stdout is not None
    running.stdout.readline()
    running.kill()
    running.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while session(running.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not session(running.pid)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["file", "terminal"])
def test_progress_bar_is_on_a_terminal_only(tmp_path: Path, target: str) -> None:
    (tmp_path / "a.scenario.yaml").write_text(MIXED)
    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    with log.open("wb") as stream:
        running = subprocess.Popen(
            [*COMMAND, str(tmp_path)],
            stdout=theirs if target == "terminal" else stream,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:
            break
    os.close(ours)
    assert running.wait(60) == 1
    bars = re.findall(rb"([#-]{24}) (\d+)/24, (\d+) failed, \d+:\d\d left", shown)
    assert [int(done) for _, done, _ in bars] == list(range(1, 25))
    assert bars[-1] == (b"#" * 24, b"24", b"12")
    printed = shown if target == "terminal" else log.read_bytes()
    assert b"12 passed, 12 failed" in printed
    assert (b"\x1b" in printed) is (target == "terminal")
