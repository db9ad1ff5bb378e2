"""A load of verdict requests on a running server, in four steps: `warm_up`, `prepare`, `measure`, `report`.

Evidence is prepared before the measurement: a challenge of the server for each piece, signed by the devices in turn.
How much is needed follows from the warm-up. Challenges expire, which bounds how much can be prepared and used.
"""

import gc
import json
import math
from collections import Counter, deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from statistics import median
from time import perf_counter, process_time
from typing import Final

from pydantic import ValidationError

from lab.load.connections import KeptConnections, LoadResponse
from lab.load.evidence import EvidenceSource
from lab.load.measurement import LoadTally, ServerUsage, UsageUnknownError, signature_timer
from lab.load.report import LoadEnd, LoadReport, listed
from lab.world.jose import unb64
from server_stub.api.metrics import METRICS_PATH
from server_stub.evidence.pseudonyms import UNATTESTED
from wire import media
from wire.challenge import Challenge
from wire.limits import NONCE_LIFETIME

_BATCH: Final = 256
"""Challenges that are requested before their evidence is signed."""

_MORE: Final = 1.5
"""How many times as much evidence is prepared as the rate of the warm-up needs."""

_LIFE_USED: Final = 0.9
"""The part of the life of a challenge in which its evidence is sent."""

_WARM_UP_SECONDS: Final = 0.5
_STEADY: Final = 1.2
"""The warm-up goes on while its rate grows by more than this factor."""

_SIGNATURE_ROUNDS: Final = 15


class LoadError(Exception):
    """The server gives no challenges, or does not attest the devices; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How many devices of the lab of `seed` send evidence, on how many connections, and for how many seconds."""

    devices: int
    connections: int
    seconds: float
    seed: str


