"""How a request names a world of a server of the lab, and the time there."""

import re
from dataclasses import dataclass
from typing import Final, Self

WORLDS: Final = "/lab/v1/worlds"
"""Where worlds are made, restarted and removed."""

WORLD_HEADER: Final = "Activation-Lab-World"
CLOCK_HEADER: Final = "Activation-Lab-Clock"

_TIME: Final = re.compile(r"(\d{1,11}(?:\.\d{1,6})?)(?:;ahead=(-?\d{1,10}))?(?:;skew=(-?\d{1,10}))?")


@dataclass(frozen=True, slots=True)
class WorldTime:
    """The clocks of a world. `now` is the true time in seconds since the epoch, which only grows.

    `ahead` is the error of the machine's wall clock in seconds, and `skew` an error that the server cannot notice.

    >>> WorldTime.parse("1631102400.5;ahead=-60")
    WorldTime(now=1631102400.5, ahead=-60, skew=0)
    >>> str(WorldTime(1631102400.5, -60))
    '1631102400.5;ahead=-60;skew=0'
    """

    now: float
    ahead: int = 0
    skew: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The value of the header `Activation-Lab-Clock`. Raises ValueError."""
        found = _TIME.fullmatch(text)
        if found is None:
            raise ValueError(f"{CLOCK_HEADER} is seconds, for example 1631102400.5;ahead=3600;skew=-600")
        now, ahead, skew = found.groups(default="0")
        return cls(float(now), int(ahead), int(skew))

    def __str__(self) -> str:
        return f"{self.now:.6f}".rstrip("0").rstrip(".") + f";ahead={self.ahead};skew={self.skew}"
