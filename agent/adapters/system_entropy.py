"""Randomness of the operating system."""

from random import SystemRandom


class SystemEntropy:
    """Uniform fractions for jitter."""

    def __init__(self) -> None:
        self._random = SystemRandom()

    def fraction(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()
