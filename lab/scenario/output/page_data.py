"""The data in the page: columns of the index and details of scenarios, both as deflated JSON.

The browser unpacks the index when it opens the page, and a piece of the details when the user opens one of its
scenarios. Neither is kept here uncompressed, so memory suffices for a hundred thousand scenarios.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import Any, BinaryIO, Final

from lab.reports import qr
from lab.scenario.engine.result import BAD, ScenarioResult, ScreenShot
from text_input.printable import UNSAFE, printable

PIECE_SIZE_MAX: Final = 1_000_000
"""The maximum length of the JSON in a piece, unless it has only one value."""


class Column:
    """A JSON array of the index, compressed while it grows."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(9)
        self._packed = bytearray()
        self._closed = False
        self.length = 0

    def add(self, value: Any) -> None:
        """Add a JSON value."""
        self._packed += self._deflate.compress(f"{',' if self.length else '['}{compact(value)}".encode())
        self.length += 1

    def packed(self) -> str:
        """The array, deflated, in base64; nothing can be added afterwards."""
        if not self._closed:
            self._packed += self._deflate.compress(b"]" if self.length else b"[]") + self._deflate.flush()
            self._closed = True
        return base64.b64encode(self._packed).decode("ascii")


class PooledColumn(Column):
    """A column in which equal values are one. It keeps a digest of each value."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[bytes, int] = {}

    def number(self, value: Any) -> int:
        """The index of a JSON value, which is added if it is new."""
        digest = hashlib.blake2b(compact(value).encode(), digest_size=16).digest()
        number = self._numbers.setdefault(digest, self.length)
        if number == self.length:
            self.add(value)
        return number


class ValuePool:
    """Numbered JSON values; equal values have one number."""

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
    """Packs JSON values into pieces, in order. A piece is a line of `spool`, deflated, in base64."""

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self._pieces = 0
        self._open: list[str] = []
        self._filled = 0

    def add(self, value: Any) -> tuple[int, int]:
        """Add a JSON value. Returns the number of its piece and its index in the piece."""
        text = compact(value)
        if self._open and self._filled + len(text) > PIECE_SIZE_MAX:
            self._close()
        self._open.append(text)
        self._filled += len(text)
        return self._pieces, len(self._open) - 1

    def pieces(self) -> Iterator[str]:
        """All pieces; nothing can be added afterwards."""
        if self._open:
            self._close()
        self._spool.seek(0)
        return (line.decode("ascii").rstrip() for line in self._spool)

    def _close(self) -> None:
        data = f"[{','.join(self._open)}]".encode()
        self._spool.write(base64.b64encode(zlib.compress(data)) + b"\n")
        self._pieces += 1
        self._open, self._filled = [], 0


def compact(value: Any) -> str:
    """JSON without spaces. Unsafe characters in texts become escapes that the browser shows."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if _MAY_BE_UNSAFE.search(text):
        text = json.dumps(_shown(value), ensure_ascii=False, separators=(",", ":"))
    return text


_MAY_BE_UNSAFE: Final = re.compile(rf"{UNSAFE.pattern}|\\[ubfr]")


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {printable(name): _shown(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return printable(value) if isinstance(value, str) else value


def in_script(value: Any) -> str:
    """JSON for a script element: `<`, `>` and `&` are escaped, so it contains no end tag."""
    text = compact(value)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def scenario(result: ScenarioResult) -> dict[str, Any]:
    """Everything that is not in the index of the page. Equal screens are stored once."""
    screens = ValuePool()
    return {
        "because": result.because,
        "error": result.error,
        "reproduce": result.reproduce,
        "steps": [
            {
                "line": step.line,
                **({"file": step.file} if step.file else {}),
                "text": step.text,
                "note": step.note,
                "began": step.began,
                **({"ended": step.ended} if step.ended > step.began and step.status in BAD else {}),
                "status": step.status,
                "error": step.error,
                "entries": [
                    entries
                    for entries, handset in zip(step.entries, result.handsets, strict=False)
                    if not handset.brief
                ],
                "failures": [
                    {
                        "handset": check.handset,
                        "mismatches": [asdict(each) for each in check.mismatches],
                        "entries": check.entries,
                        "screen": check.screen,
                    }
                    for check in step.failures
                ],
            }
            for step in result.steps
        ],
        "handsets": [
            {
                "name": handset.name,
                "profile": handset.profile,
                "place": handset.place,
                "outcome": handset.outcome,
                "timeline": list(handset.timeline),
                "screens": [[shot.at, screens.number(_screen(shot)), shot.entry] for shot in handset.screens],
                "records": [asdict(record) for record in handset.records],
                "group": handset.group,
            }
            for handset in result.handsets
            if not handset.brief
        ],
        "groups": [
            {
                "name": group.name,
                "sum": group.text(),
                "brief": [
                    [each.name, each.outcome]
                    for each in result.handsets
                    if each.brief and each.group == group.name
                ],
            }
            for group in result.groups
        ],
        "screens": screens.values,
    }


def _screen(shot: ScreenShot) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(shot).items() if name not in ("at", "entry", "challenge")}
    return {**shown, "qr": _qr_code(shot.challenge) if shot.challenge else ""}


# A locked device shows the same challenge on each of its screens.
_qr_code = lru_cache(maxsize=4096)(qr.svg)
