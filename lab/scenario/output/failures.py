"""Failed scenarios, grouped by the place of the first failure."""

from dataclasses import dataclass, field
from typing import Final

from lab.scenario.engine.result import BAD, ScenarioResult, Status
from lab.scenario.output.explain import first_failure

GROUPS_MAX: Final = 40
"""The maximum number of groups."""

LISTED_MAX: Final = 8
"""The maximum number of scenarios that are listed in a group."""


@dataclass
class FailureGroup:
    """Scenarios of one file with the first failure at the same place; of those in `listed`, the id and what failed."""

    file: str
    status: Status
    where: str
    listed: list[tuple[str, str]] = field(default_factory=list)
    unlisted: int = 0


class Failures:
    """Groups in the order of their first failures; `ungrouped` counts the scenarios beyond the last group."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, Status, str], FailureGroup] = {}
        self.ungrouped = 0

    def add(self, result: ScenarioResult) -> None:
        """Add a scenario if it failed."""
        if result.status not in BAD:
            return
        failure = first_failure(result)
        key = (result.file, result.status, failure.where)
        if key not in self.groups and len(self.groups) == GROUPS_MAX:
            self.ungrouped += 1
            return
        group = self.groups.setdefault(key, FailureGroup(*key))
        if len(group.listed) < LISTED_MAX:
            group.listed.append((result.id, failure.what))
        else:
            group.unlisted += 1
