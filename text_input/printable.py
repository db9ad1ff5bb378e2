"""Text from outside as a person may see it: in a terminal, a page, a table, a log or an error message."""

import json
import re
from typing import Any, Final

UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal would obey or that reorder what follows: controls but tab and line feed, separators,
overrides and isolates of direction, surrogates."""


_ISOLATES: Final = re.compile("([\u2066-\u2069]+)")


def with_isolates(text: str) -> str:
    """As `printable`, but isolates stay: only for text that closes each of its isolates in the same line (UAX #9)."""
    parts = enumerate(_ISOLATES.split(text))
    return "".join(part if number % 2 else printable(part) for number, part in parts)


def without_isolates(text: str) -> str:
    """`text` without isolates, which are invisible."""
    return _ISOLATES.sub("", text)


def printable(text: str) -> str:
    """`text` with an escape in place of each unsafe character.

    >>> printable("\\x1b[2J done")
    '\\\\x1b[2J done'
    """
    return UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON, in which unsafe characters are escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


LINE_MAX: Final = 1000
"""Longest line of an error message, in characters."""


def shortened(line: str) -> str:
    """`line` without its middle if it is long: it may repeat an argument, a file or the response of a server.

    >>> len(shortened("x" * 100_000)) <= LINE_MAX
    True
    """
    half = LINE_MAX // 2 - 2
    return line if len(line) <= LINE_MAX else f"{line[:half]} … {line[-half:]}"


def counted(number: int, what: str) -> str:
    """A number and a noun.

    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"
