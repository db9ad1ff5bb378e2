"""Settings that change while the server runs: all that can change at run time, or none."""

import json
import os
import pty
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner

from lab.cli.main import app
from lab.fault_proxy.certificates import Certificates
from lab.world.seed import Seed
from server_stub.admin.context import AdminContext
from server_stub.attestation.deviations import DeviationTreatment
from server_stub.configuration import Configuration
from server_stub.faults.catalogue import FaultKind
from server_stub.policies import read
from server_stub.reference_data.source_countries import CountryOf
from server_stub.reload import Reloader
from server_stub.server import ServerThread, build_service
from server_stub.settings import TABLE
from server_stub.settings_sources import read_settings
from server_stub.store.records import AuditQuery
from server_stub.store.sql import SqlStore
from tests.support.server_phone import MANUFACTURER, Clock, Phone, Randomness
from tests.support.settings import VALUES, config
from tests.support.sockets import connect

ACTIVATION = str(Path(sys.executable).with_name("activation"))


class Events:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    warning = info

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.lines if event == name]


class Running:
    """A server that was started with a configuration file."""

    def __init__(self, folder: Path, text: str, country_of: CountryOf | None = None) -> None:
        self.folder = folder
        self.file = config(folder, text)
        self.log = Events()
        configuration = Configuration.load(read_settings({}, {}, self.file))
        self.service = build_service(
            configuration,
            MANUFACTURER.secrets,
            SqlStore(),
            issuer=MANUFACTURER.issuer,
            audience=MANUFACTURER.audience,
            clock=Clock(),
            random=Randomness(),
        )
        admin = AdminContext.of(self.service)
        self.reloader = Reloader(configuration, admin, self.log, country_of)
        self.reloader.start()
        self.thread = ServerThread(
            self.service, admin=admin, limits=configuration.settings.limits, tls=self.reloader.tls
        )
        self.origin = self.thread.origin

    def reload(self, text: str) -> tuple[str, dict[str, Any]]:
        """The line in the log."""
        config(self.folder, text)
        before = len(self.log.lines)
        self.reloader.reload(self.thread.limits)
        return self.log.lines[before]

    def statuses(self, count: int, **headers: str) -> list[int]:
        return [
            requests.get(f"{self.origin}/docs", headers=headers, timeout=60).status_code for _ in range(count)
        ]

    def in_force(self) -> tuple[str, int]:
        with self.service.store.reading() as reading:
            found = reading.in_force()
        assert found is not None
        return found.policy_id, found.version

    def verdict_version(self) -> int:
        return self.service.judge(Phone().evidence(self.service.challenge().nonce))[0].policy.version


@contextmanager
def running(folder: Path, text: str) -> Iterator[Running]:
    server = Running(folder, text)
    with server.thread:
        yield server


def test_rates_change_and_counted_requests_still_count(tmp_path: Path) -> None:
    with running(tmp_path, 'rate_per_address = "2/hour"') as server:
        assert server.statuses(3) == [200, 200, 429]
        assert server.reload('rate_per_address = "4/hour"') == (
            "settings-reloaded",
            {"changed": ["rate_per_address"], "need_restart": []},
        )
        assert server.statuses(3) == [200, 200, 429]
        server.reload('rate_per_address = "1/hour"')
        assert server.statuses(1) == [429]
        server.reload('rate_per_address = "off"')
        assert server.statuses(9) == [200] * 9


def test_hosts_change_on_open_connections_too(tmp_path: Path) -> None:
    with running(tmp_path, "") as server, requests.Session() as session:
        assert session.get(server.origin + "/healthz", timeout=60).status_code == 200
        server.reload('hosts = ["verdict.example"]')
        assert session.get(server.origin + "/healthz", timeout=60).status_code == 421
        assert server.statuses(1, Host="verdict.example") == [200]


def test_time_outs_and_connection_limits_change_for_new_connections(tmp_path: Path) -> None:
    with running(tmp_path, "") as server:
        server.reload("connections_max = 1\nheaders_seconds = 0.2")
        with connect(server.origin) as first, connect(server.origin) as second:
            assert second.recv(65536).startswith(b"HTTP/1.1 503")
            assert first.recv(65536).startswith(b"HTTP/1.1 408")


POLICY = read("export-2021-09")


