"""The bill of materials of the locked requirements, and the report about known vulnerabilities."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.audit import __main__ as audit
from tools.audit import bill_of_materials, vulnerabilities
from tools.audit.bill_of_materials import LOCK_FILES, LockedPackage, LockFileError, normal_name, read_lock
from tools.audit.vulnerabilities import VulnerabilityReport, read_result

ROOT = Path(__file__).parents[3]
LOCKS = {name: (ROOT / "requirements" / name).read_text("utf-8") for name in LOCK_FILES}


def bill(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "build" / "sbom.json"
    bill_of_materials.write(ROOT, file)
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


def test_bill_has_every_locked_package_with_every_hash(tmp_path: Path) -> None:
    components = bill(tmp_path)["components"]
    listed = {
        (each["name"], each["version"]): {
            found["content"] for found in each["externalReferences"][0]["hashes"]
        }
        for each in components
    }
    pinned = {match for text in LOCKS.values() for match in re.findall(r"^([^\s=]+)==(\S+)", text, re.M)}
    assert {(normal_name(name.partition("[")[0]), version) for name, version in pinned} == set(listed)
    hashes = {found for text in LOCKS.values() for found in re.findall(r"sha256:(\w+)", text)}
    assert set().union(*listed.values()) == hashes
    assert len({each["bom-ref"] for each in components}) == len(components)


def test_bill_separates_what_is_installed_from_tools_for_development(tmp_path: Path) -> None:
    document = bill(tmp_path)
    required = {each["name"] for each in document["components"] if each["scope"] == "required"}
    assert required == {package.name for package in read_lock(LOCKS["run.txt"])}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [root] = document["dependencies"]
    assert root["ref"] == f"pkg:pypi/{project['name']}@{project['version']}"
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    others = [each for each in extras if not each.startswith(f"{project['name']}[")]
    assert len(root["dependsOn"]) == len(project["dependencies"] + others)


def test_bill_of_the_same_lock_files_has_the_same_bytes_and_names_no_host(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        bill_of_materials.write(ROOT, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"://" not in files[0].read_bytes()
    assert not any("://" in text for text in LOCKS.values())


@pytest.mark.parametrize("line", ["a>=1 --hash=sha256:" + "0" * 64, "a==1", "-e .", "a==1 --hash=md5:00"])
def test_lock_file_without_version_or_hash_is_rejected(line: str) -> None:
    with pytest.raises(LockFileError, match="not a pinned requirement"):
        list(read_lock(line))


def test_lock_file_with_extras_and_markers_is_read() -> None:
    text = "# c\nA_b[x]==1.0 ; python_version < '4' \\\n    --hash=sha256:" + "a" * 64 + "\n"
    assert list(read_lock(text)) == [LockedPackage("a-b", "1.0", ("a" * 64,))]


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
    report = vulnerabilities.check(ROOT / "requirements" / "audit.txt")
    assert report == VulnerabilityReport(failure="ERROR: connection refused")
    run_of("", FOUND, monkeypatch)
    assert len(vulnerabilities.check(ROOT / "requirements" / "audit.txt").found) == 2


@pytest.mark.parametrize(("result", "code"), [(None, 0), (FOUND, 1), ({"dependencies": []}, 0)])
def test_audit_fails_only_for_a_vulnerability(
    result: dict[str, Any] | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_of("no route", result, monkeypatch)
    written: list[Path] = []
    monkeypatch.setattr(bill_of_materials, "write", lambda folder, file: written.append(file) or 7)
    monkeypatch.chdir(ROOT)
    assert audit.main() == code
    assert written == [ROOT / "build" / "sbom.cdx.json"]
    assert "bill of materials: 7 components in build/sbom.cdx.json" in capsys.readouterr().out
