"""How often an address and a phone may ask, over real HTTP, and what the real agent makes of a 429."""

import io
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.api.logs import json_log
from server_stub.server import ServerThread
from server_stub.store.memory import MemoryStore
from tests.support.server_phone import IMEI, Phone, facts, service, ueid
from wire import media
from wire.codes import ProblemCode
from wire.problem import Problem

EVIDENCE = {"Content-Type": media.EVIDENCE}


@contextmanager
def serving(store: MemoryStore | None = None, **manners: Any) -> Iterator[str]:
    with ServerThread(service(store), manners=ServerLimits(**manners)) as server:
        yield server.origin


def ask(origin: str, **headers: str) -> requests.Response:
    return requests.post(origin + media.CHALLENGES_PATH, headers=headers, timeout=5)


def evidence(origin: str, phone: Phone | None = None, **changes: Any) -> bytes:
    return (phone or Phone()).evidence(ask(origin).json()["nonce"], **changes)


def send(origin: str, token: bytes) -> requests.Response:
    return requests.post(origin + media.VERDICTS_PATH, token, headers=EVIDENCE, timeout=5)


def too_many(answer: requests.Response) -> int:
    problem = Problem.model_validate_json(answer.content)
    assert (answer.status_code, problem.code) == (429, ProblemCode.TOO_MANY_REQUESTS)
    return int(answer.headers["Retry-After"])


def test_an_address_that_asks_too_often_is_told_when_to_come_back() -> None:
    """Whatever it asks for; the wait is the window's, not a constant."""
    with serving(rate_per_address=read_rate("3/hour")) as origin:
        for path in ("/healthz", "/nothing", "/docs"):
            assert requests.get(origin + path, timeout=5).status_code in (200, 404)
        assert 3590 <= too_many(ask(origin)) <= 3600
        page = requests.get(origin + "/metrics", timeout=5)
        too_many(page)


def test_a_request_too_many_costs_no_more_than_a_look() -> None:
    """Its body is not read: a flood must not be paid for by the octet."""
    with serving(rate_per_address=read_rate("1/hour"), body_seconds=0.5) as origin:
        ask(origin)
        for _ in range(5):
            answer = send(origin, b"A" * 100_000)
            too_many(answer)


def test_without_a_proxy_nobody_can_say_that_somebody_else_asks() -> None:
    """`X-Forwarded-For` is the sender's to write, on this machine too."""
    with serving(rate_per_address=read_rate("2/hour")) as origin:
        for number in range(2):
            assert ask(origin, **{"X-Forwarded-For": f"192.0.2.{number}"}).ok
        too_many(ask(origin, **{"X-Forwarded-For": "192.0.2.77"}))


def test_behind_a_trusted_proxy_each_client_counts_for_itself() -> None:
    """The last address that is no proxy's counts; what a client writes before it does not."""
    manners = {"rate_per_address": read_rate("1/hour"), "trusted_proxies": ("127.0.0.1/32", "10.0.0.0/8")}
    with serving(**manners) as origin:
        assert ask(origin, **{"X-Forwarded-For": "192.0.2.1"}).ok
        assert ask(origin, **{"X-Forwarded-For": "192.0.2.2, 10.1.2.3"}).ok
        too_many(ask(origin, **{"X-Forwarded-For": "192.0.2.1"}))
        too_many(ask(origin, **{"X-Forwarded-For": "203.0.113.5, 192.0.2.1"}))


def test_a_phone_that_asks_too_often_is_refused_whatever_its_key() -> None:
    """Each exchange has a key of its own, so the attested identity counts; other phones are not meant."""
    with serving(rate_per_device=read_rate("2/hour")) as origin:
        for _ in range(2):
            assert send(origin, evidence(origin)).status_code == 200
        assert too_many(send(origin, evidence(origin))) > 3500
        another = Phone(boot=facts(imeis=("001010999999990",)))
        told = evidence(origin, another, ueid=ueid("001010999999990"))
        assert send(origin, told).status_code == 200


def test_a_refused_request_leaves_no_trace_and_its_nonce_is_not_spent() -> None:
    """The phone may send the very same evidence once its time has come."""
    store = MemoryStore()
    with serving(store, rate_per_device=read_rate("1/second")) as origin:
        tokens = [evidence(origin) for _ in range(2)]
        assert send(origin, tokens[0]).status_code == 200
        answers = [send(origin, tokens[1])]
        if answers[0].status_code == 429:
            assert len(store.records) == 1
        while answers[-1].status_code == 429 and len(answers) < 500:
            time.sleep(0.01)
            answers.append(send(origin, tokens[1]))
        assert answers[-1].status_code == 200
        assert len(answers) > 1
        assert len(store.records) == 2


def test_nobody_can_use_up_the_allowance_of_another_phone() -> None:
    """Who only claims an identity, or forges a signature, does not count as that phone."""
    with serving(rate_per_device=read_rate("1/hour")) as origin:
        thief = Phone(boot=facts(imeis=("001010999999990",)))
        assert send(origin, evidence(origin, thief, ueid=ueid(IMEI))).status_code == 200
        head, payload, signature = evidence(origin).split(b".")
        forged = b".".join([head, payload, signature[:-8] + b"AAAAAAAA"])
        assert send(origin, forged).status_code == 401
        assert send(origin, evidence(origin)).status_code == 200


def test_judges_that_have_enough_to_do_say_so() -> None:
    """Beyond a bound, waiting in line would only take longer than phones wait."""
    with serving(judging_max=0) as origin:
        answer = send(origin, evidence(origin))
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


def test_a_server_without_rates_answers_all() -> None:
    """As parts of a lab are: one address, many phones."""
    with serving() as origin:
        assert all(ask(origin).ok for _ in range(200))


def test_the_agent_waits_as_long_as_it_is_told_and_then_is_served() -> None:
    """The real agent against a server that has had enough of its address: it asks again when it may, not before."""
    with Simulation.open("busy") as home, ExitStack() as stack:
        server, world = home.server, home.world
        busy = ServerThread(
            server.service,
            repository=server.repository,
            manners=ServerLimits(rate_per_address=read_rate("1/hour")),
        )
        with busy:
            requests.get(busy.origin + "/healthz", timeout=5)
            simulation = stack.enter_context(Simulation.open("busy", url=busy.origin, world=world))
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
def test_the_command_bounds_rates_as_its_environment_says(tmp_path: Path) -> None:
    """The one server that strangers reach; a rate that cannot be meant keeps it from starting."""
    command = [str(Path(sys.executable).with_name("activation")), "serve", "--port", "0"]
    environment = os.environ | {"ACTIVATION_SERVER_RATE_PER_ADDRESS": "2/hour"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path, env=environment
    ) as server:
        assert server.stdout
        found = re.search(r"http://\S+", server.stdout.readline())
        try:
            assert found
            assert [ask(found[0]).status_code for _ in range(3)] == [200, 200, 429]
        finally:
            server.terminate()
    environment |= {"ACTIVATION_SERVER_RATE_PER_ADDRESS": "often"}
    refused = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert refused.returncode == 2
    assert "ACTIVATION_SERVER_RATE_PER_ADDRESS" in refused.stderr
    assert "30/minute" in refused.stderr