def test_a_policy_with_a_higher_version_is_put_in_force_by_a_reload_and_is_audited(tmp_path: Path) -> None:
    draft = tmp_path / "mine.toml"
    draft.write_text(POLICY)
    with running(tmp_path, 'policy = "mine.toml"') as server:
        assert (server.in_force(), server.verdict_version()) == (("export-2021-09", 2), 2)
        draft.write_text(POLICY.replace("version = 2", "version = 3"))
        event, fields = server.reload('policy = "mine.toml"')
        assert (event, fields["changed"]) == ("settings-reloaded", ["policy"])
        assert (server.in_force(), server.verdict_version()) == (("export-2021-09", 3), 3)
        with server.service.store.reading() as reading:
            newest = reading.audit(AuditQuery()).items[-1]
        assert (newest.actor, newest.action) == ("server", "policy.in-force")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 1", "version-too-low"),
        ("version = 2 # but another text", "version-fixed"),
        ("version = 'x'", "mine.toml:"),
    ],
)
def test_a_policy_that_cannot_be_put_in_force_changes_nothing(
    text: str, message: str, tmp_path: Path
) -> None:
    draft = tmp_path / "mine.toml"
    draft.write_text(POLICY)
    with running(tmp_path, 'policy = "mine.toml"') as server:
        draft.write_text(POLICY.replace("version = 2", text))
        event, fields = server.reload('policy = "mine.toml"\nhosts = ["verdict.example"]')
        assert event == "settings-not-reloaded"
        assert message in fields["error"]
        assert (server.in_force(), server.verdict_version()) == (("export-2021-09", 2), 2)
        assert server.statuses(1) == [200]


def started_with(store: SqlStore, **options: list[str]) -> Events:
    configuration, log = Configuration.load(read_settings(options, {})), Events()
    service = build_service(
        configuration,
        MANUFACTURER.secrets,
        store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
    )
    Reloader(configuration, AdminContext.of(service), log).start()
    return log


def test_a_newer_policy_of_the_settings_is_put_in_force_at_the_start_and_an_older_one_is_not() -> None:
    store = SqlStore()
    for options, version, complaint in (
        ({}, 2, None),
        ({"policy": ["example"]}, 3, None),
        ({"policy": ["example"]}, 3, None),
        ({"policy": ["export-2021-09"]}, 3, "version-too-low"),
        ({}, 3, None),
    ):
        log = started_with(store, **options)
        with store.reading() as reading:
            found = reading.in_force()
        assert found is not None
        assert found.version == version
        errors = [fields["error"] for fields in log.of("policy-not-put-in-force")]
        assert [complaint] * bool(complaint) == [error.partition(":")[0] for error in errors]


BAD = {
    "no TOML": ("hosts = [", "server.toml:1: "),
    "unknown member": ("\nhost_names = []", "server.toml:2: host_names: this is no setting"),
    "wrong type": ("hosts = 'a'", "server.toml:1: hosts: write an array of strings"),
    "wrong value": ("idle_seconds = 0", "server.toml:1: idle_seconds: 0 cannot be used"),
    "missing policy": ("policy = './x.toml'", "server.toml:1: policy: cannot read "),
    "missing table": ("source_countries = 'x.csv'", "server.toml:1: source_countries: cannot read "),
    "one of two": ("tls_cert = 'x.pem'", "server.toml:1: tls_cert: set --tls-key"),
    "missing key": ("tls_cert = 'x.pem'\ntls_key = 'x.pem'", "server.toml:1: tls_cert: cannot read "),
}


def test_a_bad_file_keeps_the_old_settings_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path, 'hosts = ["verdict.example"]') as server:
        for text, message in BAD.values():
            event, fields = server.reload(text)
            assert event == "settings-not-reloaded"
            assert message in fields["error"]
            assert server.statuses(1) == [421]
            assert server.statuses(1, Host="verdict.example") == [200]
        Path(server.file).unlink()
        server.reloader.reload(server.thread.limits)
        assert "No such file" in server.log.of("settings-not-reloaded")[-1]["error"]
        assert server.reload("") == ("settings-reloaded", {"changed": ["hosts"], "need_restart": []})
        assert server.statuses(1) == [200]


