"""What `activation` imports before the arguments are checked."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from lab.cli.main import app

HEAVY = ["fastapi", "sqlalchemy", "cryptography", "tuf", "uvicorn", "alembic", "timezonefinder", "pycountry"]
LIBRARIES = [*HEAVY, "pydantic", "requests", "rich.console", "babel", "stdnum"]

WRONG = {
    "demo": "demo --html /nowhere/page.html",
    "serve": "serve --algorithm RSA",
    "load": "load --duration 0",
    "proxy": "proxy --to http://127.0.0.1:9 --fault nothing",
    "device": "device --profile official-global --place nowhere",
    "unlock": "unlock AAAAA --algorithm RSA",
    "evidence": "evidence - --place nowhere",
    "attest": "attest --nonce A --public-key nowhere.pem --profile nowhere",
    "matrix": "matrix --places nowhere",
    "run": "run scenarios --http --server http://127.0.0.1:9",
    "report merge": "report merge shard-1",
    "openapi": "openapi 3.1",
    "verify": "verify token --serial -1",
    "appraise": "appraise chain.pem",
    "territory": "territory --accuracy 5",
    "attack": "attack --workers 0",
    "investigate": "investigate --server http://127.0.0.1:9 --database x",
    "explore": "explore --profile nowhere",
    "diagram": "diagram --format png",
    "profiles list": "profiles list nowhere",
    "profiles show": "profiles show nowhere",
    "profiles validate": "profiles validate",
    "places list": "places list nowhere",
    "places show": "places show nowhere",
    "places validate": "places validate",
    "policy list": "policy list export-2021-09",
    "policy check": "policy check",
    "policy explain": "policy explain export-2021-09 --trust high",
    "policy diff": "policy diff export-2021-09",
    "policy simulate": "policy simulate draft.toml",
    "admin policies list": "admin policies list --server",
    "admin policies get": "admin policies get export-2021-09 one",
    "admin policies put": "admin policies put /nowhere.toml --reason r",
    "admin policies simulate": "admin policies simulate /nowhere.toml",
    "admin policies in-force": "admin policies in-force now",
    "admin policies put-in-force": "admin policies put-in-force export-2021-09 1",
    "admin policies roll-back": "admin policies roll-back",
    "admin campaigns list": "admin campaigns list all",
    "admin campaigns start": "admin campaigns start investigation",
    "admin campaigns lift": "admin campaigns lift investigation",
    "admin devices search": "admin devices search --limit 0",
    "admin devices show": "admin devices show",
    "admin devices history": "admin devices history d-0 --limit 0",
    "admin devices lock": "admin devices lock d-0",
    "admin devices unlock": "admin devices unlock d-0",
    "admin devices release": "admin devices release d-0",
    "admin devices withdraw": "admin devices withdraw d-0",
    "admin devices decide": "admin devices decide d-0 notice --reason r",
    "admin devices bulk": "admin devices bulk lok --locked --reason r",
    "admin unlock": "admin unlock AAAAA",
    "admin keys list": "admin keys list all",
    "admin keys rotate": "admin keys rotate Zx1",
    "admin keys revoke": "admin keys revoke Zx1",
    "admin keys replace-online": "admin keys replace-online --seed 2021",
    "admin clock accept": "admin clock accept",
    "admin faults list": "admin faults list all",
    "admin faults add": "admin faults add noise --reason r",
    "admin faults clear": "admin faults clear",
    "admin shipments": "admin shipments shipped.csv",
    "admin audit": "admin audit --out audit.csv",
    "admin token": "admin token --name",
    "admin prune": "admin prune --keep-days 0",
}


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that is not a group of commands, with its path."""
    context = typer.Context(group, info_name="activation")
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        if isinstance(command, TyperGroup):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands(typer.main.get_command(app)))


def modules_after(*statements: str, libraries: Sequence[str] = LIBRARIES) -> dict[str, list[str]]:
    """Of the libraries, those that are imported after each statement, in one new process."""
    lines = [
        "import contextlib, io, json, sys, types",
        "from lab.cli.main import app",
        f"libraries, loaded = {libraries!r}, {{}}",
        "def run(line):",
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):",
        "        try: app(line.split(), prog_name='activation')",
        "        except SystemExit as end: code = end.code",
        "    found = (name for name in libraries if type(sys.modules.get(name)) is types.ModuleType)",
        "    loaded[line] = [code, *found]",  # a deferred module has another type until it is loaded
        *(f"run({statement!r})" for statement in statements),
        "print(json.dumps(loaded))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_command_has_a_wrong_call_in_the_table() -> None:
    assert {" ".join(path) for path in ALL} == set(WRONG)


