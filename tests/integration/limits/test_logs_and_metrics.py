"""What a server tells of its work: numbers of requests, log lines, metrics; and that none of it names anybody."""

import io
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from server_stub.admin.context import PREFIX, AdminContext
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.api.logs import json_log
from server_stub.server import ServerThread
from tests.support.server_phone import ICCID, IMEI, SECOND_IMEI, Phone, claims, service, telephony, ueid
from tests.support.sockets import connect, to_the_end
from wire import media

EVIDENCE = {"Content-Type": media.EVIDENCE}
STEPS = {"read", "challenge", "chain", "signature", "appraise", "judge", "decide", "sign", "store"}
SPN = "Planted Operator"
NAME = "planted-member"
PLANTED = (IMEI, IMEI[:14], SECOND_IMEI, ICCID, ueid(IMEI), SPN, NAME, "23.1330", "82.3830", "192.0.2.99")


@dataclass
class Told:
    """A server, its log, and every answer that it gave."""

    origin: str
    log: io.StringIO
    answers: list[requests.Response]
    token: str

    def ask(self, method: str, path: str, **rest: object) -> requests.Response:
        self.answers.append(requests.request(method, self.origin + path, timeout=5, **rest))  # type: ignore[arg-type]
        return self.answers[-1]

    def send(self, body: bytes) -> requests.Response:
        return self.ask("POST", media.VERDICTS_PATH, data=body, headers=EVIDENCE)

    def nonce(self) -> str:
        return str(self.ask("POST", media.CHALLENGES_PATH).json()["nonce"])

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def metric(self, line: str) -> float:
        """The value of a metric, by its name and labels."""
        page = requests.get(self.origin + "/metrics", timeout=5).text
        found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture
def told() -> Iterator[Told]:
    log = io.StringIO()
    manners = ServerLimits(rate_per_device=read_rate("40/hour"))
    judging = service()
    admin = AdminContext.of(judging)
    token = admin.tokens.first() or ""
    with ServerThread(judging, admin=admin, log=json_log(log), manners=manners) as server:
        yield Told(server.origin, log, [], token)


def plant(told: Told) -> None:
    """Send what identifies a phone, its SIM and its user wherever a client can write."""
    position = {"latitude": 23.133, "longitude": 82.383, "accuracy": 5.0}
    network = telephony("368", "01", home=("368", "01"))
    network["sims"][0]["spn"] = SPN
    told.send(Phone().evidence(told.nonce(), location=position, telephony=network))
    told.send(Phone().evidence(told.nonce(), ueid=IMEI))
    told.send(Phone().evidence(told.nonce(), **{NAME: IMEI}))
    told.send(Phone().evidence(told.nonce(), telephony={**network, NAME: ICCID}))
    told.send(Phone().sign(claims(told.nonce()), IMEI, **{NAME: IMEI}))
    told.send(Phone().sign(f'{{"{NAME}": "{IMEI}'.encode(), IMEI))
    told.send(f"{IMEI}.{ICCID}.{ueid(IMEI)}".encode())
    told.send(Phone().evidence(f"{IMEI}{IMEI}{IMEI}"))
    for path in (
        f"/{IMEI}",
        f"/v1/verdicts/{ICCID}",
        f"/tuf/targets/{IMEI}",
        f"/healthz?imei={IMEI}",
        f"/%20{NAME}",
    ):
        for method in ("GET", "POST", f"X{IMEI}"):
            told.ask(method, path, headers={"X-Request-Id": IMEI, "User-Agent": ICCID, NAME: IMEI})
    headers = {"X-Forwarded-For": "192.0.2.99", "Forwarded": f"for={IMEI}", "Cookie": IMEI, "Referer": IMEI}
    told.ask("POST", media.VERDICTS_PATH, data=IMEI.encode(), headers={"Content-Type": f"x/{IMEI}"} | headers)
    told.ask("POST", media.CHALLENGES_PATH, headers={"Accept": f"x/{IMEI}"} | headers)
    for octets in (
        f"GET /{IMEI} HTTP/{IMEI}\r\n\r\n",
        f"{IMEI}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{NAME} {IMEI}\r\n\r\n",
    ):
        with connect(told.origin) as client:
            client.sendall(octets.encode())
            assert to_the_end(client, 0).status == 400


def plant_as_operator(told: Told) -> None:
    """The same, with the token of an operator and with one that is none."""
    for token in (told.token, f"operator.{IMEI}"):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": IMEI}
        for body in ({"imei": IMEI}, {"imei": SECOND_IMEI[:14]}, {"imei": f"{IMEI}{IMEI}"}, {NAME: IMEI}):
            told.ask("POST", f"{PREFIX}/devices/find", json=body, headers=headers)
        for path in (
            f"/devices/{IMEI}",
            f"/devices?cursor={IMEI}",
            f"/devices?{NAME}={IMEI}",
            f"/audit?limit={IMEI}",
        ):
            told.ask("GET", PREFIX + path, headers=headers)
        told.ask("POST", f"{PREFIX}/devices/{IMEI}/lock", json={"reason": ICCID}, headers=headers)
        told.ask("POST", f"{PREFIX}/unlock-codes", json={"challenge": IMEI, "reason": "x"}, headers=headers)


