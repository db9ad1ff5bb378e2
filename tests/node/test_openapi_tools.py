"""The OpenAPI document in the hands of others: two linters, and a TypeScript client that is generated from it.

`make node` installs what these tests need in `tests/node/node_modules`; without it they are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
TOOLS = FOLDER / "node_modules"
DOCUMENT = FOLDER.parents[1] / "docs" / "developers" / "openapi.json"
ACTIVATION = str(Path(sys.executable).with_name("activation"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("node") or not TOOLS.is_dir(),
        reason="no Node.js tools here; `make node` installs them",
    ),
]


def run(*command: str | Path, cwd: Path = FOLDER) -> "subprocess.CompletedProcess[str]":
    """The linters send no statistics, and look for no newer version of themselves."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, cwd=cwd, env=os.environ | quiet, check=False
    )


def tool(name: str, *arguments: str | Path, cwd: Path = FOLDER) -> "subprocess.CompletedProcess[str]":
    return run("node", TOOLS / ".bin" / name, *arguments, cwd=cwd)


LINTERS = {
    "redocly": ("lint", "--extends=recommended"),
    "spectral": ("lint", "--ruleset=spectral.json", "--fail-severity=error"),
}


@pytest.mark.parametrize("linter", LINTERS)
def test_the_document_has_no_error(linter: str) -> None:
    done = tool(linter, *LINTERS[linter], DOCUMENT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_reports_an_error(linter: str, tmp_path: Path) -> None:
    """Proves that the test above can fail."""
    document = json.loads(DOCUMENT.read_text("utf-8"))
    document["paths"]["/v1/challenges"]["post"]["operationId"] = "requestVerdict"
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    assert tool(linter, *LINTERS[linter], tmp_path / "openapi.json").returncode == 1


def test_a_generated_typescript_client_compiles_and_works(server: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(TOOLS)
    shutil.copy(FOLDER / "smoke.ts", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--types", "node")
    for done in (
        tool("openapi-typescript", DOCUMENT, "--output", "openapi.ts", cwd=tmp_path),
        tool("tsc", *options, "smoke.ts", cwd=tmp_path),
    ):
        assert done.returncode == 0, done.stdout + done.stderr
    token = (tmp_path / "records-admin-token").read_text("ascii").strip()
    done = run("node", "smoke.js", server, token, ACTIVATION, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    received: dict[str, Any] = json.loads(done.stdout)
    assert received["verdict"]["eat_nonce"] == received["nonce"]
    assert (received["verdict"]["decision"], received["verdict"]["territory"]) == ("deny", "CU")
    assert (received["problem"], received["unknown"], received["found"]) == (
        *("challenge-spent", "device-unknown"),
        1,
    )
    assert received["unlocked"]["override"]["decision"] == "allow"
