"""Parameters of a scenario file: values, rows of examples, exclusions, combinations and substitution."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Final

from agent.screens import LANGUAGES
from firmware_profiles.loader import names as profile_names
from lab.handset.keystore_habits import KeystoreHabit
from lab.handset.modem.dialects import dialect_names
from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.yaml_positions import Path, Tree
from lab.scenario.model.named_files import IncludedText
from lab.world.places import load_places
from text_input.suggestions import suggestion

REFERENCE: Final = re.compile(r"\$\{([^}]{0,200})\}")

VALUE_LISTS: Final[dict[str, Callable[[], list[str]]]] = {
    "all-profiles": lambda: list(profile_names()),
    "all-places": lambda: list(load_places()),
    "all-languages": lambda: list(LANGUAGES),
    "all-modem-dialects": lambda: list(dialect_names()),
    "all-keystore-habits": lambda: [habit.value for habit in KeystoreHabit],
}
"""Words that are replaced by a list of values."""

COMBINATIONS_MAX: Final = 20_000
"""Most combinations of one file, before any is excluded."""
_PART_MAX: Final = 200
"""Longest value that becomes a part of a text."""

_COUNT_SHOWN: Final = 10**15
NAME: Final = re.compile(r"[a-z][a-z0-9-]*")

Values = Mapping[str, Any]


def label(value: Any) -> str:
    """The text of a value in an id.

    >>> label(True), label(None), label("havana"), label(-86_400), label("../my/lab.toml")
    ('true', 'none', 'havana', '-86400', 'my-lab.toml')
    """
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    text = re.sub(r"^(\.{1,2}/)+", "", str(value))
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-") or "empty"


def combinations(tree: Tree) -> Iterator[tuple[dict[str, str], Values]]:
    """Labels by parameter, and values, of every combination that is not excluded. Adds errors to `tree`."""
    choices = _parameters(tree)
    rows = _tables(tree, "examples")
    _check_rows(tree, rows, choices)
    count = max(1, len(rows)) * math.prod(map(len, choices.values()))
    if count > COMBINATIONS_MAX:
        shown = count if count < _COUNT_SHOWN else "too many"
        message = f"give {shown} combinations; at most {COMBINATIONS_MAX} are allowed: split the file"
        tree.add_error(("parameters",), message)
        return
    excluded = _tables(tree, "exclude")
    known = labels_of(tree)
    for at, part in enumerate(excluded):
        check_values(tree, part, known, ("exclude", at))
        for name in part:
            if name not in known:
                message = f"no such parameter; {suggestion(name, known)}"
                tree.add_error(("exclude", at, name), message, FileErrorCode.UNKNOWN_PARAMETER)
    names = sorted(choices)
    for row in rows or [{}]:
        for selected in product(*(choices[name] for name in names)):
            values = {name: value for name, (_, value) in zip(names, selected, strict=True)} | row
            labels = {name: text for name, (text, _) in zip(names, selected, strict=True)}
            labels |= {name: label(value) for name, value in row.items()}
            if not any(matches(labels, part) for part in excluded):
                yield dict(sorted(labels.items())), values


def _check_rows(tree: Tree, rows: list[dict[str, Any]], choices: Mapping[str, Any]) -> None:
    for at, row in enumerate(rows):
        for name in row:
            _check_name(tree, name, ("examples", at, name))
        for name in sorted(row.keys() & choices.keys()):
            tree.add_error(("examples", at, name), "is a parameter as well; keep one of them")


def labels_of(tree: Tree) -> dict[str, set[str]]:
    """The labels of every value of every parameter."""
    before = len(tree.errors)
    found = {name: {text for text, _ in values} for name, values in _parameters(tree).items()}
    del tree.errors[before:]  # `combinations` adds them
    rows = tree.value.get("examples")
    for row in rows if isinstance(rows, list) else []:
        for name, value in row.items() if isinstance(row, dict) else ():
            found.setdefault(name, set()).add(label(value))
    return found


def check_values(tree: Tree, wanted: Mapping[str, Any], known: Mapping[str, set[str]], path: Path) -> None:
    """Add an error for each value in `wanted`, at `path`, that no combination has. References may have any value."""
    for name, values in wanted.items():
        for value in _as_list(values):
            if name not in known or (isinstance(value, str) and REFERENCE.search(value)):
                continue
            if not any(_is(each, value) for each in known[name]):
                text = str(value)
                message = f"no combination has {text!r}; {suggestion(text, sorted(known[name]))}"
                tree.add_error((*path, name), message)


def matches(labels: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """Whether each parameter in `wanted` has one of its values; wildcards are allowed."""
    return all(
        any(_is(labels.get(name, ""), value) for value in _as_list(values)) for name, values in wanted.items()
    )


@dataclass(frozen=True, slots=True)
class Substitution:
    """Replaces references by `values`. A text that consists of one reference becomes the value itself.

    `report` receives errors, `missing` the path and name of each reference that has no value and stays. `text` is the
    text of a value within a longer text.
    """

    values: Values
    report: Callable[[Path, str], None]
    missing: Callable[[Path, str], None]
    text: Callable[[Any], str] = label

    def apply(self, value: Any, path: Path = ()) -> Any:
        """The value at `path` with its references replaced."""
        if isinstance(value, dict):
            return {name: self.apply(part, (*path, name)) for name, part in value.items()}
        if isinstance(value, list):
            return [self.apply(part, (*path, at)) for at, part in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = REFERENCE.fullmatch(value)
        if whole and whole[1] in self.values:
            return self.values[whole[1]]
        texts: dict[str, str] = {}
        for name in dict.fromkeys(REFERENCE.findall(value)):
            if name not in self.values:
                self.missing(path, name)
                continue
            texts[name] = self.text(self.values[name])
            if len(texts[name]) > _PART_MAX:  # the text can repeat it many times
                message = f"the value of {name!r} is longer than {_PART_MAX} characters, too long for a part of a text"
                self.report(path, message)
                texts[name] = ""
        replaced = REFERENCE.sub(lambda found: texts.get(found[1], found[0]), value) if texts else value
        return IncludedText(replaced, value.folder) if isinstance(value, IncludedText) else replaced


def plain_text(value: Any) -> str:
    """The text of a value that is no part of an id: as it is, and other values as in an id."""
    return value if isinstance(value, str) else label(value)


def references(value: Any) -> set[str]:
    """The names of all references in a value, and of the parameters in its members `when`."""
    if isinstance(value, dict):
        inner = value.get("when")
        named = {name for name in inner if isinstance(name, str)} if isinstance(inner, dict) else set()
        return named.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set(REFERENCE.findall(value)) if isinstance(value, str) and "${" in value else set()


def _tables(tree: Tree, member: str) -> list[dict[str, Any]]:
    """The tables in `member`. Empty, with an error in `tree`, if it is not a list of tables."""
    listed = tree.value.get(member)
    if listed is None:
        return []
    if isinstance(listed, list) and all(isinstance(part, dict) for part in listed):
        return listed
    tree.add_error((member,), "is not a list of tables; write one on each line, as in `- {place: paris}`")
    return []


def _parameters(tree: Tree) -> dict[str, list[tuple[str, Any]]]:
    """Label and value of each value of each parameter. In a table, the names are the labels."""
    declared = tree.value.get("parameters") or {}
    if not isinstance(declared, dict):
        tree.add_error(("parameters",), "is not a table; write a name and a list of values on each line")
        return {}
    found = {}
    for name, values in declared.items():
        path = ("parameters", name)
        _check_name(tree, name, path)
        listed = VALUE_LISTS[values]() if isinstance(values, str) and values in VALUE_LISTS else values
        if isinstance(listed, dict) and listed:
            found[name] = [(label(key), value) for key, value in listed.items()]
        elif isinstance(listed, list) and listed and not any(isinstance(v, dict | list) for v in listed):
            found[name] = [(label(value), value) for value in listed]
        else:
            options = ", ".join(VALUE_LISTS)
            message = f"is not a list of values; write [a, b], a table of named values, or one of {options}"
            tree.add_error(path, message)
            continue
        labels = [text for text, _ in found[name]]
        if repeated := [text for text, times in Counter(labels).items() if times > 1]:
            tree.add_error(path, f"has the value {repeated[0]!r} twice; remove one")
    return found


def _check_name(tree: Tree, name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        tree.add_error(path, "is not a valid name; use lower-case letters, digits and hyphens")


def _is(text: str, wanted: Any) -> bool:
    """Whether a label is that of a value, or matches it as a pattern."""
    return text == label(wanted) or (isinstance(wanted, str) and fnmatchcase(text, wanted))


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
