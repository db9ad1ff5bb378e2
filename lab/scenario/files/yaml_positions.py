"""YAML as plain values with the position of each. What YAML 1.1 makes of `no`, `on` and `12:30` is not made here.

A scalar is text unless it is quoted nowhere and is written as JSON writes `true`, `false`, `null` or a number.
Duplicate members, anchors, aliases and tags are refused: parameters do what anchors would.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml import MarkedYAMLError

from lab.scenario.files.errors import Fault, ScenarioError, Wrong

Path = tuple[str | int, ...]

_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
"""Longer numbers are text, and so none where one is wanted."""
_PURE_ONLY: Final = frozenset("&*!%\t")
"""Texts with these may have anchors, aliases, tags, directives or tabs, which only `_Loader` rejects."""
_SIZE_MAX: Final = 1_000_000
_DEPTH_MAX: Final = 24


@dataclass
class Tree:
    """A document: its `value`, and line and column (from 1) of each path in it."""

    file: str
    value: Any = None
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def mark(self, path: Path) -> tuple[int, int]:
        """Where the value at `path` is written, or the nearest thing above it."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, (1, 1))

    def fault(self, path: Path, code: Wrong, message: str) -> None:
        """Note that something is wrong at `path`."""
        self.faults.append(Fault(*self.mark(path), code, dotted(path), message))

    def check(self) -> None:
        """Raise ScenarioError where anything has been noted."""
        if self.faults:
            raise ScenarioError(self.file, self.faults)


def dotted(path: Path) -> str:
    """A path for people.

    >>> dotted(("steps", 2, "wait"))
    'steps[3].wait'
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse(text: str, file: str) -> Tree:
    """The document in `text`. Raises ScenarioError."""
    tree = Tree(file)
    if len(text) > _SIZE_MAX:
        raise ScenarioError(file, [Fault(1, 1, Wrong.UNREADABLE, "", "is longer than a million characters")])
    try:
        node = _compose(text)
    except yaml.YAMLError as error:
        raise ScenarioError(file, [_syntax(error)]) from None
    except RecursionError:
        raise ScenarioError(file, [Fault(1, 1, Wrong.SYNTAX, "", "is nested too deep to be read")]) from None
    if node is None:
        raise ScenarioError(
            file, [Fault(1, 1, Wrong.SYNTAX, "", "is empty; begin with name, about, handsets, steps")]
        )
    _Reading(tree).read(node, ())
    tree.check()
    return tree


def _compose(text: str) -> yaml.Node | None:
    if _PURE_ONLY.isdisjoint(text):
        try:
            return yaml.compose(text, Loader=yaml.CSafeLoader)  # libyaml, ten times as fast
        except yaml.YAMLError:
            pass  # the other loader describes the fault
    return yaml.compose(text, Loader=_Loader)


class _Loader(yaml.SafeLoader):
    """YAML without what makes a file mean more than it says."""

    def fetch_anchor(self) -> None:
        raise MarkedYAMLError(problem="an anchor; use parameters for that", problem_mark=self.get_mark())

    def fetch_alias(self) -> None:
        raise MarkedYAMLError(problem="an alias; use parameters for that", problem_mark=self.get_mark())

    def fetch_tag(self) -> None:
        raise MarkedYAMLError(problem="a tag; quotes make text of anything", problem_mark=self.get_mark())


class _Reading:
    """One pass over the nodes of a document."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: Path) -> None:
        """The whole document."""
        self._tree.value = self._value(node, path)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._tree.marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if id(node) in self._seen or len(path) > _DEPTH_MAX:
            self._tree.fault(
                path, Wrong.SYNTAX, "refers to another part of the file; use parameters for that"
            )
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(part, (*path, at)) for at, part in enumerate(node.value)]
        if any("\ud800" <= letter <= "\udfff" for letter in str(node.value)):
            self._tree.fault(path, Wrong.SYNTAX, "has half of a character; write the whole one")
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            inner = (*path, name)
            if name in found:
                line, column = key.start_mark.line + 1, key.start_mark.column + 1
                first = self._tree.mark(inner)[0]
                message = f"is there twice, first on line {first}; keep one"
                self._tree.faults.append(Fault(line, column, Wrong.DUPLICATE_KEY, dotted(inner), message))
                continue
            found[name] = self._value(value, inner)
            self._tree.marks[inner] = (key.start_mark.line + 1, key.start_mark.column + 1)
        return found


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _syntax(error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    if "'\\t'" in problem:
        problem = "a tab; indent with spaces"
    refused = type(error) is MarkedYAMLError
    return Fault(line, column, Wrong.SYNTAX, "", f"has {problem}" if refused else f"is not YAML: {problem}")
