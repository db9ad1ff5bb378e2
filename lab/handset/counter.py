"""The monotonic counter of an emulated phone (a replay-protected counter as RPMB or a secure element has)."""


class EmulatedCounter:
    """Counts up and nothing else. A factory reset leaves it as it is."""

    def __init__(self, value: int = 0) -> None:
        self._value = value

    def value(self) -> int:
        """The count."""
        return self._value

    def increment(self) -> int:
        """Count up by one."""
        self._value += 1
        return self._value
