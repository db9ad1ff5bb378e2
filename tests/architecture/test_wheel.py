"""The built wheel is complete, and the same for the same commit."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.architecture.test_extras import ALLOWED

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_command_of_the_built_wheel_runs_without_the_checkout(tmp_path: Path) -> None:
    """Users install the wheel: it must contain all data files."""
    wheel = _build(ROOT, tmp_path)
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    matrix = _run(
        unpacked,
        "sys.argv = ['activation', 'matrix', '--profiles', 'official-eea', '--places', 'havana']; m.main()",
    )
    assert "official-eea" in matrix
    incident = _run(
        unpacked,
        "from lab.scenario.output.incident import incident; result = incident('wheel');"
        " print(result.status, result.file)",
    )
    assert incident == "passed scenarios/incident/incident-2021.scenario.yaml\n"


@pytest.mark.slow
def test_wheel_of_the_same_files_has_the_same_bytes(tmp_path: Path) -> None:
    """On another day, in another folder and time zone, with another umask, and listed in another order."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    files = sorted(name for name in os.fsdecode(listed).split("\0") if name and (ROOT / name).is_file())
    wheels = [
        _build_copy(files, tmp_path / "one", umask=0o022, at=1_600_000_000, zone="UTC"),
        _build_copy(
            files[::-1], tmp_path / "an" / "other", umask=0o077, at=1_700_000_001, zone="Asia/Kathmandu"
        ),
    ]
    first, second = (zipfile.ZipFile(wheel) for wheel in wheels)
    assert first.namelist() == second.namelist()
    different = [
        one.filename
        for one, other in zip(first.infolist(), second.infolist(), strict=True)
        if (first.read(one), one.date_time, one.external_attr)
        != (second.read(other), other.date_time, other.external_attr)
    ]
    assert different == []
    assert wheels[0].name == wheels[1].name
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def _build_copy(files: list[str], folder: Path, *, umask: int, at: int, zone: str) -> Path:
    """The wheel of a copy of the files, all written at a time with a umask."""
    source = folder / "source"
    for name in files:
        copy = source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        copy.chmod(0o777 & ~umask if os.access(ROOT / name, os.X_OK) else 0o666 & ~umask)
        os.utime(copy, (at, at))
    return _build(source, folder, umask=umask, TZ=zone, PYTHONHASHSEED=str(at % 1000))


def _build(source: Path, folder: Path, umask: int = -1, **environment: str) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w"]
    command = [*build, str(folder), str(source)]
    unset = {name: text for name, text in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, check=True, capture_output=True, env=unset | environment, umask=umask)
    [wheel] = folder.glob("*.whl")
    return wheel


def _run(unpacked: Path, code: str) -> str:
    script = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); import lab.cli.main as m;"
        f" assert m.__file__.startswith({str(unpacked)!r}); {code}"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=unpacked.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


RUN = {
    "base": [(["run", "scenarios"], 2, "[lab]"), (["serve"], 2, "[server]")],
    "server": [
        (["policy", "check", "example"], 0, ""),
        (["openapi"], 0, ""),
        (["serve", "--help"], 0, ""),
        (["admin", "devices", "search"], 2, "token"),
        (["serve", "--database", "postgresql://server@127.0.0.1/verdicts"], 2, "[cluster]"),
        (["run", "--list", "."], 2, "[lab]"),
    ],
    "cluster": [(["serve", "--database", "postgresql://server@127.0.0.1:9/verdicts"], 3, "127.0.0.1")],
    "lab": [(["matrix", "--profiles", "official-eea", "--places", "havana"], 0, "")],
}
"""Commands in an environment with only what an extra installs: arguments, exit code, and what its error names."""


@pytest.mark.slow
@pytest.mark.parametrize("part", RUN)
def test_wheel_with_only_an_extra_runs_what_belongs_to_it(part: str, tmp_path: Path) -> None:
    """Distributions that are installed here are linked into an empty environment; pip would download them."""
    site = tmp_path / "site"
    zipfile.ZipFile(_build(ROOT, tmp_path)).extractall(site)
    for name in ALLOWED[part]:
        _link(name, site)
    agent = "from agent.verification.verdict import verify; from agent.runtime import Agent"
    for code, arguments, expected, error in (
        (agent, [], 0, ""),
        *(("from lab.cli.entry import main; main()", *each) for each in RUN[part]),
    ):
        start = f"import sys; sys.path.insert(0, {str(site)!r}); {code}"
        command = [sys.executable, "-S", "-P", "-W", "error::ImportWarning", "-c", start, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == expected, done.stderr
        assert error in done.stderr


def _link(distribution: str, site: Path) -> None:
    """Link the packages and the metadata of an installed distribution into `site`."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:  # a requirement of another platform
        return
    for file in files:
        top = site / file.parts[0]
        if file.parts[0] not in ("..", "__pycache__") and not top.exists():
            top.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / file.parts[0])
