"""What scenarios ask of the operators of a server, for a server of the simulation."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lab.backend.managed_server import LabServer
from lab.scenario.engine.result import CheckResult
from lab.scenario.model.named_files import policy_named
from lab.scenario.model.server_steps import IssueCode
from server_stub.admin.audit_export import entries
from server_stub.admin.devices import Act, DeviceAdmin
from server_stub.admin.keys import KeyAdmin
from server_stub.admin.policies import PolicyAdmin
from server_stub.store.records import AuditQuery
from wire.codes import Decision
from wire.unlock import UnlockChallenge

BY: Final = "scenario"
"""The name of the operator in the audit log."""


class StepError(Exception):
    """A step cannot be done. With `skips` the reason is the kind of server, and the scenario is skipped."""

    def __init__(self, message: str, *, skips: bool = False) -> None:
        super().__init__(message)
        self.skips = skips


class NotSeenError(StepError):
    """What a step waited for did not come; `checks` say what was there instead. The scenario fails."""

    def __init__(self, checks: tuple[CheckResult, ...]) -> None:
        super().__init__("what was waited for did not come")
        self.checks = checks


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """The server's record of a device. `locked` is whether its newest verdict locks it by now."""

    activation_territory: str | None
    sale_region: str
    override: Decision | None
    locked: bool


@dataclass(frozen=True, slots=True)
class LocalOperations:
    """Operates a server of the simulation. Devices are named by their IMEI.

    Every method can raise StepError or an error of the server's admin functions.
    """

    server: LabServer

    def decide(self, act: Act, imei: str, case: str | None, reason: str) -> None:
        """Lock, unlock or release a device, or let the policy decide again."""
        self._devices.act(self.subject_of(imei), act, reason=reason, case=case)

    def issue_code(self, challenge: UnlockChallenge, step: IssueCode) -> bytes:
        """An unlock code for a challenge."""
        code = self._devices.unlock_code(
            challenge, reason=step.reason, case=step.case, undelivered=step.undelivered
        )
        return code.token.encode()

    def put_in_force(self, policy: str, folder: Path, reason: str) -> None:
        """Put a policy in force: a shipped one, or a file in `folder`."""
        self._policies.adopt(policy_named(policy, folder), BY, reason)

    def start_campaign(self, name: str, reason: str) -> None:
        """Begin a campaign."""
        self._policies.start_campaign(name, BY, reason)

    def lift_campaign(self, name: str, reason: str) -> None:
        """Lift a campaign."""
        self._policies.lift_campaign(name, BY, reason)

    def rotate_key(self) -> None:
        """Replace the verdict key that signs by a new one."""
        keys, kid = self._signing_key()
        keys.rotate(kid, self.server.parts.store, at=None, reason=BY, by=BY)

    def revoke_key(self) -> None:
        """Revoke the verdict key that signs."""
        keys, kid = self._signing_key()
        keys.revoke(kid, self.server.parts.store, reason=BY, by=BY)

    def signing_kid(self) -> str:
        """The name of the verdict key that signs. Raises StepError if none does."""
        return self._signing_key()[1]

    def root(self) -> bytes:
        """The newest root of the key repository."""
        return self.server.repository.root()

    def replace_online_keys(self) -> None:
        """Publish a root that names new online keys."""
        self.server.replace_online_keys(BY, BY)

    def accept_clock(self, reason: str) -> None:
        """Accept the server's clock as it is."""
        self.server.accept_clock(reason, BY)

    def restart(self) -> None:
        """Stop and start the server."""
        self.server.restart()

    def backup(self) -> bytes:
        """A copy of the records."""
        return self.server.backup()

    def restore(self, records: bytes | None) -> None:
        """Continue with other records, or with none."""
        self.server.restore(records)

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit log, oldest first."""
        found = sorted(entries(self.server.parts.store, AuditQuery()), key=lambda entry: int(entry.id))
        return list(map(asdict, found))

    def subject_of(self, imei: str) -> str:
        """The pseudonym of a device."""
        return self._devices.context.pseudonyms.device(imei)

    def device(self, imei: str) -> DeviceRecord | None:
        """The record of a device, or None."""
        with self.server.parts.store.reading() as reading:
            device = reading.device(self.subject_of(imei))
        if device is None:
            return None
        locked = device.locks_at is not None and device.locks_at <= self.server.parts.clock()
        return DeviceRecord(
            device.activation.territory if device.activation else None,
            device.sale_region,
            device.override.decision if device.override else None,
            locked,
        )

    @property
    def _devices(self) -> DeviceAdmin:
        return self.server.parts.device_admin(self.server.parts.store, BY)

    @property
    def _policies(self) -> PolicyAdmin:
        return self.server.parts.policy_admin(self.server.parts.store)

    def _signing_key(self) -> tuple[KeyAdmin, str]:
        keys = self.server.parts.keys
        kid = (
            next((key.kid for key in keys.list(self.server.parts.store) if key.signs), None) if keys else None
        )
        if keys is None or kid is None:
            raise StepError("no verdict key signs now")
        return keys, kid
