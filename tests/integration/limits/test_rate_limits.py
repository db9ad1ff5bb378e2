"""Rate limits for addresses and devices, and how the agent reacts to a 429."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from firmware_profiles.model import KeyStorage
from lab.backend.asgi_transport import AsgiClient, AsgiResponse
from lab.backend.http_host import HttpHost
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from server_stub.api.app import create_app
from server_stub.api.json_log import json_log
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.evidence.evidence_token import EvidenceToken
from server_stub.server import ServerThread
from server_stub.store.sql import SqlStore
from tests.support.hostile_evidence import TOKENS, wrongly_signed
from tests.support.server_phone import IMEI, Phone, facts, service, ueid
from wire import media
from wire.codes import ProblemCode
from wire.problem import Problem

EVIDENCE = {"Content-Type": media.EVIDENCE}


class Application:
    """The application in this process, with a stopwatch that the test sets."""

    def __init__(self, store: SqlStore | None = None, **limits: Any) -> None:
        self.now = 0.0
        app = create_app(service(store), limits=ServerLimits(**limits), stopwatch=lambda: self.now)
        self._client = AsgiClient(app)

    def request(self, method: str, path: str, body: bytes = b"") -> AsgiResponse:
        return self._client.request(method, path, EVIDENCE if body else {}, body)

    def send(self, token: bytes) -> AsgiResponse:
        return self.request("POST", media.VERDICTS_PATH, token)

    def nonce(self) -> str:
        nonce: str = json.loads(self.request("POST", media.CHALLENGES_PATH).body)["nonce"]
        return nonce

    def evidence(self, phone: Phone | None = None, **changes: Any) -> bytes:
        return (phone or Phone()).evidence(self.nonce(), **changes)

    def close(self) -> None:
        self._client.close()


@contextmanager
def application(store: SqlStore | None = None, **limits: Any) -> Iterator[Application]:
    with closing(Application(store, **limits)) as opened:
        yield opened


def retry_after(answer: AsgiResponse) -> int:
    problem = Problem.model_validate_json(answer.body)
    assert (answer.status, problem.code) == (429, ProblemCode.TOO_MANY_REQUESTS)
    return int(answer.headers["retry-after"])


@contextmanager
def serving(**limits: Any) -> Iterator[str]:
    with ServerThread(service(), limits=ServerLimits(**limits)) as server:
        yield server.origin


def ask(origin: str, **headers: str) -> int:
    return requests.post(origin + media.CHALLENGES_PATH, headers=headers, timeout=60).status_code


def test_an_address_beyond_its_rate_is_rejected_until_its_window_ends() -> None:
    """Every path counts but those with a rate of their own; `Retry-After` is computed and not a constant."""
    with application(rate_per_address=read_rate("3/hour")) as server:
        for path in ("/openapi.json", "/nothing", "/docs", "/healthz", "/metrics"):
            assert server.request("GET", path).status in (200, 404)
        server.now = 10
        assert retry_after(server.request("POST", media.CHALLENGES_PATH)) == 3590
        retry_after(server.request("GET", "/admin"))
        server.now = 3600
        assert server.request("POST", media.CHALLENGES_PATH).status == 200


@pytest.mark.parametrize(
    ("rate", "paths"),
    [
        ("rate_operations", ("/healthz", "/readyz", "/metrics")),
        ("rate_admin", ("/admin/v1/devices", "/admin/v1/no-such-path", "/admin/v1/audit")),
    ],
)
def test_health_and_admin_requests_have_rates_of_their_own(rate: str, paths: tuple[str, ...]) -> None:
    """A flood of one kind does not stop the others."""
    with application(**{rate: read_rate("3/hour")}) as server:
        for path in paths:
            assert server.request("GET", path).status in (200, 401, 404)
        for path in paths:
            assert retry_after(server.request("GET", path)) == 3600
        assert server.request("POST", media.CHALLENGES_PATH).status == 200
        assert server.request("GET", "/docs").status == 200


def test_the_body_of_a_request_beyond_the_rate_is_not_read() -> None:
    """A body of this length would otherwise be rejected with 413."""
    with application(rate_per_address=read_rate("1/hour")) as server:
        server.request("GET", "/docs")
        for _ in range(5):
            assert retry_after(server.send(b"A" * 100_000)) == 3600


def test_x_forwarded_for_of_an_untrusted_client_is_ignored() -> None:
    """Also of a client on this machine."""
    with serving(rate_per_address=read_rate("2/hour")) as origin:
        statuses = [ask(origin, **{"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(3)]
    assert statuses == [200, 200, 429]


def test_each_client_of_a_trusted_proxy_has_its_own_rate() -> None:
    """The last address that is not a proxy counts; what a client writes before it does not."""
    limits = {"rate_per_address": read_rate("1/hour"), "trusted_proxies": ("127.0.0.1/32", "10.0.0.0/8")}
    with serving(**limits) as origin:
        assert ask(origin, **{"X-Forwarded-For": "192.0.2.1"}) == 200
        assert ask(origin, **{"X-Forwarded-For": "192.0.2.2, 10.1.2.3"}) == 200
        assert ask(origin, **{"X-Forwarded-For": "192.0.2.1"}) == 429
        assert ask(origin, **{"X-Forwarded-For": "203.0.113.5, 192.0.2.1"}) == 429


def test_a_device_beyond_its_rate_is_rejected_with_any_key() -> None:
    """Each exchange has its own key, so the attested identity counts; other devices are not affected."""
    with application(rate_per_device=read_rate("2/hour")) as server:
        for _ in range(2):
            assert server.send(server.evidence()).status == 200
        assert retry_after(server.send(server.evidence())) == 3600
        another = Phone(boot=facts(imeis=("001010999999990",)))
        assert server.send(server.evidence(another, ueid=ueid("001010999999990"))).status == 200


def test_a_rejected_request_is_not_recorded_and_does_not_spend_its_nonce() -> None:
    """The device can send the same evidence again later."""
    store = SqlStore()
    with application(store, rate_per_device=read_rate("1/second")) as server:
        first, second = server.evidence(), server.evidence()
        assert server.send(first).status == 200
        assert retry_after(server.send(second)) == 1
        assert store.count() == 1
        server.now = 1
        assert server.send(second).status == 200
        assert store.count() == 2


def test_unproved_claims_of_an_identity_do_not_count_against_its_rate() -> None:
    with application(rate_per_device=read_rate("1/hour")) as server:
        thief = Phone(boot=facts(imeis=("001010999999990",)))
        assert server.send(server.evidence(thief, ueid=ueid(IMEI))).status == 200
        head, payload, signature = server.evidence().split(b".")
        forged = b".".join([head, payload, signature[:-8] + b"AAAAAAAA"])
        assert server.send(forged).status == 401
        assert server.send(server.evidence()).status == 200


def _wrongly_signed(server: Application) -> bytes:
    return wrongly_signed(server.evidence())


def _unattested(server: Application) -> bytes:
    return server.evidence(Phone(KeyStorage.SOFTWARE))


def _stale(server: Application) -> bytes:
    """The chain is anchored, and attests another challenge."""
    return server.evidence(challenge="another")


def _self_made(server: Application) -> bytes:
    return TOKENS["chain: self-made, RSA-4096"](server.nonce())


def _spent(server: Application) -> bytes:
    token = server.evidence()
    server.send(token)
    return token


KINDS = (_wrongly_signed, _unattested, _stale, _self_made, _spent, lambda _: b"e30.e30.AAAA")


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_that_attests_no_device_has_a_rate_of_its_own(kind: Callable[[Application], bytes]) -> None:
    """An honest device at the same address still gets its verdicts: many users may share an address."""
    with application(rate_unattested=read_rate("2/hour")) as server:
        for _ in range(2):
            assert server.send(kind(server)).status in (200, 400, 401, 409)
        for _ in range(2):
            assert retry_after(server.send(kind(server))) == 3600
            assert server.send(server.evidence()).status == 200
        page = server.request("GET", "/metrics").body.decode()
        assert 'activation_rate_limited_total{limit="unattested"} 2.0' in page
        server.now = 3600
        assert server.send(kind(server)).status in (200, 400, 401, 409)


def test_unattested_evidence_beyond_its_rate_is_rejected_before_its_signature_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with application(rate_unattested=read_rate("1/hour")) as server:
        server.send(_self_made(server))
        monkeypatch.setattr(EvidenceToken, "verify_signature", None)
        assert retry_after(server.send(_self_made(server))) == 3600


def test_unattested_evidence_counts_once_and_does_not_spend_the_rate_of_another_address() -> None:
    """Evidence with a self-made chain and a wrong signature is both unattested and rejected."""
    rate = {"rate_unattested": read_rate("2/hour"), "trusted_proxies": ("127.0.0.1",)}
    with serving(**rate) as origin:
        for address, status in (
            ("192.0.2.1", 401),
            ("192.0.2.1", 401),
            ("192.0.2.1", 429),
            ("192.0.2.2", 401),
        ):
            nonce = requests.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
            token = wrongly_signed(TOKENS["chain: self-made, RSA-4096"](nonce))
            headers = EVIDENCE | {"X-Forwarded-For": address}
            answer = requests.post(origin + media.VERDICTS_PATH, token, headers=headers, timeout=60)
            assert answer.status_code == status


def test_a_verdict_request_beyond_the_number_that_may_wait_is_rejected() -> None:
    with application(judging_max=0) as server:
        answer = server.send(server.evidence())
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0


def test_a_server_without_rates_answers_all_requests() -> None:
    """As in the lab, where many devices share one address."""
    with application() as server:
        assert all(server.request("POST", media.CHALLENGES_PATH).status == 200 for _ in range(200))


def test_the_agent_retries_after_the_time_in_retry_after_and_not_before() -> None:
    with Simulation("busy", host=HttpHost) as home, ExitStack() as stack:
        server, world = home.server, home.world
        busy = ServerThread(
            server.service,
            repository=server.repository,
            limits=ServerLimits(rate_per_address=read_rate("1/hour")),
        )
        with busy:
            requests.get(busy.origin + "/healthz", timeout=60)
            simulation = stack.enter_context(Simulation("busy", url=busy.origin, world=world, host=HttpHost))
            phone = simulation.phone("official-global", "paris")
            phone.power_on()
            phone.walk_setup()
            assert phone.outcome() is Outcome.PENDING
            port = int(busy.origin.rpartition(":")[2])
        log = io.StringIO()
        with ServerThread(server.service, repository=server.repository, port=port, log=json_log(log)):
            phone.wait(3400)
            assert not log.getvalue()
            phone.wait(1200)
            assert phone.outcome() is Outcome.ACTIVATED


@pytest.mark.slow
def test_serve_reads_rates_from_the_environment_and_rejects_an_invalid_one(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("activation")), "serve", "--port", "0"]
    environment = os.environ | {"ACTIVATION_SERVER_RATE_PER_ADDRESS": "2/hour"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path, env=environment
    ) as server:
        assert server.stdout
        found = re.search(r"http://\S+", server.stdout.readline())
        try:
            assert found
            assert [ask(found[0]) for _ in range(3)] == [200, 200, 429]
        finally:
            server.terminate()
    environment |= {"ACTIVATION_SERVER_RATE_PER_ADDRESS": "often"}
    refused = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert refused.returncode == 2
    assert "ACTIVATION_SERVER_RATE_PER_ADDRESS" in refused.stderr
    assert "30/minute" in refused.stderr
