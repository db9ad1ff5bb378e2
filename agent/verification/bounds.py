"""The bounds of the time, which only the TUF timestamp role moves.

A timestamp lives for at most `limits.TIMESTAMP_LIFETIME`, so it was signed at its expiry less this time or later: that
is the floor. The floor only rises, except by a retraction: the timestamp carries a greater clock number, or the newest
root no longer lists a key that the timestamp role had. So neither a wrong clock of the server nor a stolen timestamp
key moves it permanently. A verdict is accepted from `limits.LIFETIME_MAX` before the floor up to the ceiling, which is
the expiry of the timestamp plus `limits.SKEW`.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class TimestampBounds:
    """What one timestamp shows, or what the timestamps of accepted verdicts have shown together.

    `floor` is in seconds since the epoch. `clock` is the member `wire.key_repository.CLOCK` of the timestamp, `root`
    the version of the newest root, `signers` the ids of the keys that this root lists for the timestamp role. Without
    a key repository, `clock` and `root` are 0 and there are no `signers`.
    """

    floor: int = 0
    clock: int = 0
    root: int = 0
    signers: tuple[str, ...] = ()

    def retracts(self, known: Self) -> bool:
        """Whether this timestamp lowers the floor of `known`. It does not if no timestamp has set that one."""
        removed = not frozenset(known.signers) <= frozenset(self.signers)
        return known.root > 0 and (self.clock > known.clock or removed)

    def rolls_back(self, known: Self) -> bool:
        """Whether this timestamp, or its root, is older than what `known` has shown."""
        return self.root < known.root or (self.clock < known.clock and not self.retracts(known))

    def later(self, passed: int) -> Self:
        """These bounds `passed` seconds later: the floor advances with the time that passes, including sleep."""
        return replace(self, floor=self.floor + passed)

    def after(self, known: Self) -> Self:
        """The bounds when this timestamp has followed `known`; the floors are those of one instant.

        >>> TimestampBounds(floor=100, clock=1, root=1).after(TimestampBounds(floor=500, clock=1, root=1)).floor
        500
        >>> TimestampBounds(floor=100, clock=2, root=1).after(TimestampBounds(floor=500, clock=1, root=1)).floor
        100
        """
        return self if self.retracts(known) else replace(self, floor=max(known.floor, self.floor))
