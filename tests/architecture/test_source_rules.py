"""Rules for the source: import contracts, modules without input and output, no test switches, no broad excepts."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("wire", "text_input", "agent", "server_stub", "firmware_profiles", "lab")
SOURCES = sorted(
    path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")
)


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.slow  # `make lint` runs it too
def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


PURE = (
    *("agent/core/", "agent/telephony/", "agent/verification/", "agent/screens/", "wire/", "text_input/"),
    *("server_stub/attestation/", "server_stub/evidence/", "server_stub/policy/", "server_stub/territory/"),
    *("agent/evidence.py", "agent/sealing.py", "agent/responses.py", "agent/ports.py", "agent/image.py"),
)
READ_PACKAGE_DATA = ("agent/screens/catalogue.py", "wire/schemas.py")
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
IMPURE_MODULES = {"os", "io", "socket", "random", "secrets", "time", "threading", "subprocess", "uuid"}


def imported(path: str) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_pure_modules_use_no_clock_file_randomness_or_environment() -> None:
    pure = [path for path in SOURCES if path.startswith(PURE) and path not in READ_PACKAGE_DATA]
    assert len(pure) > 80
    for path in pure:
        calls = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert names.isdisjoint(IMPURE_CALLS), path
        assert IMPURE_MODULES.isdisjoint(imported(path)), path


SWITCHES = {"debug", "insecure", "test_mode", "testing", "skip_verify", "unsafe", "environ", "getenv"}


def test_agent_has_no_switch_for_tests() -> None:
    """The lab changes behaviour only through ports."""
    for path in SOURCES:
        if path.startswith("agent/"):
            nodes = list(ast.walk(tree(path)))
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
            assert SWITCHES.isdisjoint(map(str.lower, names)), path


ISOLATING = ["server_stub/verdicts/group.py"]
"""The error of one request must not fail the others of its group, whatever it is."""


def test_no_broad_except_no_long_function_and_no_mark_of_unfinished_work() -> None:
    broad = []
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                caught = node.type.id if isinstance(node.type, ast.Name) else ""
                assert node.type is not None, f"{path}:{node.lineno}"
                broad += [path] if caught in ("Exception", "BaseException") else []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or node.lineno) - node.lineno <= 70, f"{path}: {node.name}"
        words = (ROOT / path).read_text(encoding="utf-8").replace(":", " ").split()
        assert not {"TO" + "DO", "FIX" + "ME"} & set(words), path
    assert broad == ISOLATING


PRINTING = {"echo", "secho", "print", "Console"}


def test_commands_print_through_one_module_that_escapes_control_characters() -> None:
    """Text from outside must not reach a terminal unescaped. The version is text of this project."""
    for path in SOURCES:
        if not path.startswith("lab/cli/") or path == "lab/cli/output.py":
            continue
        calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        names = {call.attr for call in calls if isinstance(call, ast.Attribute)}
        names |= {call.id for call in calls if isinstance(call, ast.Name)}
        assert names & PRINTING == ({"echo"} if path == "lab/cli/main.py" else set()), path


def test_npm_packages_are_locked_by_their_hashes_and_by_no_address() -> None:
    packages = json.loads((ROOT / "tests/node/package-lock.json").read_text("utf-8"))["packages"]
    del packages[""]  # what package.json requests
    assert all(package["integrity"] and "resolved" not in package for package in packages.values())
