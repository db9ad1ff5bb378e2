"""Request ids, log lines and metrics of a server; none of them identifies a device or a user."""

import io
import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import requests

from lab.backend.asgi_transport import AsgiClient
from server_stub.admin.context import PREFIX, AdminContext
from server_stub.api.app import create_app
from server_stub.api.json_log import json_log
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.api.metrics import Metrics
from server_stub.server import ServerThread
from tests.support.server_phone import ICCID, IMEI, SECOND_IMEI, Phone, claims, service, telephony, ueid
from tests.support.sockets import connect, read_to_end
from wire import media

EVIDENCE = {"Content-Type": media.EVIDENCE}
STEPS = {
    *("wait", "read", "challenge", "chain", "signature", "appraise", "judge"),
    *("decide", "sign", "store", "commit"),
}
SPN = "Planted Operator"
NAME = "planted-member"
PLANTED = (IMEI, IMEI[:14], SECOND_IMEI, ICCID, ueid(IMEI), SPN, NAME, "23.1330", "82.3830", "192.0.2.99")


@dataclass
class LoggingServer:
    """A server, its log, and all its responses."""

    origin: str
    log: io.StringIO
    answers: list[requests.Response]
    token: str

    def ask(self, method: str, path: str, **rest: object) -> requests.Response:
        self.answers.append(requests.request(method, self.origin + path, timeout=60, **rest))  # type: ignore[arg-type]
        return self.answers[-1]

    def send(self, body: bytes) -> requests.Response:
        return self.ask("POST", media.VERDICTS_PATH, data=body, headers=EVIDENCE)

    def nonce(self) -> str:
        return str(self.ask("POST", media.CHALLENGES_PATH).json()["nonce"])

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def metric(self, line: str) -> float:
        """The value of a metric, by its name and labels."""
        page = requests.get(self.origin + "/metrics", timeout=60).text
        found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture
def server() -> Iterator[LoggingServer]:
    log = io.StringIO()
    limits = ServerLimits(rate_per_device=read_rate("40/hour"))
    verdicts = service()
    admin = AdminContext.of(verdicts)
    token = admin.tokens.first() or ""
    with ServerThread(verdicts, admin=admin, log=json_log(log), limits=limits) as running:
        yield LoggingServer(running.origin, log, [], token)


def plant(server: LoggingServer) -> None:
    """Send identifiers of a device, its SIM and its user in every place that a client controls."""
    position = {"latitude": 23.133, "longitude": 82.383, "accuracy": 5.0}
    network = telephony("368", "01", home=("368", "01"))
    network["sims"][0]["spn"] = SPN
    server.send(Phone().evidence(server.nonce(), location=position, telephony=network))
    server.send(Phone().evidence(server.nonce(), ueid=IMEI))
    server.send(Phone().evidence(server.nonce(), **{NAME: IMEI}))
    server.send(Phone().evidence(server.nonce(), telephony={**network, NAME: ICCID}))
    server.send(Phone().sign(claims(server.nonce()), IMEI, **{NAME: IMEI}))
    server.send(Phone().sign(f'{{"{NAME}": "{IMEI}'.encode(), IMEI))
    server.send(f"{IMEI}.{ICCID}.{ueid(IMEI)}".encode())
    server.send(Phone().evidence(f"{IMEI}{IMEI}{IMEI}"))
    for path in (
        f"/{IMEI}",
        f"/v1/verdicts/{ICCID}",
        f"/tuf/targets/{IMEI}",
        f"/healthz?imei={IMEI}",
        f"/%20{NAME}",
    ):
        for method in ("GET", "POST", f"X{IMEI}"):
            server.ask(method, path, headers={"X-Request-Id": IMEI, "User-Agent": ICCID, NAME: IMEI})
    headers = {"X-Forwarded-For": "192.0.2.99", "Forwarded": f"for={IMEI}", "Cookie": IMEI, "Referer": IMEI}
    server.ask(
        "POST", media.VERDICTS_PATH, data=IMEI.encode(), headers={"Content-Type": f"x/{IMEI}"} | headers
    )
    server.ask("POST", media.CHALLENGES_PATH, headers={"Accept": f"x/{IMEI}"} | headers)
    for raw in (
        f"GET /{IMEI} HTTP/{IMEI}\r\n\r\n",
        f"{IMEI}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{NAME} {IMEI}\r\n\r\n",
    ):
        with connect(server.origin) as client:
            client.sendall(raw.encode())
            assert read_to_end(client).status == 400


