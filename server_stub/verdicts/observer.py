"""What the caller of the service may watch while evidence is judged: the steps, and whether the phone may ask so often.

The service calls an `RequestObserver`; how long a step took and how often is too often are the caller's to know.
"""

from enum import StrEnum
from typing import Final, Protocol


class JudgingStep(StrEnum):
    """A part of judging, in the order in which they happen.

    `STORE` is the transaction without what is done inside it: `DECIDE` and `SIGN`.
    """

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
    """This phone asks too often. `retry_after` is in seconds, 1 or more."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"ask again in {retry_after} s")
        self.retry_after = retry_after


class RequestObserver(Protocol):
    """Watches one request."""

    def record_step(self, step: JudgingStep) -> None:
        """What happened since the last call, or since the beginning, was `step`. A step may come in several parts."""
        ...

    def check_rate(self, sub: str) -> None:
        """Called once the phone with this pseudonym has proved who it is. Raises RateExceededError."""
        ...


class _NullObserver:
    def record_step(self, step: JudgingStep) -> None:
        pass

    def check_rate(self, sub: str) -> None:
        pass


NULL_OBSERVER: Final[RequestObserver] = _NullObserver()
"""Watches nothing and admits everybody."""
