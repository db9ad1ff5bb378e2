"""The report about known vulnerabilities of the locked requirements."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.audit import VulnerabilityReport, read_result

ROOT = Path(__file__).parents[3]


def test_locked_requirements_name_no_host() -> None:
    locks = [file.read_text("utf-8") for file in (ROOT / "requirements").iterdir()]
    assert len(locks) == 8
    assert not any("://" in text for text in locks)


@pytest.mark.slow
def test_bill_has_each_locked_package_with_each_hash_and_always_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py", reason="`make audit` installs cyclonedx-bom")
    shown = ["make", "-n", "-o", ".venv/audit.stamp", "audit"]
    recipe = subprocess.run(shown, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    [line] = [each for each in recipe.replace("\\\n", " ").splitlines() if "cyclonedx_py" in each]
    written = []
    for name in ("one.json", "two.json"):
        command = [sys.executable, *shlex.split(line)[1:-1], str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, check=True)
        written.append((tmp_path / name).read_text("utf-8"))
    assert written[0] == written[1]
    lock = (ROOT / "requirements" / "run.txt").read_text("utf-8")
    components = json.loads(written[0])["components"]
    pinned = {name.partition("[")[0] for name in re.findall(r"^([^\s=]+)==", lock, re.MULTILINE)}
    assert {each["name"] for each in components} == pinned
    found = {part["content"] for each in components for part in each["externalReferences"][0]["hashes"]}
    assert found == set(re.findall(r"sha256:(\w+)", lock))
    assert not any("://" in each["externalReferences"][0]["url"] for each in components)


FOUND = {
    "dependencies": [
        {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2", "3"]}]},
        {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]},
        {"name": "c", "version": "1", "vulns": []},
        {"name": "d", "skip_reason": "unknown"},
    ]
}


def test_report_names_each_vulnerability_and_each_package_that_is_unknown() -> None:
    assert read_result(FOUND).lines() == [
        "vulnerabilities: 2 in 3 packages",
        "a 1: PYSEC-1, corrected in 2, 3",
        "b 1: PYSEC-2, corrected in no version",
        "not checked, unknown to the index: d",
    ]


def test_index_that_knows_no_package_is_not_an_index_without_vulnerabilities() -> None:
    report = read_result({"dependencies": [{"name": "d", "skip_reason": "not found"}]})
    assert report.lines() == ["vulnerabilities: not checked, no index answered: not found"]


def run_of(stderr: str, result: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if result is not None:
            Path(command[command.index("--output") + 1]).write_text(json.dumps(result), "utf-8")
        return subprocess.CompletedProcess(command, 1, "", stderr)

    monkeypatch.setattr("subprocess.run", run)


def test_index_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run_of("WARNING\nERROR: connection refused\n", None, monkeypatch)
    report = audit.check(ROOT / "requirements" / "audit.txt")
    assert report == VulnerabilityReport(failure="ERROR: connection refused")
    run_of("", FOUND, monkeypatch)
    assert len(audit.check(ROOT / "requirements" / "audit.txt").found) == 2


@pytest.mark.parametrize(("result", "code"), [(None, 0), (FOUND, 1), ({"dependencies": []}, 0)])
def test_audit_fails_only_for_a_vulnerability(
    result: dict[str, Any] | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_of("no route", result, monkeypatch)
    monkeypatch.chdir(ROOT)
    assert audit.main() == code
    assert "vulnerabilities: " in capsys.readouterr().out
