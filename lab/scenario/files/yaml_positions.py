"""YAML as plain values with the position of each, without the implicit types of YAML 1.1 (`no`, `on`, `12:30`).

A scalar is text unless it is unquoted and has the JSON form of `true`, `false`, `null` or a number.
Duplicate members, anchors, aliases and tags are rejected; parameters replace anchors.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import yaml
from yaml import MarkedYAMLError

from lab.scenario.files.errors import FileError, FileErrorCode, ScenarioError
from lab.scenario.files.yaml_mistakes import describe, excerpt
from lab.scenario.model.named_files import IncludedText

Path = tuple[str | int, ...]

_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
"""Longer numbers are text, and rejected if a number is required."""
_PURE_ONLY: Final = re.compile(
    r"[&*!%?\t\x85\u2028\u2029\ufeff\ud800-\udfff]|\r(?!\n)|^---|[|>][-+0-9]*#", re.MULTILINE
)
"""Where libyaml can differ from `_Loader`, which rejects anchors, aliases, tags and tabs. The others are directives,
question marks, rare line breaks, byte order marks, surrogates, document starts, and a comment directly after `|`."""
_SIZE_MAX: Final = 1_000_000
BYTES_MAX: Final = 4 * _SIZE_MAX
"""A file with more bytes of UTF-8 has more characters than are allowed."""
_DEPTH_MAX: Final = 24


@dataclass(frozen=True, slots=True)
class WrittenAt:
    """Where a part of a scenario is written: at `path` in `tree`.

    `values` are the parameters of the file that includes have set; `whens` are the `when` of those includes, each with
    its place and the values of the file that has it.
    """

    tree: "Tree"
    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    whens: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A `when` at a place, and the values of the parameters of its file."""

    origin: WrittenAt
    wanted: Mapping[str, Any]


@dataclass
class Tree:
    """A document: its `value`, and line and column (from 1) of each path in it.

    `origins` has the steps, handsets and examples that are written elsewhere, by the first two parts of their paths.
    `included` is the name of an included file in errors.
    """

    file: str
    value: Any = None
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)
    errors: list[FileError] = field(default_factory=list)
    origins: dict[Path, WrittenAt] = field(default_factory=dict)
    included: str = ""

    def origin(self, path: Path) -> WrittenAt:
        """Where the value at `path` is written."""
        found = self.origins.get(path[:2])
        return WrittenAt(self, path) if found is None else replace(found, path=(*found.path, *path[2:]))

    def position(self, path: Path) -> tuple[int, int]:
        """The position of the value at `path`, or of the nearest value above it."""
        origin = self.origin(path)
        found = origin.tree.error(origin.path, "", FileErrorCode.SYNTAX)
        return found.line, found.column

    def value_at(self, path: Path) -> Any:
        """The value at `path` as written in its file, or None."""
        origin = self.origin(path)
        return part_at(origin.tree.value, origin.path)

    def add_error(self, path: Path, message: str, code: FileErrorCode = FileErrorCode.BAD_VALUE) -> None:
        """Add an error at `path`."""
        origin = self.origin(path)
        self.errors.append(origin.tree.error(origin.path, message, code))

    def error(self, path: Path, message: str, code: FileErrorCode) -> FileError:
        """An error at `path` of this document."""
        above = path
        while above and above not in self.positions:
            above = above[:-1]
        where = "" if self.included.endswith(".csv") else dotted(path)
        return FileError(*self.positions.get(above, (1, 1)), code, where, message, self.included)

    def check(self) -> None:
        """Raise ScenarioError if there are errors."""
        if self.errors:
            raise ScenarioError(self.file, self.errors)


def part_at(value: Any, path: Path) -> Any:
    """The part of a value at `path`, or None."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            inside = isinstance(value, list) and isinstance(part, int) and part < len(value)
            value = value[part] if inside else None
    return value


def dotted(path: Path) -> str:
    """A path as text; positions in lists count from 1.

    >>> dotted(("steps", 2, "wait"))
    'steps[3].wait'
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse(text: str, file: str, folder: str = "", included: str = "") -> Tree:
    """The document in `text`. Raises ScenarioError.

    `folder` of an included file is relative to the scenario's, `included` is its name in errors.
    """
    tree = Tree(file, included=included)

    def rejected(code: FileErrorCode, message: str, line: int = 1, column: int = 1) -> ScenarioError:
        return ScenarioError(file, [FileError(line, column, code, "", message, included)])

    if len(text) > _SIZE_MAX:
        raise rejected(FileErrorCode.UNREADABLE, "is longer than a million characters; split it")
    if (line := _line_too_deep(text)) is not None:
        raise rejected(FileErrorCode.SYNTAX, "is nested too deep; use fewer levels", line)
    try:
        node = _compose(text)
    except yaml.YAMLError as error:
        tree.errors += describe(error, text)
    else:
        if node is None:
            raise rejected(FileErrorCode.SYNTAX, "is empty; begin with name, about, handsets, steps")
        tree.value = _NodeReader(tree, folder).value(node, ())
    lines = text.splitlines() if tree.errors else []
    tree.errors = [replace(each, file=included, excerpt=excerpt(lines, each.line)) for each in tree.errors]
    tree.check()
    return tree


def scalar(text: str) -> Any:
    """The value of text without quotes.

    >>> scalar("true"), scalar("-7"), scalar("1.5"), scalar("007"), scalar("")
    (True, -7, 1.5, '007', None)
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _line_too_deep(text: str) -> int | None:
    """The first line that is nested too deep. Composing recurses, in libyaml without a bound; events do not."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader if _PURE_ONLY.search(text) else yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEPTH_MAX:
                    return event.start_mark.line + 1 if event.start_mark else 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        pass  # the text before the error is not too deep; composing it describes the error
    return None


def _compose(text: str) -> yaml.Node | None:
    if not _PURE_ONLY.search(text):
        try:
            return yaml.compose(text, Loader=yaml.CSafeLoader)  # libyaml, ten times as fast
        except yaml.YAMLError:
            pass  # the other loader describes the error
    return yaml.compose(text, Loader=_Loader)


class _Loader(yaml.SafeLoader):
    """YAML without anchors, aliases and tags."""

    def fetch_anchor(self) -> None:
        problem = "an anchor; use parameters instead, or quotes if `&` is text"
        raise MarkedYAMLError(problem=problem, problem_mark=self.get_mark())

    def fetch_alias(self) -> None:
        problem = "an alias; use parameters instead, or quotes if `*` is text"
        raise MarkedYAMLError(problem=problem, problem_mark=self.get_mark())

    def fetch_tag(self) -> None:
        raise MarkedYAMLError(problem="a tag; use quotes if `!` is text", problem_mark=self.get_mark())


class _NodeReader:
    """Converts the nodes of a document to values, with their positions."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree = tree
        self._folder = folder

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node, which is at `path`."""
        self._tree.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(part, (*path, at)) for at, part in enumerate(node.value)]
        text = str(node.value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self._tree.add_error(path, "has an unpaired surrogate; write the character", FileErrorCode.SYNTAX)
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        value = scalar(text) if plain else text
        return IncludedText(text, self._folder) if self._folder and isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            inner = (*path, name)
            position = (key.start_mark.line + 1, key.start_mark.column + 1)
            if name in found:
                message = f"is defined twice, first on line {self._tree.position(inner)[0]}; keep one"
                code, file = FileErrorCode.DUPLICATE_KEY, self._tree.included
                self._tree.errors.append(FileError(*position, code, dotted(inner), message, file))
                continue
            found[name] = self.value(value, inner)
            self._tree.positions[inner] = position
        return found
