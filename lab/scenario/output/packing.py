"""What the page carries of each scenario: in deflated pieces, which a reader's browser opens one by one."""

import base64
import json
import zlib
from typing import Any, Final

PIECE: Final = 1_000_000
"""Characters of JSON after which a piece is full. One is opened for each scenario that a reader opens."""


class Pool:
    """Values by number, equal ones once, in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Any) -> int:
        """The number of a JSON value."""
        key = json.dumps(value, sort_keys=True)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


class Archive:
    """Pieces in the order in which they were filled. The same values give the same pieces."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._open: list[str] = []
        self._filled = 0

    def add(self, value: Any) -> tuple[int, int]:
        """Keep a JSON value, and say where: the number of its piece, and its own number within it."""
        text = compact(value)
        if self._open and self._filled + len(text) > PIECE:
            self.close()
        self._open.append(text)
        self._filled += len(text)
        return len(self.pieces), len(self._open) - 1

    def close(self) -> None:
        """Pack what is open. Does nothing where nothing is."""
        if self._open:
            octets = f"[{','.join(self._open)}]".encode()
            self.pieces.append(base64.b64encode(zlib.compress(octets)).decode("ascii"))
            self._open, self._filled = [], 0


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def in_script(value: Any) -> str:
    """JSON for a script element: `<`, `>` and `&` are escaped, so that nothing ends the element."""
    text = compact(value)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
