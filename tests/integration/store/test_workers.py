"""`activation serve --workers`: several processes on one socket and one PostgreSQL, their ends and their metrics."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
import requests

from tests.support.served import ACTIVATION, alive, children, served, until
from tests.support.server_phone import Phone, facts, telephony, ueid
from tests.support.sockets import connect
from tests.support.stores import open_store, schema_url
from wire import media

EVIDENCE = {"Content-Type": media.EVIDENCE}
CONNECTIONS = 16


@pytest.fixture
def database() -> Iterator[str]:
    with schema_url() as url:
        yield url


def evidence(origin: str, number: int = 0) -> bytes:
    imei = f"0010101{number:07d}0"
    nonce = requests.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
    phone = Phone(boot=facts(imeis=(imei,)))
    return phone.evidence(nonce, ueid=ueid(imei), telephony=telephony("208"))


def send(origin: str, token: bytes) -> requests.Response:
    return requests.post(origin + media.VERDICTS_PATH, token, headers=EVIDENCE, timeout=60)


def ask(client: socket.socket, path: str = "/healthz") -> str:
    """The response on a kept connection."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length and len(body) < int(length[1]):
        body += client.recv(65536)
    assert head.startswith(b"HTTP/1.1 200"), head
    return body.decode()


def numbers(page: str) -> dict[str, float]:
    """The values of a page of metrics by name and labels."""
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    }


@pytest.mark.slow
def test_connections_spread_over_the_workers_whose_page_of_metrics_is_one(
    tmp_path: Path, database: str
) -> None:
    with served(tmp_path, database, workers=3) as server, ExitStack() as stack:
        clients = [stack.enter_context(connect(server.origin)) for _ in range(CONNECTIONS)]
        for client in clients:
            ask(client)
        until(lambda: len(server.lines("request")) == CONNECTIONS)
        shares = Counter(line["worker"] for line in server.lines("request"))
        assert (len(shares), max(shares.values()) - min(shares.values()) <= 2) == (3, True), shares
        for number in range(3):
            assert send(server.origin, evidence(server.origin, number)).status_code == 200
        until(lambda: numbers(ask(clients[0], "/metrics"))["activation_connections"] == CONNECTIONS)
        pages = [numbers(ask(client, "/metrics")) for client in clients]
        own = 'activation_request_seconds_count{route="/metrics"}'
        for number, page in enumerate(pages):
            assert page["activation_connections"] == CONNECTIONS
            assert page["activation_requests_in_progress"] in (1, 2)  # the one that asks, and the one before
            assert (
                page['activation_requests_total{method="GET",route="/healthz",status="200"}'] == CONNECTIONS
            )
            assert page['activation_request_seconds_count{route="/v1/verdicts"}'] == 3
            assert page['activation_step_seconds_count{step="sign"}'] == 3
            assert page[own] == pages[0][own] + number
            assert page["activation_ready"] == 1
            assert page['activation_oldest_record_age_seconds{records="verdicts"}'] == 0
        assert len({json.dumps(sorted(page)) for page in pages}) == 1
        ticks = sum(processor_seconds(worker) for worker in server.workers())
        assert pages[-1]["activation_processor_seconds_total"] == pytest.approx(ticks, abs=0.5)
        assert server.end() == 0
        of_the_command = [line["event"] for line in server.lines() if "worker" not in line]
        assert of_the_command == ["server-started", "server-stopped"]


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT], ids=lambda kind: kind.name)
def test_all_workers_finish_what_they_accepted_before_the_command_ends(
    tmp_path: Path, database: str, kind: signal.Signals
) -> None:
    with (
        served(tmp_path, database) as server,
        psycopg.connect(database) as other,
        ThreadPoolExecutor(8) as devices,
    ):
        tokens = [evidence(server.origin, number) for number in range(8)]
        other.execute("LOCK TABLE devices IN ACCESS EXCLUSIVE MODE")
        answers = [devices.submit(send, server.origin, token) for token in tokens]
        until(
            lambda: (
                numbers(requests.get(server.origin + "/metrics", timeout=60).text)["activation_judging"] == 8
            )
        )
        server.process.send_signal(kind)
        until(lambda: refused(server.origin))
        assert server.process.poll() is None
        assert not any(answer.done() for answer in answers)
        other.rollback()
        assert [answer.result().status_code for answer in answers] == [200] * 8
        assert server.process.wait(60) == 0
    with closing(open_store(database)) as store:
        assert store.count() == 8


def refused(origin: str) -> bool:
    try:
        connect(origin).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.slow
