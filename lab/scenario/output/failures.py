"""What did not pass, those together that fail at the same place: a night's hundred failures are mostly one or two."""

from dataclasses import dataclass, field
from typing import Final

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.output.explain import first_wrong

GROUPS: Final = 40
"""So many places are named at most."""

LISTED: Final = 8
"""So many scenarios are named for each."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One scenario, and the first thing in it that was wrong."""

    id: str
    what: str


@dataclass
class Group:
    """Scenarios of one file that fail first at the same place."""

    file: str
    status: Status
    where: str
    listed: list[Failure] = field(default_factory=list)
    unlisted: int = 0

    def add(self, failure: Failure) -> None:
        """One more."""
        if len(self.listed) < LISTED:
            self.listed.append(failure)
        else:
            self.unlisted += 1


class Failures:
    """Groups in the order of their first failures; `elsewhere` counts what no group had room for."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Status, str], Group] = {}
        self.elsewhere = 0

    @property
    def groups(self) -> list[Group]:
        """The groups."""
        return list(self._groups.values())

    def add(self, result: ScenarioResult) -> None:
        """Take note of a scenario if it did not pass."""
        if result.status in (Status.PASSED, Status.SKIPPED):
            return
        wrong = first_wrong(result)
        key = (result.file, result.status, wrong.where)
        if key not in self._groups and len(self._groups) == GROUPS:
            self.elsewhere += 1
            return
        self._groups.setdefault(key, Group(*key)).add(Failure(result.id, wrong.what))
