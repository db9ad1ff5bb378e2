"""Counts the handsets for which an expectation holds, and compares the number with the bounds in the file."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

from lab.scenario.engine.result import CheckResult, Mismatch, Tally
from lab.scenario.model.groups import NAMED_MAX, some_names


def tally(
    subject: str, bounds: tuple[Fraction, Fraction], checks: Mapping[str, Sequence[CheckResult]]
) -> CheckResult:
    """The result of an expectation for `subject`, from the results of each of its handsets."""
    count = len(checks)
    failed = {name: [each for each in found if not each.holds] for name, found in checks.items()}
    held = [name for name, found in failed.items() if not found]
    least, most = bounds
    expected = {each.kind: each.expected for each in next(iter(checks.values()))}
    if least <= len(held) <= most:
        return CheckResult("handsets", subject, expected, tally=Tally(len(held), count))
    if len(held) > most:
        against = [checks[name][0] for name in held[:NAMED_MAX]]
        actual = f"{len(held)} of {count}: {some_names(held)}"
    else:
        missing = {name: found for name, found in failed.items() if found}
        against = [each for found in list(missing.values())[:NAMED_MAX] for each in found]
        names = [f"{name} ({', '.join(each.kind for each in found)})" for name, found in missing.items()]
        actual = f"{len(held)} of {count}; not {some_names(names)}"
    mismatch = Mismatch("handsets", bounds_text(least, most, count), actual)
    return CheckResult(
        "handsets", subject, expected, (mismatch,), tally=Tally(len(held), count, tuple(against))
    )


def bounds_text(least: Fraction, most: Fraction, count: int) -> str:
    """The numbers between two bounds of `count` handsets, in words.

    >>> bounds_text(Fraction(297, 2), Fraction(150), 150), bounds_text(Fraction(0), Fraction(0), 9)
    ('at least 149 of 150', 'none of 9')
    """
    low, high = ceil(least), floor(most)
    if low == count or high == 0:
        return f"all {count}" if low else f"none of {count}"
    parts = [f"at least {low}"] if low else []
    parts += [f"at most {high}"] if high < count else []
    return f"{' and '.join(parts)} of {count}"
