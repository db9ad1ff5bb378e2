"""When a key may be used, held against what is known of the time. All times are seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeGuard

from wire import limits


class TimeBounds(NamedTuple):
    """What is known of the time: it is `earliest` or later, and `latest` or earlier.

    `latest` is None where the time may be any later one: at first contact, or after a reboot.
    """

    earliest: int
    latest: int | None


class ValidityViolation(Enum):
    """Why a key may not be used at a time."""

    NOT_YET = "not-yet"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Validity:
    """From when and until when a key may be used: at `begins`, no longer at `ends`. None sets no bound.

    >>> Validity(begins=100, ends=200).lapse(TimeBounds(199, 201)) is None
    True
    >>> Validity(begins=100, ends=200).lapse(TimeBounds(200, None))
    <ValidityViolation.OVER: 'over'>
    """

    begins: int | None = None
    ends: int | None = None

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "Validity | None":
        """Read `nbf` and `exp` as RFC 7519 defines them for claims, integers only. None where they are malformed."""
        given = {name: jwk[name] for name in ("nbf", "exp") if name in jwk}
        times = {name: time for name, time in given.items() if _is_time(time)}
        if times != given:
            return None
        begins, ends = times.get("nbf"), times.get("exp")
        # A period that is empty was meant otherwise.
        if begins is not None and ends is not None and ends <= begins:
            return None
        return cls(begins, ends) if given else ALWAYS

    def lapse(self, time: TimeBounds) -> ValidityViolation | None:
        """Why the key may not be used, or None where the time may lie within the period."""
        if self.ends is not None and time.earliest >= self.ends:
            return ValidityViolation.OVER
        if self.begins is not None and time.latest is not None and time.latest < self.begins:
            return ValidityViolation.NOT_YET
        return None


def _is_time(value: object) -> TypeGuard[int]:
    """Whether `value` is an integer in range; booleans are none."""
    return type(value) is int and 0 <= value <= limits.INTEGER_MAX


ALWAYS: Final = Validity()
"""The validity of a key that says nothing of it."""
