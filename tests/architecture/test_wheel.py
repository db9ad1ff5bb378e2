"""The built wheel is complete."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_command_of_the_built_wheel_runs_without_the_checkout(tmp_path: Path) -> None:
    """Users install the wheel: it must contain all data files."""
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w"]
    subprocess.run([*build, str(tmp_path), str(ROOT)], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
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
