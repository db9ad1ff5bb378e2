"""The steps of deploy/Containerfile and deploy/compose.yaml, run without a container engine.

Each image is a folder: paths of a step lead into it, and a virtual environment in `usr/local` takes the place of the
interpreter of the base image. The server runs as the user of the image if the tests run as root.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from server_stub.settings import Settings
from tests.support.sockets import free_port
from tests.support.stores import schema_url

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy/Containerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
IS_ROOT = os.geteuid() == 0
ABSOLUTE = re.compile(r"(?<![\w./*])/(?=[a-z])")
INTERPRETER = "usr/local"
USER = "10001:10001"
AS_USER = (
    *("setpriv", "--reuid=10001", "--regid=10001", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)
"""The user of the image may read here what it does not own, because the interpreter of the tests may be root's."""


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", IMAGE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines()) if name
    ]


@dataclass
class Build:
    """Carries out instructions with `tree` as context. `root` is the folder of the present image."""

    tree: Path
    root: Path
    stages: dict[str, Path] = field(default_factory=dict)
    name: str = ""
    folder: str = "/"
    variables: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    command: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """`text` with its absolute paths leading into the folder of the image."""
        return ABSOLUTE.sub(f"{self.root}/", text)

    def environment(self) -> dict[str, str]:
        unset = {name: text for name, text in os.environ.items() if not name.startswith("ACTIVATION_")}
        path = f"{self.root / INTERPRETER}/bin:{os.environ['PATH']}"
        return unset | {"PATH": path} | {name: self.inside(text) for name, text in self.variables.items()}

    def build(self) -> None:
        for name, rest in instructions():
            getattr(self, f"do_{name.lower()}")(rest)

    def do_from(self, rest: str) -> None:
        if self.name:
            self.stages[self.name] = self.root.rename(self.root.with_name(self.name))
        self.name = rest.partition(" AS ")[2] or "last"
        self.folder, self.variables, self.user = "/", {}, "0:0"
        subprocess.run([sys.executable, "-m", "venv", self.root / INTERPRETER], check=True)

    def do_workdir(self, rest: str) -> None:
        self.folder = rest
        Path(self.inside(rest)).mkdir(parents=True, exist_ok=True)

    def do_copy(self, rest: str) -> None:
        *sources, target = rest.split()
        origin = self.tree
        if sources[0].startswith("--from="):
            origin = self.stages[sources.pop(0).removeprefix("--from=")]
        for source in (origin / each.lstrip("/") for each in sources):
            to = Path(self.inside(str(Path(self.folder, target))))
            if source.is_dir():
                shutil.copytree(source, to, dirs_exist_ok=True)
            else:
                assert to.is_dir(), rest
                shutil.copy(source, to)

    def do_run(self, rest: str) -> None:
        assert self.user == "0:0"
        text = self.inside(rest) if IS_ROOT else re.sub(r"--(owner|group)=\d+", "", self.inside(rest))
        done = subprocess.run(
            ["bash", "-ec", text],
            cwd=self.inside(self.folder),
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{rest}\n{done.stdout}{done.stderr}"

    def do_env(self, rest: str) -> None:
        self.variables |= dict(each.split("=", 1) for each in shlex.split(rest))

    def do_user(self, rest: str) -> None:
        self.user = rest

    def do_expose(self, rest: str) -> None:
        assert f"127.0.0.1:{rest}:{rest}" in SERVICES["server"]["ports"]

    def do_healthcheck(self, rest: str) -> None:
        """The same as that of the compose file, since images of some engines have none."""
        check = SERVICES["server"]["healthcheck"]
        assert json.loads(rest.partition("CMD ")[2]) == check["test"][1:]
        assert {f"--{name.replace('_', '-')}={check[name]}" for name in check if name != "test"} == set(
            rest.partition("CMD ")[0].split()
        )

    def do_cmd(self, rest: str) -> None:
        self.command = json.loads(rest)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the image may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def clean_tree(folder: Path) -> Path:
    tree = folder / "tree"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=tree, input=archive, check=True)
    return tree


def prepare_secrets(tree: Path) -> None:
    """Run the commands in the head of the compose file but the last, which needs a container engine."""
    head = (tree / "deploy/compose.yaml").read_text("utf-8").partition("name:")[0]
    *commands, last = re.findall(r"^#   (.*)$", head, re.MULTILINE)
    assert last.startswith("docker compose --file deploy/compose.yaml up ")
    for command in commands:
        if IS_ROOT or not command.startswith("chown"):
            subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tree, check=True)