def plant_as_operator(server: LoggingServer) -> None:
    """The same to the admin API, with a valid and with an invalid token."""
    for token in (server.token, f"operator.{IMEI}"):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": IMEI}
        for body in ({"imei": IMEI}, {"imei": SECOND_IMEI[:14]}, {"imei": f"{IMEI}{IMEI}"}, {NAME: IMEI}):
            server.ask("POST", f"{PREFIX}/devices/find", json=body, headers=headers)
        for path in (
            f"/devices/{IMEI}",
            f"/devices?cursor={IMEI}",
            f"/devices?{NAME}={IMEI}",
            f"/audit?limit={IMEI}",
        ):
            server.ask("GET", PREFIX + path, headers=headers)
        server.ask("POST", f"{PREFIX}/devices/{IMEI}/lock", json={"reason": ICCID}, headers=headers)
        server.ask("POST", f"{PREFIX}/unlock-codes", json={"challenge": IMEI, "reason": "x"}, headers=headers)


def test_no_output_contains_an_identifier(server: LoggingServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Log, problem documents, headers, metrics and console; a verdict contains only a pseudonym."""
    plant(server)
    plant_as_operator(server)
    metrics = server.ask("GET", "/metrics").text
    printed = capfd.readouterr()
    problems = "".join(answer.text for answer in server.answers if answer.status_code >= 400)
    headers = "".join(str(answer.headers) for answer in server.answers)
    assert {line["status"] for line in server.lines()} >= {200, 400, 401, 404, 405, 406, 415, 422}
    for planted in (*PLANTED, server.token):
        for where in (server.log.getvalue(), metrics, problems, headers, printed.out, printed.err):
            assert planted not in where


def test_each_response_has_the_request_id_of_its_log_line(server: LoggingServer) -> None:
    answers = [
        server.ask("POST", media.CHALLENGES_PATH),
        server.ask("GET", "/nothing"),
        server.send(b"a.b.c"),
    ]
    numbers = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(numbers)) == 3
    assert [line["request_id"] for line in server.lines()] == numbers
    assert answers[2].json()["instance"] == f"urn:uuid:{numbers[2]}"
    assert [(line["method"], line["route"], line["status"]) for line in server.lines()] == [
        ("POST", media.CHALLENGES_PATH, 200),
        ("GET", "none", 404),
        ("POST", media.VERDICTS_PATH, 400),
    ]
    assert all(float(str(line["ms"])) > 0 for line in server.lines())


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", True),
        ("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", True),
        ("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", False),
        ("f81d4fae-7dec-01d0-a765-00a0c91e6bf6", False),
        ("f81d4fae7dec11d0a76500a0c91e6bf6", False),
        (IMEI, False),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6 ", True),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6,f81d4fae-7dec-11d0-a765-00a0c91e6bf6", False),
        ('"}\\n{"forged', False),
    ],
)
def test_a_request_id_of_a_client_is_used_only_if_it_is_a_uuid(
    server: LoggingServer,
    number: str,
    kept: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """Free text could contain an identifier or a forged log line."""
    answered = server.ask("GET", "/healthz", headers={"X-Request-Id": number}).headers["X-Request-Id"]
    assert (answered == number.strip()) is kept
    assert str(uuid.UUID(answered)) == answered
    assert server.lines()[-1]["request_id"] == answered


def test_metrics_count_verdicts_problems_requests_and_steps(server: LoggingServer) -> None:
    server.send(Phone().evidence(server.nonce()))
    server.send(b"a.b.c")
    server.send(Phone().evidence("A" * 44))
    deny = 'activation_verdicts_total{by="policy",decision="deny",reason="territory-prohibited"}'
    assert server.metric(deny) == 1
    for code in ("evidence-malformed", "challenge-invalid"):
        assert server.metric(f'activation_problems_total{{code="{code}"}}') == 1
    asked = 'activation_requests_total{method="POST",route="/v1/verdicts",status="%s"}'
    assert [server.metric(asked % status) for status in (200, 400, 401)] == [1, 1, 1]
    assert server.metric('activation_request_seconds_count{route="/v1/verdicts"}') == 3
    counts = {step: server.metric(f'activation_step_seconds_count{{step="{step}"}}') for step in STEPS}
    assert counts == dict.fromkeys(STEPS, 1.0) | {"wait": 3.0, "read": 2.0}
    assert server.metric("activation_group_verdicts_count") == 1
    assert server.metric('activation_step_seconds_sum{step="chain"}') > 0
    assert (server.metric("activation_judging"), server.metric("activation_connections") >= 1) == (0, True)
    assert server.metric("activation_requests_in_progress") == 1  # the one that asks


def test_processor_time_is_that_of_the_process(server: LoggingServer) -> None:
    started = time.process_time()
    first, began = server.metric("activation_processor_seconds_total"), time.process_time()
    while time.process_time() < began + 0.05:
        server.ask("GET", "/healthz")
    last = server.metric("activation_processor_seconds_total")
    assert started <= first <= began < began + 0.05 <= last <= time.process_time()


def test_processor_time_of_the_start_is_counted_before_the_first_request() -> None:
    """Another process that writes the page reads the counter."""
    counted = Metrics()._registry.get_sample_value("activation_processor_seconds_total")
    assert counted is not None
    assert 0 < counted <= time.process_time()


def test_requests_with_invented_paths_and_methods_add_no_metrics(server: LoggingServer) -> None:
    server.ask("GET", "/nothing")
    server.ask("XA", "/nothing")
    before = len(server.ask("GET", "/metrics").text.splitlines())
    for number in range(50):
        server.ask(f"X{number}", f"/made-up/{number}?q={number}", headers={"Host": f"h{number}"})
    server.ask("GET", "/metrics")
    assert (
        len(server.ask("GET", "/metrics").text.splitlines()) <= before + 1 + 20
    )  # the page's own route appears


def test_the_steps_of_a_request_account_for_its_time() -> None:
    """The stopwatch advances by one at each reading, so times are numbers of readings."""
    readings = count()
    app = create_app(service(), stopwatch=lambda: float(next(readings)))
    client = AsgiClient(app)
    nonce = json.loads(client.request("POST", media.CHALLENGES_PATH, {}, b"").body)["nonce"]
    assert client.request("POST", media.VERDICTS_PATH, EVIDENCE, Phone().evidence(nonce)).status == 200
    page = app.state.metrics.page().decode()
    client.close()
    steps = [
        float(value) for value in re.findall(r"^activation_step_seconds_sum.* (\S+)$", page, re.MULTILINE)
    ]
    whole = re.search(r'^activation_request_seconds_sum\{route="/v1/verdicts"\} (\S+)$', page, re.MULTILINE)
    assert whole
    assert sum(steps) == len(STEPS) + 11 + 1  # "wait" consists of twelve parts, "store" of two
    assert (
        float(whole[1]) == sum(steps) + 2
    )  # from the headers to the observer, and from the last step to the response


def test_two_servers_in_one_process_share_no_metrics() -> None:
    with ServerThread(service()) as one, ServerThread(service()) as other:
        requests.post(one.origin + media.CHALLENGES_PATH, timeout=60)
        line = 'route="/v1/challenges"'
        assert line in requests.get(one.origin + "/metrics", timeout=60).text
        assert line not in requests.get(other.origin + "/metrics", timeout=60).text


def test_line_that_cannot_be_written_is_lost_and_requests_are_answered() -> None:
    full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 - its end fails too
    with suppress(OSError), full, ServerThread(service(), log=json_log(full)) as running:
        answers = [requests.post(running.origin + media.CHALLENGES_PATH, timeout=60) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