def test_each_setting_changes_or_is_named_as_one_that_needs_a_restart(tmp_path: Path) -> None:
    """TLS cannot be switched on while the server runs; the next test replaces a certificate."""
    Certificates(Seed.of(14), tmp_path).context(None)
    (tmp_path / "valid.pem").chmod(0o600)
    (tmp_path / "table.csv").write_text("198.51.100.0/24,FR")
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text(MANUFACTURER.admin_token)
    files = {
        "admin_token_file": "token",
        "policy": "example",
        "source_countries": "table.csv",
        "tls_cert": "valid.pem",
    }
    together = {"tls_cert": ("tls_key", "valid.pem"), "workers": ("database", "postgresql://db.example/x")}
    names = [name for name in TABLE if not name.startswith("tls_")]
    with running(tmp_path, "") as server:
        for name in (*names, "tls_cert"):
            line = f"{name} = '{files[name]}'" if name in files else f"{name} = {VALUES[name][1]}"
            expected = [name]
            if name in together:
                other, value = together[name]
                line += f"\n{other} = '{value}'"
                expected = sorted([name, other])
            event, fields = server.reload(line)
            assert event == "settings-reloaded", fields
            restart = not TABLE[name].reloads or name == "tls_cert"
            assert fields["need_restart"] == (expected if restart else []), name
            assert restart or name in fields["changed"]
            server.reload("")
        assert server.in_force() == ("example", 3)


