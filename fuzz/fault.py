"""What a harness raises where the code under test broke a rule without raising."""


class BrokenRuleError(AssertionError):
    """The input made the code under test answer, and the answer breaks a rule. Names the rule."""


def hold(rule: str, *, holds: bool) -> None:
    """Raise BrokenRuleError with the name of `rule` unless it holds."""
    if not holds:
        raise BrokenRuleError(rule)
