"""An operator's decision about one device. It takes precedence over the policy until it is withdrawn.

The operator's reason is only stored; the verdict has a reason code and the case number that the user may quote.
"""

from dataclasses import dataclass
from typing import Final

from server_stub.policy.document import Rule, RuleMessage
from wire.codes import Decision, MessageKey, Reason

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Override:
    """A decision about one device. `decision` is deny, allow or release; `at` is in seconds since the epoch."""

    decision: Decision
    reason: str
    case: str
    at: int

    def __post_init__(self) -> None:
        if self.decision not in RULES:
            raise ValueError(f"an operator cannot decide {self.decision}; use one of: {', '.join(RULES)}")

    @property
    def rule(self) -> Rule:
        """The rule that replaces the policy's."""
        return RULES[self.decision]


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
}
"""The rule for each decision that an operator can make."""