def test_a_wrong_argument_is_rejected_before_heavy_imports() -> None:
    loaded = modules_after(*WRONG.values())
    assert {line: code for line, (code, *_) in loaded.items() if code not in (2, 3)} == {}
    assert {line: names for line, (_, *names) in loaded.items() if set(names) & set(HEAVY)} == {}


def test_help_imports_no_library() -> None:
    groups = ("policy", "admin", "admin devices", "profiles")
    loaded = modules_after("--help", *(f"{group} --help" for group in groups))
    assert loaded.pop("--help") == [0]
    assert set(map(tuple, loaded.values())) == {(0, "pydantic")}  # Typer itself imports it to read arguments


SCENARIO = Path(__file__).parents[2] / "scenarios" / "decisions" / "allow.scenario.yaml"
UNUSED = [
    *("rich.console", "rich.text", "pygments", "structlog", "jinja2", "segno", "PIL"),
    *("uvicorn", "psycopg", "sqlalchemy.dialects.postgresql", "alembic"),
    *("server_stub.server", "server_stub.api.admin", "server_stub.api.openapi"),
]


def test_run_in_process_imports_no_module_that_it_does_not_use() -> None:
    call = f"run {SCENARIO}"
    assert modules_after(call, libraries=UNUSED) == {call: [0]}


SERVER_PARTS = [
    *(
        "fastapi",
        "sqlalchemy",
        "uvicorn",
        "alembic",
        "tuf",
        "requests",
        "pycountry",
        "joserfc",
        "rich.console",
    ),
    *("server_stub.store", "server_stub.key_repository", "server_stub.attestation", "server_stub.api"),
]
AGENT_PARTS = ["agent.runtime", "agent.ports", "lab.handset.handset", "babel"]


def test_attest_and_evidence_import_neither_server_nor_clients_of_one(tmp_path: Path) -> None:
    """Start-up is nearly all of their processor time."""
    key = tmp_path / "key.pem"
    key.write_text(PUBLIC_KEY, "utf-8")
    attest = f"attest --nonce {'A' * 44} --public-key {key}"
    evidence = f"evidence {'A' * 44} --device 7"
    assert modules_after(attest, libraries=SERVER_PARTS + AGENT_PARTS) == {attest: [0]}
    assert modules_after(evidence, libraries=SERVER_PARTS) == {evidence: [0]}


PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], prog_name="activation")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: activation {' '.join(path)}")
    assert re.search(r"Example:\n +(activation|curl) ", result.stdout)


def test_version_is_that_of_the_distribution() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == "activation 0.1.0\n"


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("activation de", ["demo", "device"]),
        ("activation policy ", ["check", "diff", "explain", "list", "simulate"]),
        ("activation admin devices re", ["release"]),
        ("activation device --profile custom-s", ["custom-spoofing"]),
        ("activation device --place hav", ["havana", "havana-french-sim"]),
    ],
)
def test_completion_lists_commands_and_names(words: str, expected: list[str]) -> None:
    environment = os.environ | {"_ACTIVATION_COMPLETE": "complete_bash", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    code = "from lab.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = 'activation'; {code}"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert sorted(done.stdout.split()) == expected, done.stderr


def test_package_that_is_deferred_has_each_of_its_modules_once() -> None:
    script = (
        "from lab.cli.lazy import deferred\n"
        "with deferred():\n"
        "    import firmware_profiles\n"
        "    from server_stub import key_repository\n"
        "from firmware_profiles.errors import ProfileError\n"
        "from server_stub.key_repository.errors import KeyRepositoryError\n"
        "print(firmware_profiles.ProfileError is ProfileError)\n"
        "print(key_repository.KeyRepositoryError is KeyRepositoryError)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"]


def test_deferred_module_that_is_interrupted_while_it_loads_is_whole(tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/part.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nLAST = 1\n"
    )
    script = (
        "from lab.cli.lazy import deferred\n"
        "with deferred():\n"
        "    from slow import part\n"
        "try:\n"
        "    part.LAST\n"
        "except KeyboardInterrupt:\n"
        "    print(part.LAST)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout == "1\n"
