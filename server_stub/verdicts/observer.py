"""What the caller of the service observes while evidence is judged: the steps, and the rate of each device.

The service calls a `RequestObserver`; measuring time and limiting rates is up to the caller.
"""

from enum import StrEnum
from typing import Final, Protocol


class JudgingStep(StrEnum):
    """The steps of judging, in the order in which they begin.

    `WAIT` is the time in the queue and while others of the group are judged. `STORE` is the transaction without
    `DECIDE`, `SIGN` and `COMMIT`, for which all of the group wait together.
    """

    WAIT = "wait"
    READ = "read"
    CHALLENGE = "challenge"
    CHAIN = "chain"
    SIGNATURE = "signature"
    APPRAISE = "appraise"
    JUDGE = "judge"
    DECIDE = "decide"
    SIGN = "sign"
    STORE = "store"
    COMMIT = "commit"


class RateExceededError(Exception):
    """A rate is exceeded. `retry_after` is in seconds, 1 or more; `detail` says whose rate."""

    def __init__(self, retry_after: int, detail: str) -> None:
        super().__init__(f"{detail}; retry in {retry_after} s")
        self.retry_after = retry_after
        self.detail = detail


class RequestObserver(Protocol):
    """Observes one request."""

    def record_step(self, step: JudgingStep) -> None:
        """Called when `step`, or a part of it, has ended; it began at the previous call."""

    def check_rate(self, sub: str) -> None:
        """Called when the device with this pseudonym has proved its identity. Raises RateExceededError."""

    def check_unattested(self) -> None:
        """Called when it is known that the evidence identifies no device or is rejected, perhaps more than once.

        Raises RateExceededError.
        """


class _NullObserver:
    def record_step(self, step: JudgingStep) -> None:
        pass

    def check_rate(self, sub: str) -> None:
        pass

    def check_unattested(self) -> None:
        pass


NULL_OBSERVER: Final[RequestObserver] = _NullObserver()
"""Records nothing and has no rate limit."""
