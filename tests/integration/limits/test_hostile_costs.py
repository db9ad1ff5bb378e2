"""What evidence of a stranger costs the server: at most as much processor time as an honest request.

The best of three measurements of each, in turns, through the whole application. A stranger sends as much as an address
may; one of ten of its requests is within the rate of unattested evidence, as by default.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from lab.backend.asgi_transport import AsgiClient, AsgiResponse
from server_stub.api.app import create_app
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.settings import Settings
from tests.support.hostile_evidence import TOKENS
from tests.support.server_phone import Phone, service
from wire import media

CALLS, ROUNDS = 10, 3
HOUR = 3600
EVIDENCE = {"Content-Type": media.EVIDENCE}


class Application:
    """The whole application in this process, with a stopwatch that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        limits = ServerLimits(rate_unattested=read_rate("1/hour"))
        self._client = AsgiClient(create_app(service(), limits=limits, stopwatch=lambda: self.now))
        self.close = self._client.close

    def nonce(self) -> str:
        nonce: str = json.loads(self._client.request("POST", media.CHALLENGES_PATH, {}, b"").body)["nonce"]
        return nonce

    def send(self, token: bytes) -> AsgiResponse:
        return self._client.request("POST", media.VERDICTS_PATH, EVIDENCE, token)

    def measure(self, make: Callable[[str], bytes]) -> tuple[float, list[int]]:
        """Seconds for some requests with the evidence of `make`, in another hour than before; and their statuses."""
        self.now += HOUR
        tokens = [make(self.nonce()) for _ in range(CALLS)]
        begin = time.process_time()
        statuses = [self.send(token).status for token in tokens]
        return time.process_time() - begin, statuses


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    with closing(Application()) as opened:
        opened.measure(Phone().evidence)  # fills the caches
        yield opened


def repeated(make: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """Evidence that repeats the first one."""
    sent: list[bytes] = []

    def again(nonce: str) -> bytes:
        sent.append(sent[0] if sent else make(nonce))
        return sent[0]

    return again


SHAPES = TOKENS | {
    f"repeated: {name}": repeated(TOKENS[name])
    for name in ("wrong signature", "chain: self-made, RSA-4096", "chain: names of the root, P-384")
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_request_of_a_stranger_costs_at_most_as_much_as_an_honest_one(
    application: Application, shape: str
) -> None:
    """The honest device at the same address gets all its verdicts."""
    honest, hostile = [], []
    for _ in range(ROUNDS):
        seconds, statuses = application.measure(SHAPES[shape])
        assert statuses[1:] == [429] * (CALLS - 1)
        hostile.append(seconds)
        seconds, statuses = application.measure(Phone().evidence)
        assert statuses == [200] * CALLS
        honest.append(seconds)
    assert min(hostile) <= min(honest), f"{min(hostile) / min(honest):.2f} times as much"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [name for name in TOKENS if "chain: " not in name or "genuine" in name])
def test_rejected_request_within_the_rate_costs_at_most_as_much_as_an_honest_one(shape: str) -> None:
    honest, hostile = [], []
    with closing(Application()) as unlimited:
        for _ in range(ROUNDS):
            unlimited.measure(Phone().evidence)
            honest.append(unlimited.measure(Phone().evidence)[0] / CALLS)
            total = 0.0
            for _ in range(CALLS):
                unlimited.now += HOUR
                token = TOKENS[shape](unlimited.nonce())
                begin = time.process_time()
                assert unlimited.send(token).status in (400, 401, 413, 422)
                total += time.process_time() - begin
            hostile.append(total / CALLS)
    assert min(hostile) <= min(honest), f"{min(hostile) / min(honest):.2f} times as much"


def test_one_of_ten_requests_of_an_address_may_be_unattested_by_default() -> None:
    limits = Settings().limits
    assert limits.rate_per_address
    assert limits.rate_unattested
    assert limits.rate_per_address.amount == 10 * limits.rate_unattested.amount
    assert limits.rate_per_address.get_expiry() == limits.rate_unattested.get_expiry()
