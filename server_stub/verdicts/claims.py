"""Composing the claims of a verdict from what was judged and decided."""

from dataclasses import dataclass
from typing import Final

from server_stub.policy.document import Argument, Rule
from server_stub.policy.policy import Policy, PolicyInput
from wire.codes import Decision
from wire.evidence import Evidence
from wire.limits import INTEGER_MAX
from wire.verdict import CatalogueMessage, Confirmation, PolicyReference, Verdict

LIFETIME: Final = 3600
"""`exp - iat` of a verdict, in seconds."""


@dataclass(frozen=True, slots=True)
class VerdictContext:
    """What ties a verdict to one exchange: parties, key, nonce, numbers. `case` is what support is quoted."""

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
    """The verdict that `rule` of `policy` gives in `case`. Complete by construction: rules are checked on loading."""
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


def locks_at(verdict: Verdict, before: int | None) -> int | None:
    """When a phone locks that takes `verdict`, seconds since the epoch, None for never; `before` held until now.

    A phone may lock later than this, as its time may lag, and not earlier.
    """
    offline = None if verdict.offline_limit is None else verdict.iat + verdict.offline_limit
    announced = [moment for moment in (verdict.not_before_lock, offline) if moment is not None]
    moments = {
        Decision.ALLOW: offline,
        Decision.NOTICE: min(announced, default=None),
        Decision.DENY: verdict.iat,
        Decision.DEFER: before,
        Decision.RELEASE: None,
    }
    return moments[verdict.decision]


def next_serial(remembered: int, evidence: Evidence) -> int:
    """One more than the newest serial that the server or the phone knows.

    A server that lost its memory would otherwise number below what the phone has sealed, and the phone would
    refuse each answer for ever. A number that leaves no room for another is not believed.
    """
    claimed = evidence.last_verdict.serial if evidence.last_verdict else 0
    return max(remembered, claimed if claimed < INTEGER_MAX // 2 else 0) + 1


def _message(context: VerdictContext, case: PolicyInput, rule: Rule) -> CatalogueMessage | None:
    if rule.message is None:
        return None
    args = {name: _fill(source, context, case) for name, source in rule.message.args.items()}
    return CatalogueMessage(key=rule.message.key, args=args)


def _fill(source: Argument, context: VerdictContext, case: PolicyInput) -> str:
    """Loading a policy made sure that a rule which names a territory only matches where there is one."""
    if source is Argument.CASE:
        return context.case
    if source is Argument.TERRITORY:
        return case.judgement.territory or ""
    return (case.activation.territory if case.activation else None) or ""
