"""`report.json`: the results of a run, a function of only commit, scenarios and seed.

One JSON object: the members of `ReportHeader`, then `scenarios`, the results in the order of the cases, then the
members of `ReportFooter`. Header, footer and each result have a line of their own, so that writer and reader keep one
result in memory, whatever their number.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import FileError, ScenarioError
from lab.scenario.files.shards import ShardPart
from lab.scenario.output.run_root import RunRoot, program_version
from lab.scenario.output.targets import REPORT
from text_input.printable import UNSAFE

LINE_MAX: Final = 256 * 1024 * 1024
"""Bytes of a line that the reader accepts."""

_FOLDER: Final = re.compile(
    rf'File "(?:{re.escape(str(Path(__file__).parents[3]))}|/[^"\n]*/(?:site-packages|python3\.\d+))/'
)
_ADDRESS: Final = re.compile("0x[0-9a-f]{6,}")
"""What is not the same on every machine in a traceback: folders of programs, and addresses in memory."""

_OPEN: Final = ',"scenarios":[\n'
_CLOSE: Final = "],"


class ReportFileError(Exception):
    """A file is not a report as `activation run` writes it."""


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """What the results depend on. `shard` says which part of the scenarios the report has, None for all."""

    commit: str
    seed: str
    version: str = field(default_factory=program_version)
    details: bool = False
    shard: ShardPart | None = None


@dataclass(frozen=True, slots=True)
class UnusableFile:
    """A file that cannot be used, by its path from the root."""

    file: str
    errors: tuple[FileError, ...]

    @property
    def lines(self) -> list[str]:
        """One line for each error, in the format of compilers."""
        return ScenarioError(self.file, self.errors).lines()


@dataclass(frozen=True, slots=True)
class ReportFooter:
    """The number of results with each status, the files that cannot be used, and whether every scenario was run."""

    counts: dict[Status, int]
    unusable: tuple[UnusableFile, ...] = ()
    complete: bool = True


T = TypeVar("T")

_adapter: Final[Callable[[Any], TypeAdapter[Any]]] = cache(TypeAdapter)


def reported(result: ScenarioResult, root: RunRoot, *, details: bool = False) -> ScenarioResult:
    """A result as reports have it: files by their path from `root`; steps, timelines, screens and brief members of
    groups of a scenario that passed only with `details`.
    """
    file = root.name(result.file)
    reproduce = shlex.join(file if word == result.file else word for word in shlex.split(result.reproduce))
    named = replace(result, file=file, reproduce=reproduce)
    if result.status is Status.INTERNAL_ERROR and result.error:
        named = replace(named, error=_ADDRESS.sub("0x…", _FOLDER.sub('File "', result.error)))
    if details or result.status is not Status.PASSED:
        return named
    handsets = tuple(
        replace(each, timeline=(), screens=(), records=()) for each in result.handsets if not each.brief
    )
    return replace(named, steps=(), handsets=handsets, audit=())


class ReportWriter:
    """Writes a report to a stream, result by result."""

    def __init__(self, stream: BinaryIO, header: ReportHeader) -> None:
        self._stream = stream
        self._separator = ""
        members = {name: value for name, value in asdict(header).items() if value is not None}
        stream.write((json_line(members)[:-1] + _OPEN).encode())

    def add(self, result: ScenarioResult) -> None:
        """Write a result that `reported` or a reader returned."""
        self._stream.write((self._separator + json_line(result.as_json())).encode())
        self._separator = ",\n"

    def close(self, footer: ReportFooter) -> None:
        """Write the end. The stream stays open."""
        end = "\n" if self._separator else ""
        self._stream.write(f"{end}{_CLOSE}{json_line(asdict(footer))[1:]}\n".encode())


class ReportReader:
    """Reads the report in `file`. Raises ReportFileError, also while `results` are read.

    `footer` is there after the last of `results`.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.footer: ReportFooter | None = None
        with self._open() as stream:
            line = self._line(stream)
            if not line.endswith(_OPEN.encode()):
                raise self._error("does not begin as a report")
            self.header = self._parse(ReportHeader, line.removesuffix(_OPEN.encode()) + b"}")

    def results(self) -> Iterator[ScenarioResult]:
        """The results, one by one."""
        for line in self.lines():
            yield self._parse(ScenarioResult, line)

    def lines(self) -> Iterator[bytes]:
        """The JSON of the results, one by one."""
        with self._open() as stream:
            self._line(stream)
            while not (line := self._line(stream)).startswith(_CLOSE.encode()):
                yield line.rstrip(b",\n")
            self.footer = self._parse(ReportFooter, b"{" + line.removeprefix(_CLOSE.encode()))

    def _open(self) -> BinaryIO:
        try:
            return self.file.open("rb")
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}") from None

    def _line(self, stream: BinaryIO) -> bytes:
        line = stream.readline(LINE_MAX)
        if not line.endswith(b"\n"):
            raise self._error("ends in the middle" if len(line) < LINE_MAX else "has a line that is too long")
        return line

    def _parse(self, model: type[T], text: bytes) -> T:
        try:
            found: T = _adapter(model).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "a line"
            raise self._error(f"has an error at {where}: {first['msg']}") from None
        return found

    def _error(self, what: str) -> ReportFileError:
        return ReportFileError(f"{self.file} {what}; is it a {REPORT} that `activation run --report` wrote?")


def json_line(value: Any) -> str:
    """JSON in one line, with escapes for unsafe characters. A lone surrogate, which JSON cannot have, becomes text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    escape = f"\\u{code:04x}"
    return "\\" + escape if 0xD800 <= code <= 0xDFFF else escape
