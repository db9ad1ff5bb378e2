"""The validity period of a key. All times are in seconds since the epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeGuard

from wire import limits


class TimeBounds(NamedTuple):
    """What is known of the time: it is `earliest` or later, and `latest` or earlier. None means no upper bound."""

    earliest: int
    latest: int | None


class ValidityViolation(Enum):
    """Why a key is not valid at a time."""

    NOT_YET = "not-yet"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Validity:
    """The period in which a key is valid: from `begins`, before `ends`. None means no bound.

    >>> Validity(begins=100, ends=200).violation(TimeBounds(199, 201)) is None
    True
    >>> Validity(begins=100, ends=200).violation(TimeBounds(200, None))
    <ValidityViolation.OVER: 'over'>
    """

    begins: int | None = None
    ends: int | None = None

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "Validity | None":
        """Read `nbf` and `exp` as RFC 7519 defines them for claims, only integers. None if they are malformed."""
        given = {name: jwk[name] for name in ("nbf", "exp") if name in jwk}
        times = {name: time for name, time in given.items() if _is_time(time)}
        if times != given:
            return None
        begins, ends = times.get("nbf"), times.get("exp")
        # An empty period is certainly a mistake.
        if begins is not None and ends is not None and ends <= begins:
            return None
        return cls(begins, ends) if given else ALWAYS

    def violation(self, time: TimeBounds) -> ValidityViolation | None:
        """Why the key is not valid, or None if the time can be in the period."""
        if self.ends is not None and time.earliest >= self.ends:
            return ValidityViolation.OVER
        if self.begins is not None and time.latest is not None and time.latest < self.begins:
            return ValidityViolation.NOT_YET
        return None


def _is_time(value: object) -> TypeGuard[int]:
    """Whether `value` is an integer in range, and no boolean."""
    return type(value) is int and 0 <= value <= limits.INTEGER_MAX


ALWAYS: Final = Validity()
"""The validity of a key without `nbf` and `exp`."""
