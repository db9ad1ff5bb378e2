"""The claims of a verdict, built from the judgement and the policy's decision."""

from dataclasses import dataclass
from typing import Final

from server_stub.policy.document import Argument, Rule
from server_stub.policy.policy import Policy, PolicyInput
from server_stub.store.records import Device
from wire.codes import Decision, LockState
from wire.evidence import Evidence
from wire.limits import INTEGER_MAX
from wire.verdict import CatalogueMessage, Confirmation, PolicyReference, Verdict

LIFETIME: Final = 3600
"""`exp - iat` of a verdict, in seconds."""


@dataclass(frozen=True, slots=True)
class VerdictContext:
    """What binds a verdict to one exchange: parties, key, nonce, numbers. `case` is the case number for support."""

    issuer: str
    audience: str
    sub: str
    thumbprint: str
    nonce: str
    jti: str
    serial: int
    case: str


def build_verdict(
    context: VerdictContext, case: PolicyInput, policy: Policy, rule: Rule, *, lifetime: int = LIFETIME
) -> Verdict:
    """The verdict of `rule` of `policy` in `case`. It is complete: rules are checked when a policy is loaded."""
    return Verdict(
        iss=context.issuer,
        aud=context.audience,
        sub=context.sub,
        cnf=Confirmation(jkt=context.thumbprint),
        eat_nonce=context.nonce,
        iat=case.now,
        nbf=case.now,
        exp=case.now + lifetime,
        jti=context.jti,
        serial=context.serial,
        decision=rule.decision,
        reason=rule.reason,
        territory=case.judgement.territory if rule.decision is not Decision.RELEASE else None,
        policy=PolicyReference(id=policy.document.id, version=policy.document.version, rule=rule.id),
        trust=case.trust,
        message=_message(context, case, rule),
        case=context.case if rule.case else None,
        check_in=rule.check_in,
        offline_limit=rule.offline_limit,
        not_before_lock=int(rule.not_before_lock.timestamp()) if rule.not_before_lock else None,
        retry_after=rule.retry_after,
    )


def locks_at(verdict: Verdict, device: Device, state: LockState) -> int | None:
    """When a device with `verdict` locks, in seconds since the epoch, None for never.

    `device` is its record before the verdict, and `state` its own in the evidence. The device may lock later than this,
    because its time may lag, but not earlier.
    """
    offline = None if verdict.offline_limit is None else verdict.iat + verdict.offline_limit
    announced = [moment for moment in (verdict.not_before_lock, offline) if moment is not None]
    moments = {
        Decision.ALLOW: offline,
        Decision.NOTICE: min(announced, default=None),
        Decision.DENY: verdict.iat,
        Decision.DEFER: _renewed(verdict, device, state),
        Decision.RELEASE: None,
    }
    return moments[verdict.decision]


def _renewed(verdict: Verdict, device: Device, state: LockState) -> int | None:
    """`locks_at` after a `defer`: an activated device counts its offline limit from each verdict."""
    before, last = device.locks_at, device.last_seen
    if before is None or last is None or before <= last or state is not LockState.ACTIVATED:
        return before
    return verdict.iat + before - last


def next_serial(remembered: int, evidence: Evidence) -> int:
    """One more than the newest serial that the server or the device has recorded.

    Otherwise a server that lost its database would issue serials below the one that the device has sealed, and the
    device would reject every verdict. A claimed serial that leaves no room for higher ones is ignored.
    """
    claimed = evidence.last_verdict.serial if evidence.last_verdict else 0
    return max(remembered, claimed if claimed < INTEGER_MAX // 2 else 0) + 1


def _message(context: VerdictContext, case: PolicyInput, rule: Rule) -> CatalogueMessage | None:
    if rule.message is None:
        return None
    activation = case.activation.territory if case.activation else None
    # A rule whose message names a territory only matches if there is one; loading the policy checked that.
    values = {Argument.CASE: context.case, Argument.TERRITORY: case.judgement.territory or ""}
    args = {name: values.get(source, activation or "") for name, source in rule.message.args.items()}
    return CatalogueMessage(key=rule.message.key, args=args)
