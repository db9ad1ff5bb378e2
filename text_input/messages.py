"""Error messages that repeat text from outside."""

from typing import Final

LINE_MAX: Final = 1000
"""Longest line of an error message, in characters."""


def shortened(line: str) -> str:
    """`line` without its middle if it is long: it may repeat an argument, a file or the response of a server.

    >>> len(shortened("x" * 100_000)) <= LINE_MAX
    True
    """
    half = LINE_MAX // 2 - 2
    return line if len(line) <= LINE_MAX else f"{line[:half]} … {line[-half:]}"
