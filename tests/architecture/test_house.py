"""The house keeps its order: who may import whom, what is pure, and what must not be found anywhere."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("wire", "text_input", "agent", "server_stub", "firmware_profiles", "lab")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_the_import_contracts_are_kept() -> None:
    """The agent and the server never know each other, and the lab is known by neither."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


JUDGEMENT = ("server_stub/attestation", "server_stub/evidence", "server_stub/policy", "server_stub/territory")
PURE = (
    "agent/core",
    "agent/telephony",
    "agent/verification",
    "agent/screens",
    *JUDGEMENT,
    "wire",
    "text_input",
)
ALSO_PURE = (
    "agent/evidence.py",
    "agent/sealing.py",
    "agent/responses.py",
    "agent/ports.py",
    "agent/image.py",
)
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
CATALOGUES = ROOT / "agent" / "screens" / "catalogue.py"
SCHEMAS = ROOT / "wire" / "schemas.py"


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in SOURCES
        if path.relative_to(ROOT).as_posix().startswith(PURE)
        or path.relative_to(ROOT).as_posix() in ALSO_PURE
    ],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_pure_modules_call_nothing_that_reaches_outside(path: Path) -> None:
    """No clock, file, randomness or environment; the catalogues of the screens are package data and read once."""
    if path in (CATALOGUES, SCHEMAS):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called.isdisjoint(IMPURE_CALLS)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported.isdisjoint(
        {"os", "io", "socket", "random", "secrets", "time", "threading", "subprocess", "uuid"}
    )


SWITCHES = ("debug", "insecure", "test_mode", "testing", "skip_verify", "unsafe", "environ", "getenv")


@pytest.mark.parametrize("path", sorted((ROOT / "agent").rglob("*.py")), ids=lambda path: path.name)
def test_the_agent_has_no_switch_for_tests(path: Path) -> None:
    """The lab changes behaviour through ports alone; no name in the agent offers another way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert not [name for name in names if name.lower() in SWITCHES]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_swallows_everything_or_leaves_something_undone(path: Path) -> None:
    """Broad excepts hide faults; marks of unfinished work do not land."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.id if isinstance(node.type, ast.Name) else ""
            assert node.type is not None, f"line {node.lineno}"
            assert caught not in ("Exception", "BaseException"), f"line {node.lineno}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno <= 70, node.name
    assert not {"TO" + "DO", "FIX" + "ME"} & set(path.read_text(encoding="utf-8").replace(":", " ").split())


def test_the_wheel_carries_everything_that_runs(tmp_path: Path) -> None:
    """What users install is not the checkout: data files must be inside, and the command must work from there."""
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    script = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r}); sys.argv = ['activation', 'matrix', '--profiles',"
        " 'official-eea', '--places', 'havana']; import lab.cli.main as m;"
        f" assert m.__file__.startswith({str(unpacked)!r}); m.main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "official-eea" in done.stdout
