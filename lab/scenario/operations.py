"""What scenarios ask of those who run the server, as a port, and the one who runs the server of the scene."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from lab.lab_server import LabServer
from lab.policies import BEFORE, LANTERN
from lab.scenario.model.on_servers import IssueCode, OperatorStep
from server_stub.domain.policy import Policy
from server_stub.operator_desk import Act
from server_stub.policies import shipped
from server_stub.policy_desk import PolicyDesk
from server_stub.store.records import AuditQuery, Device
from wire.unlock import UnlockChallenge

BY: Final = "scenario"
"""The operator's name in the audit log."""

_ALL: Final = 1000


class CannotError(Exception):
    """A step that cannot be done here. `skips` tells that it is this server's doing, so the scenario is skipped."""

    def __init__(self, message: str, *, skips: bool = False) -> None:
        super().__init__(message)
        self.skips = skips


class Operations(Protocol):
    """Phones are named by their IMEI. What cannot be done raises CannotError, or an error of the server's own."""

    def decide(self, act: Act, imei: str, step: OperatorStep | None, reason: str) -> None:
        """Lock, unlock, release, or let the policy decide again."""
        ...

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        ...

    def put_in_force(self, policy: str, folder: Path, reason: str) -> None:
        """Let a policy decide: a shipped one, or a file in `folder`."""
        ...

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        ...

    def lift_campaign(self, name: str, reason: str) -> None:
        """End it."""
        ...

    def rotate_key(self) -> None:
        """Let a new verdict key take over."""
        ...

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs."""
        ...

    def restart(self) -> None:
        """Stop and start."""
        ...

    def backup(self) -> bytes:
        """The records."""
        ...

    def restore(self, records: bytes | None) -> None:
        """Go on with other records, or with none."""
        ...

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log, oldest first, with `subject` as the server has it."""
        ...

    def subject_of(self, imei: str) -> str:
        """What the audit log calls a phone."""
        ...

    def device(self, imei: str) -> Device | None:
        """What the server knows of a phone."""
        ...


def policy_named(name: str, folder: Path) -> Policy:
    """A shipped policy, or a file in `folder`. Raises PolicyError, OSError or KeyError."""
    own = {"open-2021-08": BEFORE, "lantern-open": LANTERN}
    if name in own:
        return Policy.parse(own[name], f"{name}.toml")
    if name.endswith(".toml"):
        return Policy.parse((folder / name).read_text("utf-8"), name)
    return shipped(name)


@dataclass(frozen=True, slots=True)
class LocalOperations:
    """Implements `Operations` at the desks of a server that the scene runs itself."""

    server: LabServer

    def decide(self, act: Act, imei: str, step: OperatorStep | None, reason: str) -> None:
        """Lock, unlock, release, or let the policy decide again."""
        desk = self.server.parts.operators(self.server.parts.store, BY)
        sub = self.subject_of(imei)
        desk.act(sub, act, reason=reason, case=step.case if step else None)

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        desk = self.server.parts.operators(self.server.parts.store, BY)
        code = desk.unlock_code(challenge, reason=step.reason, case=step.case, undelivered=step.undelivered)
        return code.token.encode()

    def put_in_force(self, policy: str, folder: Path, reason: str) -> None:
        """Let a policy decide: a shipped one, or a file in `folder`."""
        self._policies.adopt(policy_named(policy, folder), BY, reason)

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        self._policies.start_campaign(name, BY, reason)

    def lift_campaign(self, name: str, reason: str) -> None:
        """End it."""
        self._policies.lift_campaign(name, BY, reason)

    def rotate_key(self) -> None:
        """Let a new verdict key take over."""
        keys, parts = self.server.parts.keys, self.server.parts
        if keys is not None:
            keys.rotate(self._signing(), parts.store, at=None, reason=BY, by=BY)

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs."""
        keys, parts = self.server.parts.keys, self.server.parts
        if keys is not None:
            keys.revoke(self._signing(), parts.store, reason=BY, by=BY)

    def restart(self) -> None:
        """Stop and start."""
        self.server.restart()

    def backup(self) -> bytes:
        """The records."""
        return self.server.backup()

    def restore(self, records: bytes | None) -> None:
        """Go on with other records, or with none."""
        self.server.restore(records)

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log, oldest first."""
        found: list[dict[str, Any]] = []
        with self.server.parts.store.reading() as reading:
            cursor: str | None = None
            while True:
                page = reading.audit(AuditQuery(), after=cursor, limit=_ALL)
                found += [asdict(entry) for entry in page.items]
                cursor = page.next
                if cursor is None:
                    return sorted(found, key=lambda entry: int(entry["id"]))

    def subject_of(self, imei: str) -> str:
        """The pseudonym."""
        return self.server.service.operators.desk.pseudonyms.device(imei)

    def device(self, imei: str) -> Device | None:
        """What the server knows of a phone."""
        with self.server.parts.store.reading() as reading:
            return reading.device(self.subject_of(imei))

    @property
    def _policies(self) -> PolicyDesk:
        return self.server.parts.policies(self.server.parts.store)

    def _signing(self) -> str:
        keys = self.server.parts.keys
        found = next((key.kid for key in keys.list() if key.signs), None) if keys else None
        if found is None:
            raise CannotError("no verdict key signs now")
        return found