def mount_secrets(tree: Path, root: Path, database: str) -> str:
    """Put the secrets of the server where the engine mounts them, with the database of the test. Returns the seed."""
    mounted = root / "run/secrets"
    mounted.mkdir(parents=True)
    sources = {name: tree / "deploy" / each["file"] for name, each in COMPOSE["secrets"].items()}
    for name in SERVICES["server"]["secrets"]:
        subprocess.run(["cp", "-p", sources[name], mounted / name], check=True)
    of_database = SERVICES["database"]["environment"]
    password = sources[Path(of_database["POSTGRES_PASSWORD_FILE"]).name].read_text("utf-8").strip()
    for name in SERVICES["server"]["secrets"]:
        status = (mounted / name).stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o400, 10001 if IS_ROOT else os.geteuid())
    settings = mounted / "server.toml"
    text = settings.read_text("utf-8")
    url = f"postgresql://{of_database['POSTGRES_USER']}:{password}@database/{of_database['POSTGRES_DB']}"
    assert len(password) == 64
    assert text.count(url) == 1
    settings.write_text(text.replace(url, database), "utf-8")
    return re.findall(r"seed = '(\w{64})'", text)[0]


@contextmanager
def container(build: Build, variables: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    assert build.user == USER
    process = subprocess.Popen(
        [*(AS_USER if IS_ROOT else ()), *build.command],
        cwd=build.inside(build.folder),
        env=build.environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def is_healthy(build: Build, port: str) -> bool:
    command = [part.replace("8021", port) for part in SERVICES["server"]["healthcheck"]["test"][1:]]
    return subprocess.run(command, env=build.environment(), capture_output=True, check=False).returncode == 0


def check_database_answers(url: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    programs = ":".join(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
    subprocess.run(
        SERVICES["database"]["healthcheck"]["test"][1:],
        env=os.environ
        | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": str(parts["host"]),
            "PGPORT": str(parts["port"]),
        },
        check=True,
    )


def activation(*arguments: object) -> str:
    program = Path(sys.executable).with_name("activation")
    return subprocess.run(
        [program, *map(str, arguments)], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def workers_of(server: "subprocess.Popen[str]") -> int:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text("utf-8").split()
    lines = [Path(f"/proc/{child}/cmdline").read_text("utf-8") for child in children]
    return sum("spawn_main" in line for line in lines)


@pytest.mark.slow
def test_steps_of_the_image_and_of_the_compose_file_give_a_server_that_judges_and_drains(
    folder: Path,
) -> None:
    """Needs PostgreSQL, and the index of packages."""
    with schema_url() as database:
        check_database_answers(database)
        tree = clean_tree(folder)
        prepare_secrets(tree)
        build = Build(tree, folder / "root")
        build.build()
        seed = mount_secrets(tree, build.root, database)
        port = free_port()
        variables = SERVICES["server"]["environment"] | {"ACTIVATION_SERVER_PORT": port}
        with container(build, variables) as server:
            until = time.monotonic() + 60
            while not is_healthy(build, port):
                assert server.poll() is None, server.communicate()[0]
                assert time.monotonic() < until
                time.sleep(0.2)
            origin = f"http://127.0.0.1:{port}"
            device = ("device", "--profile", "official-global", "--place", "havana", "--seed", seed)
            assert "official-global in havana: locked" in activation(*device, "--server", origin)
            token = build.root / "run/secrets/admin-token"
            assert workers_of(server) == int(variables["ACTIVATION_SERVER_WORKERS"])
            search = ("admin", "devices", "search", "--decision", "deny", "--json")
            assert len(json.loads(activation(*search, "--server", origin, "--token-file", token))) == 1
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(
                timeout=float(SERVICES["server"]["stop_grace_period"].removesuffix("s"))
            )
            assert server.returncode == 0, output
            assert token.read_text("utf-8").strip() not in output
        assert not is_healthy(build, port)
        assert list(build.root.glob("var/lib/activation/*-keys/metadata/1.root.json"))
        assert not list(build.root.rglob("pymupdf_fonts")), "the image has what only the lab needs"


def test_images_have_a_tag_and_no_registry() -> None:
    images = [rest.partition(" ")[0] for name, rest in instructions() if name == "FROM"]
    images += [service["image"] for service in SERVICES.values() if "image" in service]
    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[a-z]+:\d[\w.-]*", image)] == []


def test_grace_of_the_compose_file_exceeds_that_of_the_server() -> None:
    assert float(SERVICES["server"]["stop_grace_period"].removesuffix("s")) > Settings().grace_seconds + 10


def test_secrets_are_files_that_git_ignores() -> None:
    files = [f"deploy/{each['file']}" for each in COMPOSE["secrets"].values()]
    ignored = subprocess.run(
        ["git", "check-ignore", *files], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert ignored.split() == files
