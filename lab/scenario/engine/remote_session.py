"""The use of a running server by one scenario: its policies, its campaigns, and the test clock of a lab.

The world of a scenario keeps its own dates. The test clock only goes forward, so the server lives `shift` seconds
later: it is moved before each request, and the times in policies are later by as much. Versions of policies only rise,
so those of the scenario are `floor` higher. Campaigns get names of their own, because what operators declare outlives
a policy.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agent.ports import Answer
from lab.api.clock import MOVED
from lab.world.network import ForwardingTransport, UpstreamTransport
from server_stub.admin.policies import renumbered

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


@dataclass
class RemoteSession:
    """`clock` is the time of the server by the dates of the scenario; it began at `began` by its own.

    `move` moves the test clock of a lab; it is None for a server without one, whose time is that of the scenario.
    """

    clock: Callable[[], int]
    began: int
    floor: int
    move: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        self.shift = self.began - self.clock() if self.move else 0
        self._shown = 0

    def follow(self) -> None:
        """Move the test clock to the time of the scenario. The server is ahead by the real time that passes."""
        if self.move is not None and (now := self.clock() + self.shift) > self._shown:
            self._shown = now
            self.move(now)

    def campaign(self, name: str) -> str:
        """The name of a campaign of the scenario on the server."""
        return f"{name}-{self.floor}"

    def policy(self, text: str) -> str:
        """The document of a policy as the server gets it."""
        document = tomllib.loads(text)
        for campaign in document.get("campaigns", ()):
            quoted = rf"(?<=[\"']){re.escape(campaign['id'])}(?=[\"'])"
            text = re.sub(quoted, self.campaign(campaign["id"]), text)
        if self.shift:
            text = _TIME.sub(lambda found: self._later(found[0]), text)
        return renumbered(text, document["version"] + self.floor)

    def entries(self, audit: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The audit entries of the scenario, with its names of campaigns."""
        suffix = f"-{self.floor}"
        return [
            {**entry, "subject": entry["subject"].removesuffix(suffix)}
            for entry in audit
            if entry["action"] not in (MOVED, "policy.put")
        ]

    def _later(self, time: str) -> str:
        moved = datetime.fromisoformat(time.upper()) + timedelta(seconds=self.shift)
        return moved.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class FollowedTransport(ForwardingTransport):
    """Moves the test clock before each request."""

    upstream: UpstreamTransport
    session: RemoteSession

    def _carry(self, method: str, path: str, send: Callable[[UpstreamTransport], Answer]) -> Answer:  # noqa: ARG002
        self.session.follow()
        return send(self.upstream)
