"""The error of a harness when the code under test breaks a rule without raising an error."""


class BrokenRuleError(AssertionError):
    """The result of the code under test breaks a rule. The message names the rule."""


def hold(rule: str, *, holds: bool) -> None:
    """Raise BrokenRuleError with the name of `rule` unless it holds."""
    if not holds:
        raise BrokenRuleError(rule)
