"""The result of a scenario: frozen, convertible to JSON, and the same bytes for the same seed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from text_input.printable import counted


class Status(StrEnum):
    """How a scenario, a step or an expectation ended."""

    PASSED = "passed"
    FAILED = "failed"
    """An expectation did not hold."""
    ERROR = "error"
    """A step could not be done."""
    SKIPPED = "skipped"
    """The file says so, or it needs something that this server does not have."""
    EXPECTED_FAILURE = "expected-failure"
    """It failed, and the file says that it is expected to."""
    INTERNAL_ERROR = "internal-error"
    """A defect of this program, or its environment, stopped the scenario."""


BAD: Final = (Status.FAILED, Status.ERROR, Status.INTERNAL_ERROR)
"""The statuses that count as failures: of the exit code, `-x`, `--max-failures` and `--last-failed`."""


def counts_text(counts: Mapping[Status, int]) -> str:
    """The numbers of scenarios by their status, in words.

    >>> counts_text({Status.PASSED: 3, Status.ERROR: 2, Status.EXPECTED_FAILURE: 1})
    '3 passed, 2 errors, 1 expected-failure'
    """
    nouns = (Status.ERROR, Status.EXPECTED_FAILURE, Status.INTERNAL_ERROR)
    found = {status: counts.get(status, 0) for status in Status}
    return ", ".join(
        counted(number, status) if status in nouns else f"{number} {status}"
        for status, number in found.items()
        if number
    )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One member of an expectation that did not hold. `expected` and `actual` are JSON."""

    member: str
    expected: Any
    actual: Any


@dataclass(frozen=True, slots=True)
class ScreenShot:
    """A screen that a user saw, `at` seconds after the world began. `entry` is its number in the handset's timeline."""

    at: float
    entry: int
    id: str
    locale: str
    direction: str
    title: str
    body: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]
    symbol: str | None
    dark: bool
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class LockPeriod:
    """Seconds since the start of the world; `until` is None if the device is locked at the end."""

    since: float
    until: float | None


def lock_periods(screens: Iterable[ScreenShot]) -> Iterator[LockPeriod]:
    """The periods from a lock screen to the next other screen."""
    since: float | None = None
    for shot in screens:
        if shot.id == "locked" and since is None:
            since = shot.at
        elif shot.id != "locked" and since is not None:
            yield LockPeriod(since, shot.at)
            since = None
    if since is not None:
        yield LockPeriod(since, None)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """The sealed record of a handset was replaced, when its timeline had `entries` entries.

    `size` is the size of the record, and `content` its unsealed content. Both are None if the record was deleted;
    `content` is None for what the image of that moment has not sealed.
    """

    entries: int
    size: int | None
    content: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Tally:
    """For how many of the handsets `of` an expectation holds.

    `against` are the results of the first few handsets on the wrong side of its bounds, where it is outside of them:
    those for which it does not hold, or, if it holds for too many, those for which it does.
    """

    held: int
    of: int
    against: tuple["CheckResult", ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation of one handset, of several that are counted (`tally`), or of the world, where `handset` is None.

    `expected` is as in the file. `entries` is the length of the handset's timeline at that moment, `screen` the index
    in `screens` of its current screen.
    """

    kind: str
    handset: str | None
    expected: Any
    mismatches: tuple[Mismatch, ...] = ()
    entries: int = 0
    screen: int | None = None
    tally: Tally | None = None

    @property
    def holds(self) -> bool:
        """Whether it held."""
        return not self.mismatches

    @property
    def parts(self) -> tuple["CheckResult", ...]:
        """This result and, of handsets that are counted, those of the first few on the wrong side."""
        return (self, *self.tally.against) if self.tally else (self,)


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step. `line` is its line in the file, `text` the step in one line; times are seconds since the world began.

    `entries` has the length of each handset's timeline after the step.

    `file` is an included file that has it, by its path from the folder of the scenario; empty for the scenario's own.
    """

    line: int
    text: str
    note: str | None
    began: float
    ended: float
    status: Status
    judged: tuple[CheckResult, ...] = ()
    error: str | None = None
    entries: tuple[int, ...] = ()
    file: str = ""

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The expectations that did not hold; of a group, followed by those of some of its members."""
        return tuple(part for check in self.judged if not check.holds for part in check.parts)


@dataclass(frozen=True, slots=True)
class SetUpBefore:
    """Where and when a device was set up before the scenario; `at` is in seconds since the epoch."""

    place: str
    at: int


@dataclass(frozen=True, slots=True)
class HandsetResult:
    """One device: its images and places, its outcome, and its timeline.

    `profile` and `place` are the last of `profiles`, the images that it had, and of `places`, where it was.
    `timeline` has entries `at`, `who`, `what`, `detail`, with evidence in `detail.sent` and verdicts in
    `detail.received`, decoded and not verified. `brief` says that its entries have no `detail`, and that there are no
    screens; most members of a `group` are brief. Without details,
    `records` of a scenario that passed is empty, as is that of brief members.
    """

    name: str
    profile: str
    place: str
    outcome: str
    timeline: tuple[dict[str, Any], ...]
    screens: tuple[ScreenShot, ...]
    activated: SetUpBefore | None
    profiles: tuple[str, ...]
    places: tuple[str, ...]
    locked: tuple[LockPeriod, ...] = ()
    records: tuple[RecordChange, ...] = ()
    group: str | None = None
    brief: bool | None = None


@dataclass(frozen=True, slots=True)
class GroupResult:
    """A group of two or more handsets: their number, and how many have each outcome, image and place at the end."""

    name: str
    count: int
    outcomes: dict[str, int]
    profiles: dict[str, int]
    places: dict[str, int]

    def text(self) -> str:
        """The sum in words.

        >>> GroupResult("fleet", 3, {"activated": 2, "locked": 1}, {"official-eea": 3}, {"paris": 3}).text()
        '3 handsets, 2 activated, 1 locked'
        """
        return ", ".join(
            [f"{self.count} handsets", *(f"{count} {word}" for word, count in self.outcomes.items())]
        )


_ABSENT: Final = {"tally": None, "group": None, "brief": None, "groups": ()}
"""Members that are left out of the JSON where they say nothing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Real time: when a scenario began, in seconds since the epoch, and the seconds that it took.

    `over_budget` says whether its processor time exceeds what its file allows.
    """

    began: float
    seconds: float
    processor_seconds: float
    over_budget: bool = False


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario that was run. `began` is when its world began, seconds since the epoch.

    `because` is the reason that the file has for a skip or an expected failure. `timing`, which differs from run to
    run, and the files that were `written`, each with the verb of its step, are no part of the result.
    """

    id: str
    file: str
    name: str
    about: str
    tags: tuple[str, ...]
    parameters: dict[str, str]
    seed: str
    status: Status
    began: int
    elapsed: float
    steps: tuple[StepResult, ...]
    handsets: tuple[HandsetResult, ...]
    audit: tuple[dict[str, Any], ...] = ()
    reproduce: str = ""
    error: str | None = None
    because: str | None = None
    timing: Timing | None = field(default=None, compare=False)
    groups: tuple[GroupResult, ...] = ()
    written: tuple[tuple[str, Path], ...] = field(default=(), compare=False)

    def as_json(self) -> dict[str, Any]:
        """All members of the result as JSON; those of groups only where there are groups."""
        members = asdict(self, dict_factory=_without_absent)
        del members["timing"], members["written"]
        return members


def _without_absent(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in members if name not in _ABSENT or value != _ABSENT[name]}
