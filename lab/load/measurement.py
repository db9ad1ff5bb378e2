"""What a load measures: responses, processor time of both sides, and the signatures of a verdict."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import process_time
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_p256
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from prometheus_client.parser import text_string_to_metric_families

from lab.load.connections import LoadResponse
from wire import media

_PROCESSOR: Final = "activation_processor_seconds_total"
_VERDICTS: Final = "activation_verdicts_total"


@dataclass
class LoadTally:
    """Responses of a run. `begin` and `end` are times by `perf_counter`; `errors` are by status and code."""

    begin: float = 0.0
    end: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, response: LoadResponse) -> bool:
        """Count a response to evidence. Returns whether it is a verdict."""
        self.end = response.at
        is_verdict = response.status == 200 and response.media_type == media.VERDICT
        if is_verdict:
            self.latencies.append(response.seconds)
        else:
            self.errors[response.status, response.code] += 1
        return is_verdict

    @property
    def seconds(self) -> float:
        """The time up to the last response."""
        return max(0.0, self.end - self.begin)

    def percentile(self, share: float) -> float | None:
        """The latency in seconds that this share of the verdicts did not exceed (nearest rank); None without any."""
        ranked = sorted(self.latencies)
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """Counters of a server: its processor time in seconds, and its verdicts."""

    processor: float
    verdicts: float

    @classmethod
    def of(cls, response: LoadResponse | None) -> "ServerUsage":
        """The counters in the response of `/metrics`, summed over labels. Raises UsageUnknownError."""
        if response is None:
            raise UsageUnknownError("/metrics was not answered")
        if response.status != 200:
            raise UsageUnknownError(f"/metrics was answered with status {response.status}")
        sums: defaultdict[str, float] = defaultdict(float)
        try:
            for family in text_string_to_metric_families(response.body.decode()):
                for sample in family.samples:
                    sums[sample.name] += sample.value
        except (ValueError, LookupError) as error:
            raise UsageUnknownError("/metrics is not Prometheus text") from error
        if _PROCESSOR not in sums:
            raise UsageUnknownError(f"/metrics has no {_PROCESSOR}")
        return cls(sums[_PROCESSOR], sums[_VERDICTS])

    def seconds_a_verdict(self, after: "ServerUsage", received: int) -> float:
        """Processor seconds for each verdict since this reading, of which the client received `received`.

        Raises UsageUnknownError if the counters began again or are those of another server.
        """
        verdicts, spent = after.verdicts - self.verdicts, after.processor - self.processor
        if verdicts < received or spent <= 0:
            raise UsageUnknownError(
                "/metrics counted fewer verdicts than were received: the server restarted, or it is one of several"
            )
        if not verdicts:
            raise UsageUnknownError("no verdict was received")
        return spent / verdicts


class UsageUnknownError(Exception):
    """The metrics do not say what a verdict costs the server; the message gives the reason."""


def signature_timer(calls: int = 20) -> Callable[[], float]:
    """A function that returns the processor seconds of the signatures of one verdict, averaged over `calls`.

    They are the least that a verdict costs: two ES256 verifications, of the leaf certificate and of the evidence, and
    one Ed25519 signature, of the verdict.
    """
    message, es256 = b"x" * 1024, ECDSA(SHA256())
    private, signer = generate_p256(SECP256R1()), Ed25519PrivateKey.generate()
    public, signature = private.public_key(), private.sign(message, es256)

    def seconds() -> float:
        begin = process_time()
        for _ in range(calls):
            public.verify(signature, message, es256)
            public.verify(signature, message, es256)
            signer.sign(message)
        return (process_time() - begin) / calls

    return seconds
