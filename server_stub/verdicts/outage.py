"""Why a server cannot serve devices now, by name."""

from enum import StrEnum
from typing import Final

from server_stub.clock import RETRY_AFTER, ClockError, ClockFault
from server_stub.key_repository import KeyRepositoryError, RepositoryFault
from server_stub.store.records import StoreFault, StoreUnavailableError


class Outage(StrEnum):
    """Stable codes of `/readyz`, of the log and of the metrics."""

    STORE_FULL = StoreFault.FULL.value
    STORE_LOCKED = StoreFault.LOCKED.value
    STORE_READ_ONLY = StoreFault.READ_ONLY.value
    STORE_UNAVAILABLE = StoreFault.UNAVAILABLE.value
    CLOCK_STEPPED = ClockFault.STEPPED.value
    CLOCK_BEHIND = ClockFault.BEHIND.value
    CLOCK_OUT_OF_RANGE = ClockFault.OUT_OF_RANGE.value
    KEYS_CANNOT_SIGN = "keys-cannot-sign"
    KEYS_UNPUBLISHED = "keys-unpublished"
    STATUS_LIST_UNUSABLE = "status-list-unusable"

    @property
    def detail(self) -> str:
        """What devices and operators read."""
        return f"{self.value}: {_DETAILS[self]}; retry later"

    @property
    def retry_after(self) -> int | None:
        """Seconds after which the same request may do better; None for the usual time."""
        return RETRY_AFTER if self in _CLOCK else None


_CLOCK: Final = frozenset(Outage(fault.value) for fault in ClockFault)
_DETAILS: Final = {
    Outage.STORE_FULL: "the store has no space",
    Outage.STORE_LOCKED: "another program uses the store, or it does not respond in time",
    Outage.STORE_READ_ONLY: "the store cannot be written",
    Outage.STORE_UNAVAILABLE: "the store is not available",
    **dict.fromkeys(_CLOCK, "the server's clock is wrong"),
    Outage.KEYS_CANNOT_SIGN: "no key may sign now",
    Outage.KEYS_UNPUBLISHED: "the keys cannot be published now",
    Outage.STATUS_LIST_UNUSABLE: "the revocation status list cannot be used",
}


OUTAGE_ERRORS: Final = (StoreUnavailableError, ClockError, KeyRepositoryError)


def outage_of(error: StoreUnavailableError | ClockError | KeyRepositoryError) -> Outage:
    """The outage that `error` shows."""
    if isinstance(error, KeyRepositoryError):
        unsigned = error.fault is RepositoryFault.NO_ACTIVE_KEY
        return Outage.KEYS_CANNOT_SIGN if unsigned else Outage.KEYS_UNPUBLISHED
    return Outage(error.fault.value)
