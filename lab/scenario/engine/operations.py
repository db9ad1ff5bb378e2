"""What scenarios ask of those who run the server, as a port, and the one who runs the server of the scene."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from lab.backend.managed_server import LabServer
from lab.manufacturer.policies import BEFORE, LANTERN
from lab.scenario.model.server_steps import IssueCode, OperatorStep
from server_stub import policies
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act
from server_stub.admin.policies import PolicyAdmin
from server_stub.policy.policy import Policy
from server_stub.store.records import AuditQuery
from text_input.suggestions import suggestion
from wire.codes import Decision
from wire.unlock import UnlockChallenge

BY: Final = "scenario"
"""The operator's name in the audit log."""

_ALL: Final = 1000


class CannotError(Exception):
    """A step that cannot be done here. `skips` tells that it is this server's doing, so the scenario is skipped."""

    def __init__(self, message: str, *, skips: bool = False) -> None:
        super().__init__(message)
        self.skips = skips


@dataclass(frozen=True, slots=True)
class Known:
    """What a server knows of a phone. `locked` is whether its newest verdict locks it by now."""

    activation_territory: str | None
    sale_region: str
    override: Decision | None
    locked: bool


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

    def device(self, imei: str) -> Known | None:
        """What the server knows of a phone."""
        ...


def policy_text(name: str, folder: Path) -> str:
    """The document of a shipped policy, or of a file in `folder`. Raises CannotError with the nearest name."""
    own = {"open-2021-08": BEFORE, "lantern-open": LANTERN}
    if name in own:
        return own[name]
    try:
        return (folder / name).read_text("utf-8") if name.endswith(".toml") else policies.read(name)
    except OSError:
        known = [*policies.names(), *own, *(file.name for file in folder.glob("*.toml"))]
        raise CannotError(f"no policy is called {name!r}; {suggestion(name, known)}") from None


def policy_named(name: str, folder: Path) -> Policy:
    """The policy of that document. Raises PolicyError and CannotError."""
    return Policy.parse(policy_text(name, folder), f"{name.removesuffix('.toml')}.toml")


@dataclass(frozen=True, slots=True)
class LocalOperations:
    """Implements `Operations` at the desks of a server that the scene runs itself."""

    server: LabServer

    def decide(self, act: Act, imei: str, step: OperatorStep | None, reason: str) -> None:
        """Lock, unlock, release, or let the policy decide again."""
        desk = self.server.parts.device_admin(self.server.parts.store, BY)
        sub = self.subject_of(imei)
        desk.act(sub, act, reason=reason, case=step.case if step else None)

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        desk = self.server.parts.device_admin(self.server.parts.store, BY)
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
        return device_admin(self.server.service).context.pseudonyms.device(imei)

    def device(self, imei: str) -> Known | None:
        """What the server knows of a phone."""
        with self.server.parts.store.reading() as reading:
            device = reading.device(self.subject_of(imei))
        if device is None:
            return None
        locked = device.locks_at is not None and device.locks_at <= self.server.parts.clock()
        return Known(
            device.activation.territory if device.activation else None,
            device.sale_region,
            device.override.decision if device.override else None,
            locked,
        )

    @property
    def _policies(self) -> PolicyAdmin:
        return self.server.parts.policy_admin(self.server.parts.store)

    def _signing(self) -> str:
        keys = self.server.parts.keys
        found = next((key.kid for key in keys.list() if key.signs), None) if keys else None
        if found is None:
            raise CannotError("no verdict key signs now")
        return found
