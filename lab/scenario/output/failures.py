"""Failed scenarios, grouped by the place of the first failure."""

from dataclasses import dataclass, field
from typing import Final

from lab.scenario.engine.result import BAD, ScenarioResult, Status
from lab.scenario.output.explain import first_failure

GROUPS_MAX: Final = 40
"""The maximum number of groups."""

LISTED_MAX: Final = 8
"""The maximum number of scenarios that are listed in a group."""


@dataclass(frozen=True, slots=True)
class FailedScenario:
    """A scenario and its first failure."""

    id: str
    what: str


@dataclass
class FailureGroup:
    """Scenarios of one file with the first failure at the same place."""

    file: str
    status: Status
    where: str
    listed: list[FailedScenario] = field(default_factory=list)
    unlisted: int = 0


class Failures:
    """Groups in the order of their first failures; `ungrouped` counts the scenarios beyond the last group."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Status, str], FailureGroup] = {}
        self.ungrouped = 0

    @property
    def groups(self) -> list[FailureGroup]:
        """The groups."""
        return list(self._groups.values())

    def add(self, result: ScenarioResult) -> None:
        """Add a scenario if it failed."""
        if result.status not in BAD:
            return
        failure = first_failure(result)
        key = (result.file, result.status, failure.where)
        if key not in self._groups and len(self._groups) == GROUPS_MAX:
            self.ungrouped += 1
            return
        group = self._groups.setdefault(key, FailureGroup(*key))
        if len(group.listed) < LISTED_MAX:
            group.listed.append(FailedScenario(result.id, failure.what))
        else:
            group.unlisted += 1
