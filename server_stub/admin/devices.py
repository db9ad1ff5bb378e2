"""Operator decisions about one device or many: lock, unlock, release, and unlock codes.

A decision overrides the policy until it is withdrawn. The device gets it with its next check-in or, if it is locked and
has no network, through an unlock code that a person carries to it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from server_stub.attestation.appraisal import Identity
from server_stub.policy.overrides import Override
from server_stub.policy.policy import Policy, PolicyInput
from server_stub.store.reading import Reading, every_device
from server_stub.store.records import AuditEntry, Device, DeviceQuery, VerdictRecord
from server_stub.store.transaction import Store, Transaction
from server_stub.territory.judgement import Judgement, JudgementStatus
from server_stub.verdicts.claims import VerdictContext, build_verdict
from server_stub.verdicts.service import SigningContext
from wire import limits
from wire.codes import Decision, Intent, TrustTier
from wire.unlock import UnlockChallenge
from wire.verdict import Verdict

MAXIMUM: Final = 10_000
"""The most devices that one call can change: other writes to the store wait meanwhile."""

LOCAL: Final = "local"
"""The actor of operations that do not come through the admin API."""


_NEXT_ANSWER: Final = "device.next-answer"


class Act(StrEnum):
    """What an operator can do about a device. All but `withdraw` decide its check-ins, whatever the policy says."""

    LOCK = "lock"
    UNLOCK = "unlock"
    RELEASE = "release"
    """The device gets a `release` verdict and stops contacting the server."""
    WITHDRAW = "withdraw"
    """The policy decides again, also the next answer."""


_DECISIONS: Final = {
    Act.LOCK: Decision.DENY,
    Act.UNLOCK: Decision.ALLOW,
    Act.RELEASE: Decision.RELEASE,
    Act.WITHDRAW: None,
}


class OperatorFault(StrEnum):
    """Why an operation was rejected."""

    DEVICE_UNKNOWN = "device-unknown"
    DEVICE_NOT_LOCKED = "device-not-locked"
    VERDICT_UNKNOWN = "verdict-unknown"


_ADVICE: Final = {
    OperatorFault.DEVICE_UNKNOWN: "no such device has contacted this server; check the number and the database",
    OperatorFault.DEVICE_NOT_LOCKED: "according to its newest verdict this device is not locked",
    OperatorFault.VERDICT_UNKNOWN: "this server has no verdict for this device; the device must go online",
}


class OperatorError(Exception):
    """The operation is not possible. `fault` is stable, `advice` says what to do."""

    def __init__(self, fault: OperatorFault) -> None:
        super().__init__(f"{fault}: {_ADVICE[fault]}")
        self.fault = fault
        self.advice = _ADVICE[fault]


class TooManyDevicesError(Exception):
    """The filter finds more devices than the call allows. Nothing was changed."""

    def __init__(self, maximum: int) -> None:
        super().__init__(
            f"the filter finds more than {maximum} devices; narrow it, or raise maximum, up to {MAXIMUM}"
        )


@dataclass(frozen=True, slots=True)
class UnlockCode:
    """A verdict that answers the challenge of a lock screen, as claims and as a token."""

    verdict: Verdict
    token: str


@dataclass(frozen=True, slots=True)
class DeviceAdmin:
    """Devices are identified by their IMEI, of which 14 digits count, or by their pseudonym `sub`.

    Every call is one transaction that appends an audit entry with the operator's `reason`, and raises OperatorError or
    StoreUnavailableError. Without `case` the device's own case number is used. `policy` returns the policy in force;
    `by` is the actor.
    """

    context: SigningContext
    store: Store
    policy: Callable[[Reading], Policy]
    by: str = LOCAL

    def act_on(self, imei: str, act: Act, *, reason: str, case: str | None = None) -> Device:
        """Do `act` to the device with this IMEI, and return its record."""
        return self.act(self.context.pseudonyms.device(imei), act, reason=reason, case=case)

    def act(self, sub: str, act: Act, *, reason: str, case: str | None = None) -> Device:
        """Do `act` to the device with this pseudonym, and return its record."""
        decision = _DECISIONS[act]
        with self.store.transaction() as transaction:
            known = self._known(transaction, sub)
            override = None if decision is None else self._override(known, decision, reason, case)
            device = replace(known, override=override)
            if act is Act.WITHDRAW:
                device = replace(device, next_answer=None)
            transaction.put_device(device)
            self._audit(transaction, f"device.{act}", device, reason, {})
        return device

    def act_on_all(  # noqa: PLR0913 - what to do to which devices, and why
        self,
        query: DeviceQuery,
        act: Act,
        maximum: int,
        *,
        reason: str,
        case: str | None = None,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Do `act` to all devices that `query` finds, or with `dry_run` nothing; return their pseudonyms.

        Raises TooManyDevicesError for more than `maximum`. The store must be a `NestedTransactionStore`, so that all
        devices are changed or none. Each device gets an audit entry, and the call gets one.
        """
        with self.store.transaction() as transaction:
            subs = tuple(device.sub for device in islice(every_device(transaction, query), maximum + 1))
            if len(subs) > maximum:
                raise TooManyDevicesError(maximum)
            if dry_run:
                return subs
            for sub in subs:
                self.act(sub, act, reason=reason, case=case)
            given = {name: value for name, value in asdict(query).items() if value is not None}
            details = {"filter": given, "devices": len(subs)}
            entry = AuditEntry(self.context.clock(), self.by, f"devices.{act}", "bulk", reason, details)
            transaction.append_audit(entry)
        return subs

    def decide_once(self, sub: str, decision: Decision, *, reason: str, case: str | None = None) -> Device:
        """Let `decision` answer the device's next request, before an override and the policy; return its record."""
        with self.store.transaction() as transaction:
            known = self._known(transaction, sub)
            device = replace(known, next_answer=self._override(known, decision, reason, case))
            transaction.put_device(device)
            self._audit(transaction, _NEXT_ANSWER, device, reason, {"decision": decision.value})
        return device

    def unlock_code(
        self, challenge: UnlockChallenge, *, reason: str, case: str | None = None, undelivered: int = 0
    ) -> UnlockCode:
        """The verdict that unlocks the device with this challenge. It is valid for 24 hours.

        It is recorded like an `unlock`, so the next check-in gives the same decision; a released device stays released.
        The code is bound to the key of the device's newest verdict over the network; `undelivered` is how many of the
        newest did not reach it. Whether a code arrives is unknown, so the device counts as locked until it checks in.
        """
        now = self.context.clock()
        with self.store.transaction() as transaction:
            signing_key = self.context.key(transaction)
            device = self._known(transaction, self.context.pseudonyms.device(challenge.imei14))
            if device.locks_at is None or now < device.locks_at:
                raise OperatorError(OperatorFault.DEVICE_NOT_LOCKED)
            key = transaction.key_of(device.sub, undelivered)
            if key is None:
                raise OperatorError(OperatorFault.VERDICT_UNKNOWN)
            override = device.override
            if (
                override is None or override.decision is not Decision.RELEASE
            ):  # a code does not undo a release
                override = self._override(device, Decision.ALLOW, reason, case)
            overridden = replace(device, override=override)
            verdict = self._verdict(overridden, override, self.policy(transaction), challenge, key)
            token = signing_key.sign(verdict)
            transaction.append_verdict(
                VerdictRecord(
                    verdict=verdict,
                    identity=Identity.ATTESTED,
                    inputs={},
                    appraisal={},
                    judgement={"status": JudgementStatus.UNKNOWN, "explanation": "an operator decided"},
                    token_digest=hashlib.sha256(token.encode()).hexdigest(),
                )
            )
            unlocked = replace(overridden, last_serial=verdict.serial)
            transaction.put_device(unlocked)
            self._audit(transaction, "device.unlock-code", unlocked, reason, {"serial": verdict.serial})
        return UnlockCode(verdict, token)

    def _known(self, transaction: Transaction, sub: str) -> Device:
        device = transaction.device(sub)
        if device is None:
            raise OperatorError(OperatorFault.DEVICE_UNKNOWN)
        return device

    def _override(self, device: Device, decision: Decision, reason: str, case: str | None) -> Override:
        number = case or self.context.pseudonyms.case(device.sub)
        return Override(decision, reason, number, self.context.clock())

    def _audit(
        self, transaction: Transaction, action: str, device: Device, reason: str, more: dict[str, Any]
    ) -> None:
        decision = device.next_answer if action == _NEXT_ANSWER else device.override
        case = {"case": decision.case} if decision else {}
        entry = AuditEntry(self.context.clock(), self.by, action, device.sub, reason, {**case, **more})
        transaction.append_audit(entry)

    def _verdict(
        self, device: Device, override: Override, policy: Policy, challenge: UnlockChallenge, key: str
    ) -> Verdict:
        context = self.context
        verdict_context = VerdictContext(
            issuer=context.issuer,
            audience=context.audience,
            sub=device.sub,
            thumbprint=key,
            nonce=challenge.eat_nonce,
            jti=context.random(16).hex(),
            serial=device.last_serial + 1,
            case=override.case,
        )
        # Neither the location of the device nor its state is known.
        case = PolicyInput(
            judgement=Judgement(JudgementStatus.UNKNOWN, None, "an operator decided"),
            intent=Intent.CHECK_IN,
            activation=device.activation,
            identity=Identity.ATTESTED,
            trust=TrustTier.NONE,
            terms="",
            now=override.at,
            sale_region=device.sale_region,
            roaming=False,
        )
        return build_verdict(
            verdict_context, case, policy, override.rule(override.at), lifetime=limits.LIFETIME_MAX
        )