def test_a_second_sigint_ends_all_workers_immediately(tmp_path: Path, database: str) -> None:
    with (
        served(tmp_path, database) as server,
        psycopg.connect(database) as other,
        ThreadPoolExecutor(1) as devices,
    ):
        workers, token = server.workers(), evidence(server.origin)
        other.execute("LOCK TABLE devices IN ACCESS EXCLUSIVE MODE")
        devices.submit(send, server.origin, token)
        until(
            lambda: (
                numbers(requests.get(server.origin + "/metrics", timeout=60).text)["activation_judging"] == 1
            )
        )
        server.process.send_signal(signal.SIGINT)
        until(lambda: refused(server.origin))
        assert server.end(signal.SIGINT) == 0
        assert not any(map(alive, workers))
        other.rollback()


@pytest.mark.slow
def test_a_worker_that_ends_is_replaced_and_its_counts_stay(tmp_path: Path, database: str) -> None:
    """Nothing acknowledged is lost; one that ends early is replaced later and later."""
    with served(tmp_path, database) as server, ExitStack() as stack:
        first = server.workers()
        acknowledged: list[str] = []
        done = threading.Event()

        def devices(number: int) -> None:
            while not done.is_set():
                try:
                    answer = send(server.origin, evidence(server.origin, number))
                except requests.RequestException:
                    continue
                assert answer.status_code == 200
                acknowledged.append(answer.text)

        threads = [threading.Thread(target=devices, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) > 20)
        os.kill(first[0], signal.SIGKILL)
        os.kill(first[1], signal.SIGTERM)
        ends = server.wait_for("worker-ended", 2)
        until(lambda: len(server.workers()) == 2)
        until(lambda: len({line["worker"] for line in server.lines("request")[-50:]}) == 2 or None)
        done.set()
        for thread in threads:
            thread.join()
        assert sorted(line["code"] for line in ends) == [-9, 0]
        assert not set(first) & set(server.workers())
        client = stack.enter_context(connect(server.origin))
        until(lambda: numbers(ask(client, "/metrics"))["activation_connections"] == 1)
        page = numbers(ask(client, "/metrics"))
        counted = page['activation_requests_total{method="POST",route="/v1/verdicts",status="200"}']
        assert len(acknowledged) <= counted
        with closing(open_store(database)) as store:
            assert store.count() >= len(acknowledged)
        assert server.end() == 0


@pytest.mark.slow
def test_a_worker_that_ends_early_is_replaced_after_a_pause_that_grows(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as server:
        stays, victim = server.workers()
        for number in range(3):
            os.kill(victim, signal.SIGKILL)
            pauses = [line["restart_in"] for line in server.wait_for("worker-ended", number + 1)]
            assert requests.get(server.origin + "/healthz", timeout=60).status_code == 200
            until(lambda: len(server.workers()) == 2)
            [victim] = set(server.workers()) - {stays}
        assert (pauses[1], pauses[2]) == (max(0.5, 2 * pauses[0]), 2 * pauses[1])
        assert server.end() == 0


@pytest.mark.slow
def test_workers_drain_when_the_parent_is_killed(tmp_path: Path, database: str) -> None:
    with (
        served(tmp_path, database) as server,
        psycopg.connect(database) as other,
        ThreadPoolExecutor(2) as devices,
    ):
        workers = server.workers()
        [folder] = {
            Path(line.split()[-1]).parent
            for line in Path(f"/proc/{workers[0]}/maps").read_text().splitlines()
            if "activation-metrics-" in line
        }
        tokens = [evidence(server.origin, number) for number in range(2)]
        other.execute("LOCK TABLE devices IN ACCESS EXCLUSIVE MODE")
        answers = [devices.submit(send, server.origin, token) for token in tokens]
        until(
            lambda: (
                numbers(requests.get(server.origin + "/metrics", timeout=60).text)["activation_judging"] == 2
            )
        )
        server.process.kill()
        until(lambda: refused(server.origin))
        other.rollback()
        assert [answer.result().status_code for answer in answers] == [200, 200]
        until(lambda: not any(map(alive, workers)))
        assert not folder.exists()


@pytest.mark.slow
def test_nothing_is_left_if_the_parent_is_killed_while_a_worker_starts(tmp_path: Path, database: str) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    command = [ACTIVATION, "serve", "--port", "0", "--workers", "2", "--db", database]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=environment) as parent,
    ):
        until(lambda: children(parent.pid) and parent_thread(children(parent.pid)[0]))
        [worker] = children(parent.pid)
        parent.kill()
        until(lambda: not alive(worker))
    assert not list(temporary.iterdir())
    assert (tmp_path / "log").read_text() == ""