def test_nothing_that_identifies_is_told(told: Told, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in the log, not in an error, not in a metric, not on the console; verdicts name a pseudonym alone."""
    plant(told)
    plant_as_operator(told)
    metrics = told.ask("GET", "/metrics").text
    printed = capfd.readouterr()
    problems = "".join(answer.text for answer in told.answers if answer.status_code >= 400)
    headers = "".join(str(answer.headers) for answer in told.answers)
    assert {line["status"] for line in told.lines()} >= {200, 400, 401, 404, 405, 406, 415, 422}
    for planted in (*PLANTED, told.token):
        for where in (told.log.getvalue(), metrics, problems, headers, printed.out, printed.err):
            assert planted not in where


def test_each_request_has_a_number_that_its_log_line_has_too(told: Told) -> None:
    """What a user reads out to support is found in the log."""
    answers = [told.ask("POST", media.CHALLENGES_PATH), told.ask("GET", "/nothing"), told.send(b"a.b.c")]
    numbers = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(numbers)) == 3
    assert [line["request_id"] for line in told.lines()] == numbers
    assert answers[2].json()["instance"] == f"urn:uuid:{numbers[2]}"
    assert [(line["method"], line["route"], line["status"]) for line in told.lines()] == [
        ("POST", media.CHALLENGES_PATH, 200),
        ("GET", "none", 404),
        ("POST", media.VERDICTS_PATH, 400),
    ]
    assert all(float(str(line["ms"])) > 0 for line in told.lines())


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
def test_a_client_may_number_its_request_by_a_uuid_and_by_nothing_else(
    told: Told,
    number: str,
    kept: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """Then both logs can be read together; anything freer would let an identifier or a forged line in."""
    answered = told.ask("GET", "/healthz", headers={"X-Request-Id": number}).headers["X-Request-Id"]
    assert (answered == number.strip()) is kept
    assert str(uuid.UUID(answered)) == answered
    assert told.lines()[-1]["request_id"] == answered


def test_metrics_count_verdicts_problems_requests_and_steps(told: Told) -> None:
    """By decision and reason, by code, by route, by step; after one request that was served and two that were not."""
    told.send(Phone().evidence(told.nonce()))
    told.send(b"a.b.c")
    told.send(Phone().evidence("A" * 44))
    deny = 'activation_verdicts_total{by="policy",decision="deny",reason="territory-prohibited"}'
    assert told.metric(deny) == 1
    for code in ("evidence-malformed", "challenge-invalid"):
        assert told.metric(f'activation_problems_total{{code="{code}"}}') == 1
    asked = 'activation_requests_total{method="POST",route="/v1/verdicts",status="%s"}'
    assert [told.metric(asked % status) for status in (200, 400, 401)] == [1, 1, 1]
    assert told.metric('activation_request_seconds_count{route="/v1/verdicts"}') == 3
    counts = {step: told.metric(f'activation_step_seconds_count{{step="{step}"}}') for step in STEPS}
    assert counts == dict.fromkeys(STEPS, 1.0) | {"read": 2.0}
    assert told.metric('activation_step_seconds_sum{step="chain"}') > 0
    assert (told.metric("activation_judging"), told.metric("activation_connections") >= 1) == (0, True)
    assert told.metric("activation_requests_in_progress") == 1  # the one that asks


def test_nobody_can_make_the_metrics_grow(told: Told) -> None:
    """Labels are of closed sets: paths, methods and rules that somebody makes up are not among them."""
    told.ask("GET", "/nothing")
    told.ask("XA", "/nothing")
    before = len(told.ask("GET", "/metrics").text.splitlines())
    for number in range(50):
        told.ask(f"X{number}", f"/made-up/{number}?q={number}", headers={"Host": f"h{number}"})
    told.ask("GET", "/metrics")
    assert (
        len(told.ask("GET", "/metrics").text.splitlines()) <= before + 1 + 20
    )  # the page's own route appears


def test_the_steps_of_a_request_add_up_to_less_than_the_request(told: Told) -> None:
    """A step that was counted twice, or in the wrong unit, would be seen here."""
    told.send(Phone().evidence(told.nonce()))
    steps = sum(told.metric(f'activation_step_seconds_sum{{step="{step}"}}') for step in STEPS)
    whole = told.metric('activation_request_seconds_sum{route="/v1/verdicts"}')
    assert 0.2 * whole < steps < whole


def test_each_application_counts_for_itself() -> None:
    """Two servers in one process share no registry."""
    with ServerThread(service()) as one, ServerThread(service()) as other:
        requests.post(one.origin + media.CHALLENGES_PATH, timeout=5)
        line = 'route="/v1/challenges"'
        assert line in requests.get(one.origin + "/metrics", timeout=5).text
        assert line not in requests.get(other.origin + "/metrics", timeout=5).text