def test_appraisal_follows_the_settings(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("198.51.100.0/24,FR")
    with running(tmp_path, "") as server:
        spent = server.service._appraiser.spent
        server.reload(
            "source_countries = 'table.csv'\nattestation_deviations = 'refuse'\nstatus_list = 'list.json'"
        )
        appraiser = server.service._appraiser
        assert appraiser.country_of("198.51.100.1") == "FR"
        assert appraiser.deviations is DeviationTreatment.REFUSE
        statuses = appraiser.chains.statuses
        assert statuses is not None
        assert appraiser.spent is spent
        table.write_text("198.51.100.0/24,CU")
        server.reload("source_countries = 'table.csv'\nstatus_list = 'list.json'")
        appraiser = server.service._appraiser
        assert appraiser.country_of("198.51.100.1") == "CU"
        assert appraiser.deviations is DeviationTreatment.WARN
        assert appraiser.chains.statuses is statuses


def test_a_reload_keeps_the_countries_of_a_lab_unless_the_settings_name_a_table(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("198.51.100.0/24,CU")
    server = Running(tmp_path, "", lambda address: "FR")
    with server.thread:
        for text, country in (("", "FR"), ("source_countries = 'table.csv'", "CU"), ("", "FR")):
            assert server.reload(text)[0] == "settings-reloaded"
            assert server.service._appraiser.country_of("198.51.100.1") == country


def served_certificate(origin: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(connect(origin)) as client:
        return client.getpeercert(binary_form=True) or b""


def test_a_replaced_certificate_is_used_for_new_connections_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    made, server_pem = Certificates(Seed.of(14), tmp_path), tmp_path / "server.pem"
    found = {}
    for kind in (None, FaultKind.TLS_WRONG_NAME, FaultKind.TLS_EXPIRED):
        made.context(kind)
        found[kind] = (tmp_path / f"{kind or 'valid'}.pem").read_bytes()
    text = "tls_cert = 'server.pem'\ntls_key = 'server.pem'"
    server_pem.write_bytes(found[None])
    server_pem.chmod(0o600)
    with running(tmp_path, text) as server:
        first = served_certificate(server.origin)
        server_pem.write_bytes(found[FaultKind.TLS_WRONG_NAME])
        assert server.reload(text) == ("settings-reloaded", {"changed": ["tls_cert"], "need_restart": []})
        second = served_certificate(server.origin)
        assert second != first
        key, begin, _ = found[None].partition(b"-----BEGIN CERTIFICATE")
        server_pem.write_bytes(key + begin + found[FaultKind.TLS_EXPIRED].partition(begin)[2])
        event, fields = server.reload(text)
        assert event == "settings-not-reloaded"
        assert "is not the key of the first certificate" in fields["error"]
        assert served_certificate(server.origin) == second
        event, fields = server.reload("")
        assert fields["need_restart"] == ["tls_cert", "tls_key"]
        assert served_certificate(server.origin) == second
        server_pem.write_bytes(found[FaultKind.TLS_EXPIRED])
        server.reload(text)
        assert "expired" in server.log.of("tls-certificate")[0]["problem"]


@contextmanager
def process(folder: Path, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """`activation serve` with the file server.toml of a folder."""
    command = [ACTIVATION, "serve", "--port", "0", "--config", str(folder / "server.toml")]
    with subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as server:
        try:
            yield server
        finally:
            server.kill()


def origin_of(server: "subprocess.Popen[str]") -> str:
    assert server.stdout
    found = re.search(r"https?://\S+", server.stdout.readline())
    assert found
    return found[0]


@pytest.mark.slow
def test_sighup_reloads_a_bad_file_keeps_the_old_settings_and_sigterm_ends_the_process(
    tmp_path: Path,
) -> None:
    config(tmp_path, "")
    with process(tmp_path, env=os.environ | {"ACTIVATION_SERVER_PORT": "tcp://10.0.0.1:80"}) as server:
        origin = origin_of(server)
        assert server.stderr
        assert '"names": ["ACTIVATION_SERVER_PORT"]' in server.stderr.readline()
        assert "server-started" in server.stderr.readline()
        for text, event, status in (
            ("hosts = ['a']", '"changed": ["hosts"], "need_restart": []', 421),
            ("hosts = 7", "server.toml:1: hosts: write an array of strings", 421),
            ("port = 80", '"changed": ["hosts"], "need_restart": []', 200),  # the option precedes the file
            ("", '"changed": [], "need_restart": []', 200),
        ):
            config(tmp_path, text)
            server.send_signal(signal.SIGHUP)
            assert event in server.stderr.readline()
            assert requests.get(origin + "/healthz", timeout=60).status_code == status
            server.stderr.readline()  # the request
        server.terminate()
        assert server.wait(60) == 0
        assert "server-stopped" in server.stderr.read()


@pytest.mark.slow
def test_a_sighup_while_the_server_starts_is_a_reload_when_it_is_ready(tmp_path: Path) -> None:
    config(tmp_path, "")
    with process(tmp_path) as server:
        status = Path(f"/proc/{server.pid}/status")
        while not held(signal.SIGHUP, status):
            assert server.poll() is None
        server.send_signal(signal.SIGHUP)
        assert requests.get(origin_of(server) + "/healthz", timeout=60).status_code == 200
        assert server.stderr
        assert "settings-reloaded" in "".join(server.stderr.readline() for _ in range(3))


def held(number: signal.Signals, status: Path) -> bool:
    """Whether a process holds a signal back, see proc(5)."""
    found = re.search(r"^SigBlk:\s*(\w+)$", status.read_text(), re.MULTILINE)
    assert found
    return bool(int(found[1], 16) >> (number - 1) & 1)


@pytest.mark.slow
def test_the_server_ends_with_its_terminal(tmp_path: Path) -> None:
    config(tmp_path, "")
    primary, secondary = pty.openpty()

    def own_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a run of the tests under nohup ignores it
        os.setsid()
        os.close(os.open(os.ttyname(secondary), os.O_RDWR))  # the first terminal of a session becomes its own

    with process(tmp_path, stdin=secondary, preexec_fn=own_terminal) as server:
        origin_of(server)
        os.close(secondary)
        server.send_signal(signal.SIGHUP)
        assert server.stderr
        assert "settings-reloaded" in server.stderr.readline() + server.stderr.readline()
        os.close(primary)
        assert server.wait(60) == 0


@pytest.mark.slow
def test_commands_use_a_server_with_https_if_they_trust_its_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorities = Certificates(Seed.of(14), tmp_path)
    authorities.context(None)
    (tmp_path / "valid.pem").chmod(0o600)
    config(tmp_path, "tls_cert = 'valid.pem'\ntls_key = 'valid.pem'")
    with process(tmp_path) as server:
        origin = origin_of(server)
        assert origin.startswith("https://127.0.0.1:")
        search = ["admin", "devices", "search", "--server", origin, "--json"]
        search += ["--token-file", str(tmp_path / "activation-admin-token")]
        refused = CliRunner().invoke(app, search)
        assert refused.exit_code == 3
        assert "has no certificate that is trusted here" in refused.stderr
        monkeypatch.setenv("ACTIVATION_AUTHORITIES", str(authorities.authorities))
        device = ["device", "--profile", "official-global", "--place", "paris", "--server", origin, "--json"]
        assert json.loads(CliRunner().invoke(app, device).stdout)["outcome"] == "activated"
        assert len(json.loads(CliRunner().invoke(app, search).stdout)) == 1
        for missing in ("/nowhere.pem", str(tmp_path / "server.toml")):
            monkeypatch.setenv("ACTIVATION_AUTHORITIES", missing)
            assert CliRunner().invoke(app, search).exit_code in (2, 3)
