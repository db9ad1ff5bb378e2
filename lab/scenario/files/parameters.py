"""One file, many scenarios: parameters with their values, rows of examples, exclusions, and what takes their place."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Final

from agent.screens import LANGUAGES
from firmware_profiles.loader import names as profile_names
from lab.scenario.files.errors import Wrong
from lab.scenario.files.yaml_positions import Path, Tree
from lab.world.places import load_places
from text_input.suggestions import suggestion

REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")

EVERY: Final = {
    "all-profiles": lambda: list(profile_names()),
    "all-places": lambda: list(load_places()),
    "all-languages": lambda: list(LANGUAGES),
}
"""Words that stand for a list of values."""

NAME: Final = re.compile(r"[a-z][a-z0-9-]*")

Values = Mapping[str, Any]


def label(value: Any) -> str:
    """How a value is written in an id.

    >>> label(True), label(None), label("havana"), label(-86_400)
    ('true', 'none', 'havana', '-86400')
    """
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", str(value)).strip("-") or "empty"


def combinations(tree: Tree) -> Iterator[tuple[dict[str, str], Values]]:
    """Every combination that is not excluded: labels by parameter, for people, and values. Notes faults in `tree`."""
    choices = _parameters(tree)
    rows = _tables(tree, "examples")
    for at, row in enumerate(rows):
        for name in row:
            _check_name(tree, name, ("examples", at, name))
        for name in sorted(row.keys() & choices.keys()):
            tree.fault(
                ("examples", at, name), Wrong.BAD_VALUE, "is a parameter as well; keep it in one place"
            )
    excluded = _tables(tree, "exclude")
    _check_exclusions(tree, excluded, labels_of(tree))
    names = sorted(choices)
    for row in rows or [{}]:
        for chosen in product(*(choices[name] for name in names)):
            values = {name: value for name, (_, value) in zip(names, chosen, strict=True)} | row
            labels = {name: text for name, (text, _) in zip(names, chosen, strict=True)}
            labels |= {name: label(value) for name, value in row.items()}
            if not any(matches(labels, part) for part in excluded):
                yield dict(sorted(labels.items())), values


def _tables(tree: Tree, member: str) -> list[dict[str, Any]]:
    """A list of tables, empty where it is none, or notes what is wrong with it."""
    listed = tree.value.get(member)
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(part, dict) for part in listed):
        tree.fault(
            (member,),
            Wrong.BAD_VALUE,
            "is no list of tables; write one on each line, as in `- {place: paris}`",
        )
        return []
    return listed


def labels_of(tree: Tree) -> dict[str, set[str]]:
    """Every value of every parameter, as it is written in ids."""
    before = len(tree.faults)
    found = {name: {text for text, _ in values} for name, values in _parameters(tree).items()}
    del tree.faults[before:]  # they are noted where parameters are read
    rows = tree.value.get("examples")
    for row in rows if isinstance(rows, list) else []:
        for name, value in row.items() if isinstance(row, dict) else ():
            found.setdefault(name, set()).add(label(value))
    return found


def strangers(wanted: Mapping[str, Any], known: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """What of `wanted` no combination has: the parameter, and the value. What refers to a parameter may be anything."""
    for name, values in wanted.items():
        for value in _listed(values):
            if isinstance(value, str) and REFERENCE.search(value):
                continue
            if name in known and not any(_is(each, value) for each in known[name]):
                yield name, str(value)


def matches(labels: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """Whether each parameter that is named has one of the values that are wanted, wildcards allowed."""
    return all(
        any(_is(labels.get(name, ""), value) for value in _listed(values)) for name, values in wanted.items()
    )


def _is(text: str, wanted: Any) -> bool:
    """Whether a label is that of a value, or fits it as a pattern."""
    return text == label(wanted) or (isinstance(wanted, str) and fnmatchcase(text, wanted))


def put_in(value: Any, values: Values, tree: Tree, path: Path = ()) -> Any:
    """`value` with the parameters in their places. A text that is nothing but one becomes the value itself."""
    if isinstance(value, dict):
        return {name: put_in(part, values, tree, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [put_in(part, values, tree, (*path, at)) for at, part in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    if missing := [name for name in REFERENCE.findall(value) if name not in values]:
        known = suggestion(missing[0], values) if values else "the file has no parameters"
        tree.fault(path, Wrong.UNKNOWN_PARAMETER, f"no parameter is called {missing[0]!r}; {known}")
        return value
    if whole := REFERENCE.fullmatch(value):
        return values[whole[1]]
    return REFERENCE.sub(lambda found: label(values[found[1]]), value)


def _parameters(tree: Tree) -> dict[str, list[tuple[str, Any]]]:
    """The values of each parameter with their labels. A table gives each value a name of its own."""
    declared = tree.value.get("parameters") or {}
    if not isinstance(declared, dict):
        tree.fault(
            ("parameters",), Wrong.BAD_VALUE, "is no table; write a name and a list of values on each line"
        )
        return {}
    found = {}
    for name, values in declared.items():
        _check_name(tree, name, ("parameters", name))
        listed = EVERY[values]() if isinstance(values, str) and values in EVERY else values
        if isinstance(listed, dict) and listed:
            found[name] = [(label(key), value) for key, value in listed.items()]
        elif isinstance(listed, list) and listed and not any(isinstance(v, dict | list) for v in listed):
            found[name] = [(label(value), value) for value in listed]
        else:
            tree.fault(
                ("parameters", name),
                Wrong.BAD_VALUE,
                f"is no list of values; write [a, b], a table of named values, or one of {', '.join(EVERY)}",
            )
    _check_distinct(tree, found)
    return found


def _check_name(tree: Tree, name: str, path: Path) -> None:
    if not NAME.fullmatch(name):
        tree.fault(path, Wrong.BAD_VALUE, "is no name; use small letters, digits and hyphens")


def _check_distinct(tree: Tree, found: Mapping[str, list[tuple[str, Any]]]) -> None:
    for name, values in found.items():
        labels = [text for text, _ in values]
        if twice := [text for text in labels if labels.count(text) > 1]:
            tree.fault(("parameters", name), Wrong.BAD_VALUE, f"has the value {twice[0]!r} twice")


def _check_exclusions(tree: Tree, excluded: list[dict[str, Any]], known: Mapping[str, set[str]]) -> None:
    for at, part in enumerate(excluded):
        for name, text in strangers(part, known):
            message = f"no combination has {text!r}; {suggestion(text, sorted(known[name]))}"
            tree.fault(("exclude", at, name), Wrong.BAD_VALUE, message)
        for name in part:
            if name not in known:
                tree.fault(
                    ("exclude", at, name),
                    Wrong.UNKNOWN_PARAMETER,
                    f"no such parameter; {suggestion(name, known)}",
                )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
