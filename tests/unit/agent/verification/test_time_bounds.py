"""The bounds of the time: what one timestamp does to those before."""

import itertools

from agent.verification.bounds import TimestampBounds

EACH = [
    TimestampBounds(floor, clock, root, signers)
    for floor in (100, 200)
    for clock in (0, 1)
    for root in (1, 2)
    for signers in ((), ("a",), ("b",), ("a", "b"))
]


def test_floor_decreases_only_by_a_greater_clock_number_or_a_removed_key() -> None:
    for known, seen in itertools.product(EACH, EACH):
        removed = any(key not in seen.signers for key in known.signers)
        retracted = seen.clock > known.clock or removed
        after = seen.after(known)
        assert after.floor == (seen.floor if retracted else max(known.floor, seen.floor))
        assert (after.clock, after.root, after.signers) == (seen.clock, seen.root, seen.signers)
        assert seen.rolls_back(known) is (
            seen.root < known.root or (seen.clock < known.clock and not removed)
        )


def test_first_timestamp_does_not_lower_the_build_date() -> None:
    for seen in EACH:
        assert not seen.rolls_back(TimestampBounds())
        assert seen.after(TimestampBounds(150)).floor == max(150, seen.floor)