class LoadTest:
    """Measures the server at `origin`. To be closed."""

    def __init__(self, origin: str, options: LoadOptions) -> None:
        self.wanted = 2 * options.connections
        """Pieces of evidence that `prepare` prepares."""
        self._options = options
        self._connections = KeptConnections(origin, options.connections)
        self._source = EvidenceSource(options.seed, options.devices)
        self._ready: deque[tuple[bytes, float]] = deque()
        """Requests for verdicts, each with the time by `perf_counter` until which it can be sent."""
        self._refused: Counter[tuple[int, str]] = Counter()
        """Errors in place of challenges."""
        self._tally = LoadTally()
        self._lost_before = 0
        self._end = LoadEnd.INTERRUPTED
        self._usage: LoadResponse | None = None
        self._client_seconds = 0.0
        self._signatures: list[float] = []
        self._signature_seconds = signature_timer()

    def close(self) -> None:
        """Close what was opened."""
        self._connections.close()

    def warm_up(self) -> None:
        """Send more and more evidence, and set `wanted` by how fast it is answered. Raises LoadError.

        The first verdicts of a server are slower.
        """
        least = min(_WARM_UP_SECONDS, self._options.seconds)
        rate = took = before = 0.0
        while took < least or rate > _STEADY * before:
            tally = LoadTally(perf_counter())
            for step in (self.prepare(), self._send(tally, math.inf)):
                deque(step, maxlen=0)
            if not tally.end:
                raise LoadError("it sends no response to evidence")
            took, before = tally.seconds, rate
            rate = max(rate, (len(tally.latencies) or tally.errors.total()) / took)
            self.wanted *= 2
        seconds = min(self._options.seconds, _LIFE_USED * NONCE_LIFETIME)
        self.wanted = 2 * self._options.connections + math.ceil(rate * seconds * _MORE)

    def prepare(self) -> Iterator[None]:
        """Prepare the wanted evidence; yields after each piece. Raises LoadError.

        There is less if the server refuses a challenge, or if the first pieces would expire.
        """
        request = self._connections.request("POST", media.CHALLENGES_PATH, accept=media.JSON)
        while not self._refused and (left := self.wanted - len(self._ready)) > 0:
            if self._ready and perf_counter() > self._ready[0][1]:
                break
            challenges: list[tuple[str, float]] = []
            receive = partial(self._receive_challenge, challenges)
            deque(self._connections.run(repeat(request, min(left, _BATCH)), receive), maxlen=0)
            if not challenges:
                break
            for nonce, until in challenges:
                self._ready.append((self._verdict_request(self._source.next(nonce)), until))
                yield
        if not self._ready:
            raise LoadError(f"it gives no challenge{listed(self._refused)}")

    def _receive_challenge(self, challenges: list[tuple[str, float]], response: LoadResponse) -> None:
        if response.status != 200:
            self._refused[response.status, response.code] += 1
            return
        try:
            challenge = Challenge.model_validate_json(response.body)
        except ValidationError:
            raise LoadError(f"its response to {media.CHALLENGES_PATH} is no challenge") from None
        sent = response.at - response.seconds
        challenges.append((challenge.nonce, sent + _LIFE_USED * challenge.expires_in))

    def _verdict_request(self, evidence: bytes) -> bytes:
        return self._connections.request(
            "POST", media.VERDICTS_PATH, accept=media.VERDICT, content_type=media.EVIDENCE, body=evidence
        )

    def measure(self) -> Generator[None]:
        """Send evidence for the seconds of the options; yields several times a second. Raises LoadError."""
        self._time_signatures()
        self._usage, self._lost_before = self._read_usage(), self._connections.lost
        gc.collect()
        gc.disable()
        spent, self._tally = process_time(), LoadTally(perf_counter())
        try:
            yield from self._send(self._tally, until := self._tally.begin + self._options.seconds)
            self._end = LoadEnd.TIME if perf_counter() >= until else LoadEnd.EVIDENCE
        finally:
            self._client_seconds = process_time() - spent
            gc.enable()

    def _send(self, tally: LoadTally, until: float) -> Generator[None]:
        """Send what is ready until this time by `perf_counter`. Raises LoadError for verdicts on unattested devices."""

        def requests() -> Iterator[bytes]:
            while self._ready and (now := perf_counter()) < until:
                request, expires = self._ready.popleft()
                if now < expires:
                    yield request

        def receive(response: LoadResponse) -> None:
            if tally.add(response) and len(tally.latencies) == 1:
                _check_attested(response.body)

        return self._connections.run(requests(), receive)

    def report(self) -> LoadReport:
        """What was measured, also if that was interrupted."""
        self._time_signatures()
        tally, verdicts = self._tally, len(self._tally.latencies)
        usage, unknown = None, ""
        try:
            before, after = ServerUsage.of(self._usage), ServerUsage.of(self._read_usage())
            usage = before.seconds_a_verdict(after, verdicts)
        except UsageUnknownError as error:
            unknown = str(error)
        return LoadReport(
            devices=self._options.devices,
            connections=self._options.connections,
            asked_seconds=self._options.seconds,
            ended=self._end,
            seconds=tally.seconds,
            verdicts=verdicts,
            p50=tally.percentile(0.5),
            p99=tally.percentile(0.99),
            errors=self._refused + tally.errors,
            lost_connections=self._connections.lost - self._lost_before,
            server_seconds=usage,
            unknown=unknown,
            signature_seconds=median(self._signatures),
            client_seconds=self._client_seconds / verdicts if verdicts else None,
        )

    def _time_signatures(self) -> None:
        self._signatures += [self._signature_seconds() for _ in range(_SIGNATURE_ROUNDS)]

    def _read_usage(self) -> LoadResponse | None:
        responses: list[LoadResponse] = []
        request = self._connections.request("GET", METRICS_PATH, accept="text/plain")
        deque(self._connections.run(iter([request]), responses.append), maxlen=0)
        return responses[0] if responses else None


def _check_attested(verdict: bytes) -> None:
    """Raises LoadError unless this is a verdict on an attested device."""
    try:
        sub = str(json.loads(unb64(verdict.split(b".")[1]))["sub"])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise LoadError(f"its response to {media.VERDICTS_PATH} is no verdict") from None
    if sub.startswith(UNATTESTED):
        raise LoadError("it does not attest devices of this seed; start both with the same --seed")
