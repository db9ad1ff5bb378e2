"""Faults, the test clock and worlds of a lab that several processes serve: workers of one command, or two servers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from tests.support.served import TOKEN, Served, served
from tests.support.server_phone import Phone
from tests.support.stores import schema_url
from wire import media

pytestmark = pytest.mark.slow
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CONNECTIONS = 6
LATER = 2_000_000_000


@pytest.fixture(params=["workers", "servers"])
def connections(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list["Connection"]]:
    """Kept connections, which reach each process in turns."""
    count = 2 if request.param == "workers" else 1
    with schema_url() as url, ExitStack() as stack:
        servers: list[Served] = []
        for _ in range(3 - count):
            servers.append(stack.enter_context(served(tmp_path, url, "--lab", workers=count)))
            tmp_path = tmp_path / "other"
            tmp_path.mkdir()
        yield [
            Connection(servers[number % len(servers)].origin, stack.enter_context(requests.Session()))
            for number in range(CONNECTIONS)
        ]
        lines = [line for server in servers for line in server.lines("request")]
        assert count == 1 or len(Counter(line["worker"] for line in lines)) == 2


class Connection:
    """A client of one process."""

    def __init__(self, origin: str, session: requests.Session) -> None:
        self.origin = origin
        self.session = session
        self.status("GET", "/healthz")

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        return self.session.request(method, self.origin + path, json=body, headers=HEADERS, timeout=60)

    def status(self, method: str, path: str, body: object = None) -> int:
        return self.ask(method, path, body).status_code

    def challenge(self) -> int:
        return self.session.post(self.origin + media.CHALLENGES_PATH, timeout=60).status_code

    def verdict(self) -> dict[str, Any]:
        nonce = self.session.post(self.origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
        headers = {"Content-Type": media.EVIDENCE}
        answer = self.session.post(
            self.origin + media.VERDICTS_PATH, Phone().evidence(nonce), headers=headers, timeout=60
        )
        claims: dict[str, Any] = jwt.decode(answer.text, options={"verify_signature": False})
        return claims


def test_a_fault_holds_over_all_processes_from_the_response_on(connections: list[Connection]) -> None:
    fault = {"kind": "error", "route": "challenges", "reason": "test"}
    for operator in connections[:4]:
        assert [each.challenge() for each in connections] == [
            200
        ] * CONNECTIONS  # each has just read the faults
        assert operator.status("POST", "/admin/v1/faults", fault | {"count": 1000}) == 201
        assert [each.challenge() for each in connections] == [503] * CONNECTIONS
        assert operator.status("POST", "/admin/v1/faults/clear", {"reason": "test"}) == 200
        assert [each.challenge() for each in connections] == [200] * CONNECTIONS
    assert connections[0].status("POST", "/admin/v1/faults", fault | {"count": 5}) == 201
    assert Counter(each.challenge() for each in connections * 3) == {503: 5, 200: 13}


def test_the_test_clock_is_that_of_all_processes_from_the_response_on(connections: list[Connection]) -> None:
    for number, operator in enumerate(connections):
        now = LATER + number * 86_400
        assert operator.status("PUT", "/lab/v1/clock", {"now": now}) == 200
        for each in connections:
            assert 0 <= each.ask("GET", "/lab/v1/clock").json()["now"] - now < 60
            assert 0 <= each.verdict()["iat"] - now < 60
            assert each.status("GET", "/readyz") == 200


def test_expectations_are_those_of_all_processes(connections: list[Connection]) -> None:
    for number, operator in enumerate(connections):
        claims = [{"claim": "intent", "equals": f"other-{number}"}]
        assert operator.status("PUT", "/lab/v1/expectations", {"claims": claims}) == 200
        for each in connections:
            assert each.ask("GET", "/lab/v1/expectations").json()["claims"] == claims


def test_a_world_is_refused_only_where_one_server_has_several_processes(
    connections: list[Connection],
) -> None:
    several = len({each.origin for each in connections}) == 1
    for each in connections:
        made = each.ask("POST", "/lab/v1/worlds", {})
        if several:
            assert (made.status_code, made.json()["code"]) == (409, "world-refused")
            assert "a world lives in one process, and this server has 2" in made.json()["detail"]
        else:
            assert made.status_code == 201
