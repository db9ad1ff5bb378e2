"""An operator's decision about one device. It takes precedence over the policy until it is withdrawn, or once.

The operator's reason is only stored; the verdict has a reason code and the case number that the user may quote.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from server_stub.policy.document import Argument, Rule, RuleMessage
from wire.codes import Decision, MessageKey, Reason

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's decision about one device, made `at`, in seconds since the epoch; it takes precedence over the
    policy until it is withdrawn. Notice and defer are for one answer.
    """

    decision: Decision
    reason: str
    case: str
    at: int

    def rule(self, now: int) -> Rule:
        """The rule that replaces the policy's at `now`, in seconds since the epoch."""
        rule = RULES[self.decision]
        if self.decision is not Decision.NOTICE:
            return rule
        return rule.model_copy(update={"not_before_lock": datetime.fromtimestamp(now + NOTICE_PERIOD, UTC)})


NOTICE_PERIOD: Final = 7 * _DAY
"""Seconds from an operator's notice to the lock that it announces."""

RULES: Final = {
    Decision.DENY: Rule(
        id="operator-lock",
        decision=Decision.DENY,
        reason=Reason.OPERATOR_DECISION,
        message=RuleMessage(key=MessageKey.UNDER_INVESTIGATION),
        case=True,
        check_in=_DAY,
    ),
    Decision.ALLOW: Rule(
        id="operator-unlock",
        decision=Decision.ALLOW,
        reason=Reason.OPERATOR_DECISION,
        message=RuleMessage(key=MessageKey.ACTIVATED),
        case=True,
        check_in=7 * _DAY,
        offline_limit=90 * _DAY,
    ),
    Decision.RELEASE: Rule(
        id="operator-release",
        decision=Decision.RELEASE,
        reason=Reason.GIVEN_UP,
        message=RuleMessage(key=MessageKey.RELEASED),
        case=True,
    ),
    Decision.NOTICE: Rule(
        id="operator-notice",
        decision=Decision.NOTICE,
        reason=Reason.OPERATOR_DECISION,
        message=RuleMessage(key=MessageKey.NOTICE_OF_LOCK, args={"case": Argument.CASE}),
        case=True,
        check_in=_DAY,
        offline_limit=30 * _DAY,
        not_before_lock=datetime.fromtimestamp(0, UTC),  # `Override.rule` sets it
    ),
    Decision.DEFER: Rule(
        id="operator-defer",
        decision=Decision.DEFER,
        reason=Reason.OPERATOR_DECISION,
        message=RuleMessage(key=MessageKey.TRY_LATER),
        retry_after=60,
    ),
}
"""The rule for each decision that an operator can make."""
