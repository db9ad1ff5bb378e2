"""What the caller of the service observes while evidence is judged: the steps, and the rate of each device.

The service calls a `RequestObserver`; measuring time and limiting rates is up to the caller.
"""

from enum import StrEnum
from typing import Final, Protocol


class JudgingStep(StrEnum):
    """The steps of judging in their order. `STORE` is the transaction without `DECIDE` and `SIGN` inside it."""

    READ = "read"
    CHALLENGE = "challenge"
    CHAIN = "chain"
    SIGNATURE = "signature"
    APPRAISE = "appraise"
    JUDGE = "judge"
    DECIDE = "decide"
    SIGN = "sign"
    STORE = "store"


class RateExceededError(Exception):
    """The device exceeds its rate. `retry_after` is in seconds, 1 or more."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry in {retry_after} s")
        self.retry_after = retry_after


class RequestObserver(Protocol):
    """Observes one request."""

    def record_step(self, step: JudgingStep) -> None:
        """Called when `step`, or a part of it, has ended; it began at the previous call."""

    def check_rate(self, sub: str) -> None:
        """Called when the device with this pseudonym has proved its identity. Raises RateExceededError."""


class _NullObserver:
    def record_step(self, step: JudgingStep) -> None:
        pass

    def check_rate(self, sub: str) -> None:
        pass


NULL_OBSERVER: Final[RequestObserver] = _NullObserver()
"""Records nothing and has no rate limit."""
