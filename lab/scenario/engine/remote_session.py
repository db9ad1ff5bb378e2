"""The use of a running server by one scenario: a world of its own in a server of the lab, else what names it keeps.

A world begins with the scenario's policy, algorithm and time, and each request sets its clocks. Any other server has
its own clock, and versions of its policies only rise: those of the scenario are `floor` higher. Campaigns get names of
their own there, because what operators declare outlives a policy.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lab.api.world_time import CLOCK_HEADER, WORLD_HEADER, WorldTime
from server_stub.admin.policies import renumbered


@dataclass(frozen=True, slots=True)
class RemoteWorld:
    """The world `name` of a server of the lab. `time` returns the time of the scenario."""

    name: str
    time: Callable[[], WorldTime]

    def headers(self) -> dict[str, str]:
        """Headers of each request for the world."""
        return {WORLD_HEADER: self.name, CLOCK_HEADER: str(self.time())}


@dataclass(frozen=True, slots=True)
class RemoteSession:
    """The names of a scenario on a server that it shares with others."""

    floor: int

    def campaign(self, name: str) -> str:
        """The name of a campaign of the scenario on the server."""
        return f"{name}-{self.floor}"

    def policy(self, text: str) -> str:
        """The document of a policy as the server gets it."""
        document = tomllib.loads(text)
        for campaign in document.get("campaigns", ()):
            quoted = rf"(?<=[\"']){re.escape(campaign['id'])}(?=[\"'])"
            text = re.sub(quoted, self.campaign(campaign["id"]), text)
        return renumbered(text, document["version"] + self.floor)

    def entries(self, audit: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Audit entries with the scenario's names of campaigns."""
        suffix = f"-{self.floor}"
        return [{**entry, "subject": entry["subject"].removesuffix(suffix)} for entry in audit]
