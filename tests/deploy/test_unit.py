"""deploy/activation.service: systemd accepts it, and its commands install, start, reload and drain a server."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server_stub.settings import Settings
from tests.deploy.test_container import ABSOLUTE, clean_tree
from tests.support.sockets import free_port

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/activation.service"
TEXT = UNIT.read_text("utf-8")
NEEDS_SYSTEMD = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze here; try apt-get install systemd"
)
NOT_HERE = ("groupadd", "systemctl")
"""Commands of the installation that would change this machine."""
SETTINGS = "seed = 'secret'\nadmin_token_file = 'admin-token'\n"


def value(name: str) -> str:
    [found] = re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)
    return str(found)


@NEEDS_SYSTEMD
def test_systemd_accepts_the_unit_without_a_warning() -> None:
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@NEEDS_SYSTEMD
def test_exposure_of_the_unit_by_the_measure_of_systemd_is_low() -> None:
    """At most 2 of 10. What is left is the network, the file system of the host, and the group of the settings."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_systemd_waits_longer_than_the_server_drains_and_signals_only_its_first_process() -> None:
    assert float(value("TimeoutStopSec")) > Settings().grace_seconds + 10
    assert value("KillMode") == "mixed"


def test_no_secret_is_an_argument_or_a_variable_of_the_unit() -> None:
    assert value("ExecStart") == "/usr/bin/env activation serve --config /etc/activation/server.toml"
    assert value("Environment") == "PATH=/opt/activation/bin:/usr/bin:/bin"


@NEEDS_SYSTEMD
def test_start_with_an_option_for_once_is_the_start_of_the_unit_with_it(tmp_path: Path) -> None:
    """systemd rejects a service of this type that has two commands, so the one of the unit must be replaced."""
    shutil.copy(UNIT, tmp_path)
    once = re.findall(r"^# \$ ((?:once|restored|printf)\b.*)$", TEXT, re.MULTILINE)
    script = "\n".join(once).replace("/run/systemd/system", str(tmp_path))
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True)
    assert f"\nExecStart={value('ExecStart')} --restored\n" in (
        tmp_path / "activation.service.d/once.conf"
    ).read_text("utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / UNIT.name],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_commands_of_the_unit_install_start_reload_and_drain_a_server(tmp_path: Path) -> None:
    """Needs the index of packages. Absolute paths lead into a folder of the test; there is no group of its own."""
    tree, etc = clean_tree(tmp_path), tmp_path / "etc/activation"
    (tree / "server.toml").write_text(f"{SETTINGS}idle_seconds = 15\n")
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    for command in re.findall(r"^#   (.*)$", TEXT, re.MULTILINE):
        if not command.startswith(NOT_HERE):
            mapped = ABSOLUTE.sub(f"{tmp_path}/", command.replace("--group=activation-settings ", ""))
            mapped = mapped.replace("python3.11 ", f"{sys.executable} ")
            subprocess.run(["bash", "-ec", mapped], cwd=tree, env=os.environ | {"PIP_QUIET": "2"}, check=True)
    assert (tmp_path / "etc/systemd/system/activation.service").read_text() == TEXT
    assert (etc / "server.toml").stat().st_mode & 0o777 == 0o640
    state = tmp_path / "state"
    state.mkdir()
    environment = {
        "PATH": value("Environment").removeprefix("PATH=").replace("/opt/", f"{tmp_path}/opt/"),
        "ACTIVATION_SERVER_PORT": free_port(),
        "HOME": str(state),
    }
    start = value("ExecStart").replace("/etc/", f"{tmp_path}/etc/").split()
    with subprocess.Popen(
        start, cwd=state, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        assert server.stderr
        try:
            assert "listens on" in server.stdout.readline()
            (etc / "server.toml").write_text(f"{SETTINGS}idle_seconds = 20\n")
            reload = value("ExecReload").replace("$MAINPID", str(server.pid))
            subprocess.run(reload.split(), check=True)
            events = iter(server.stderr.readline, "")
            assert "idle_seconds" in next(event for event in events if "settings-reloaded" in event)
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(timeout=float(value("TimeoutStopSec")))
            assert server.returncode == 0
            assert (etc / "admin-token").read_text().strip() not in output
        finally:
            server.kill()
    assert (state / "activation.sqlite").is_file()