def parent_thread(process: int) -> bool:
    """Whether a worker runs its own code, beginning with the thread that watches its parent."""
    return len(list(Path(f"/proc/{process}/task").iterdir())) > 1


@pytest.mark.slow
def test_a_reload_reaches_every_worker_and_those_that_come_later(tmp_path: Path, database: str) -> None:
    config = tmp_path / "server.toml"
    config.write_text("")
    with served(tmp_path, database, "--config", "server.toml") as server:
        config.write_text("hosts = ['verdict.example']\npolicy = 'example'\nkeep_days = 300")
        server.process.send_signal(signal.SIGHUP)
        lines = server.wait_for("settings-reloaded", 2)
        assert sorted(line["worker"] for line in lines) == [0, 1]
        for line in lines:
            assert (line["changed"], line["need_restart"]) == (["hosts", "policy"], ["keep_days"])
        config.write_text("hosts = 7")
        server.process.send_signal(signal.SIGHUP)
        assert len(server.wait_for("settings-not-reloaded", 2)) == 2
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        server.wait_for("worker-ended", 2)
        until(lambda: len(server.workers()) == 2)
        statuses = {requests.get(server.origin + "/healthz", timeout=60).status_code for _ in range(8)}
        assert statuses == {421}
        assert server.end() == 0
    with closing(open_store(database)) as store, store.reading() as reading:
        assert [each.policy_id for each in reading.in_force_history()].count("example") == 1


@pytest.mark.slow
def test_the_workers_end_with_their_terminal(tmp_path: Path, database: str) -> None:
    primary, secondary = pty.openpty()

    def own_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a run of the tests under nohup ignores it
        os.setsid()
        os.close(os.open(os.ttyname(secondary), os.O_RDWR))  # the first terminal of a session becomes its own

    with served(tmp_path, database, stdin=secondary, preexec_fn=own_terminal) as server:
        workers = server.workers()
        os.close(secondary)
        os.close(primary)
        assert server.process.wait(60) == 0
        assert not any(map(alive, workers))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT], ids=lambda kind: kind.name)
def test_a_signal_ends_a_start_as_that_of_one_process(tmp_path: Path, kind: signal.Signals) -> None:
    """Their database accepts a connection and does not answer."""
    ends = []
    with socket.create_server(("127.0.0.1", 0)) as database:
        place = f"postgresql://judge@127.0.0.1:{database.getsockname()[1]}/verdicts"
        for more in ([], ["--workers", "2"]):
            with subprocess.Popen(
                [ACTIVATION, "serve", "--port", "0", "--db", place, *more],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as server:
                with database.accept()[0]:
                    server.send_signal(kind)
                    try:
                        printed = server.communicate(timeout=60)
                    finally:
                        server.kill()
                ends.append((server.returncode, *printed))
    assert ends[0] == ends[1]


@pytest.mark.slow
def test_commands_that_start_together_on_an_empty_database_print_one_token(
    tmp_path: Path, database: str
) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    with ExitStack() as stack:
        servers = []
        for folder in folders:
            folder.mkdir()
            command = [ACTIVATION, "serve", "--port", "0", "--db", database, "--workers", "2"]
            servers.append(
                stack.enter_context(
                    subprocess.Popen(
                        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                    )
                )
            )
            stack.callback(servers[-1].kill)
        for server in servers:
            assert server.stdout
            first = server.stdout.readline()
            origin = re.search(r"http://\S+", first)
            assert origin, server.communicate()
            assert requests.post(origin[0] + media.CHALLENGES_PATH, timeout=60).status_code == 200
            server.terminate()
        # `communicate` would lose what `readline` has buffered.
        printed = "".join(server.stdout.read() for server in servers if server.stdout)
        assert [server.wait(60) for server in servers] == [0, 0]
    token = re.findall(r"^  (operator\.\S+)$", printed, re.MULTILINE)
    written = [file.read_text().strip() for folder in folders for file in folder.glob("*-admin-token")]
    assert len(token) == 1
    assert written == token


@pytest.mark.slow
def test_a_server_that_cannot_start_says_so_as_that_of_one_process(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, "--lab", workers=1):
        pass
    command = [ACTIVATION, "serve", "--port", "0", "--db", database]
    one, several = (
        subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True, check=False)
        for more in ([], ["--workers", "3"])
    )
    assert "marked test-clock" in one.stderr
    assert (one.returncode, one.stdout, one.stderr) == (several.returncode, several.stdout, several.stderr)
