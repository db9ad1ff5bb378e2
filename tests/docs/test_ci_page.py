"""The example jobs of docs/qa/ci.md: their commands run here, for a small library in two shards."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from shutil import copytree
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/qa/ci.md").read_text(encoding="utf-8")
LIBRARY = """
name: Places
about: A phone that is off in each place, and not locked in one of them.
parameters: {place: [havana, paris, tehran]}
handsets: {phone: {profile: official-global, place: "${place}"}}
steps:
  - {expect: phone, outcome: off}
  - {expect: phone, outcome: locked, when: {place: tehran}}
"""


def jobs(heading: str) -> dict[str, Any]:
    """The YAML below a heading of the page."""
    found = re.search(rf"^### {heading}\n+```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    loaded: dict[str, Any] = yaml.load(found[1], yaml.BaseLoader)
    return loaded


def run(script: Iterable[str], folder: Path, **variables: str) -> int:
    """Run the lines of a job in a checkout. Returns the exit code of the first that fails, or 0."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in script:
        if line.startswith("pip install"):
            continue
        command = ["bash", "-c", line]
        done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path} | variables, check=False)
        if done.returncode:
            return done.returncode
    return 0


def checkout(folder: Path) -> Path:
    scenarios = folder / "scenarios"
    scenarios.mkdir(parents=True)
    (scenarios / "places.scenario.yaml").write_text(LIBRARY)
    (folder / "pyproject.toml").touch()
    return folder


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of a GitHub workflow with its expressions replaced."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], text)


def github_job(job: dict[str, Any], folder: Path, artifacts: Path, values: Mapping[str, str]) -> int:
    """Run the steps of a job. Returns the exit code of the first command that fails; later steps run if `always()`."""
    code = 0
    for step in job["steps"]:
        if code and step.get("if") != "always()":
            continue
        action, options = step.get("uses", ""), step.get("with", {})
        if "run" in step:
            code = run([filled(step["run"], values)], folder)
        elif action.startswith("actions/upload-artifact@"):
            copytree(folder / filled(options["path"], values), artifacts / filled(options["name"], values))
        elif action.startswith("actions/download-artifact@"):
            for each in artifacts.iterdir():
                if fnmatch(each.name, options["pattern"]):
                    copytree(each, folder / options["path"] / each.name)
        elif action.startswith("mikepenz/action-junit-report@"):
            assert (folder / options["report_paths"]).is_file()
        else:
            assert action.startswith(("actions/checkout@", "actions/setup-python@")), action
    return code


def check_report(report: Path, folder: Path) -> None:
    """The report that was joined equals that of a whole run, and has the failure."""
    whole = checkout(folder / "whole")
    assert run(["activation run scenarios --report report"], whole) == 1
    for name in ("report.json", "report.html", "junit.xml"):
        assert (report / name).read_bytes() == (whole / "report" / name).read_bytes()
    suite = Xml.parse(report / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")


@pytest.mark.slow
def test_jobs_for_github_merge_two_shards(tmp_path: Path) -> None:
    workflow = jobs("GitHub Actions")["jobs"]
    shard, report = workflow["scenarios"], workflow["report"]
    assert shard["strategy"]["fail-fast"] == "false"
    assert shard["strategy"]["matrix"]["shard"] == list("1234")
    assert (report["needs"], report["if"]) == ("scenarios", "${{ !cancelled() }}")
    artifacts = tmp_path / "artifacts"
    codes = [
        github_job(
            shard, checkout(tmp_path / each), artifacts, {"matrix.shard": each, "strategy.job-total": "2"}
        )
        for each in "12"
    ]
    assert sorted(codes) == [0, 1]
    assert github_job(report, checkout(tmp_path / "report"), artifacts, {}) == 1
    check_report(artifacts / "report", tmp_path)


@pytest.mark.slow
def test_jobs_for_gitlab_merge_two_shards(tmp_path: Path) -> None:
    pipeline = jobs("GitLab")
    shard, report = pipeline["scenarios"], pipeline["report"]
    assert shard["parallel"] == "4"
    stages = [pipeline["stages"].index(job["stage"]) for job in (shard, report)]
    assert stages == [0, 1]
    assert [report["when"], *(job["artifacts"]["when"] for job in (shard, report))] == ["always"] * 3
    last = checkout(tmp_path / "report")
    codes = []
    for each in "12":
        folder = checkout(tmp_path / each)
        variables = {"CI_NODE_INDEX": each, "CI_NODE_TOTAL": "2"}
        codes.append(run(shard["script"], folder, **variables))
        for path in shard["artifacts"]["paths"]:
            name = path.replace("$CI_NODE_INDEX", each)
            copytree(folder / name, last / name)
    assert sorted(codes) == [0, 1]
    assert run(report["script"], last) == 1
    assert all((last / path).is_dir() for path in report["artifacts"]["paths"])
    assert (last / report["artifacts"]["reports"]["junit"]).is_file()
    check_report(last / "report", tmp_path)
