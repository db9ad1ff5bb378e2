"""From a file to the scenarios in it: one, or one for each combination of its parameters."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lab.scenario.files.errors import Fault, ScenarioError, Wrong
from lab.scenario.files.name_checks import Known
from lab.scenario.files.parameters import combinations, labels_of, matches, put_in, strangers
from lab.scenario.files.schema_lookup import in_file
from lab.scenario.files.validation_messages import what_is_wrong
from lab.scenario.files.yaml_positions import Path, Tree, parse
from lab.scenario.model.scenario import Scenario
from lab.scenario.model.step import Step
from text_input.suggestions import suggestion

SUFFIX: Final = ".scenario.yaml"
_MATRIX: Final = ("parameters", "examples", "exclude")


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario to run.

    `id` is the stem of its file, with the values of its parameters in the order of their names; it stays what it is
    when files, parameters or values are put into another order. `lines` has the line of each step, from 1.
    """

    file: str
    stem: str
    labels: Mapping[str, str]
    scenario: Scenario
    steps: tuple[tuple[int, Step], ...]

    @property
    def id(self) -> str:
        """The stem, and the combination in brackets."""
        return f"{self.stem}[{self.combination}]" if self.labels else self.stem

    @property
    def combination(self) -> str:
        """The values of the parameters: `place=havana,profile=official-global`."""
        return ",".join(f"{name}={value}" for name, value in sorted(self.labels.items()))

    @property
    def folder(self) -> FilePath:
        """Where files that the scenario names are looked for."""
        return FilePath(self.file).parent


def stem_of(file: FilePath) -> str:
    """What a file is called without its suffix.

    >>> stem_of(FilePath("a/incident-2021.scenario.yaml"))
    'incident-2021'
    """
    return file.name.removesuffix(SUFFIX)


def read(file: FilePath) -> tuple[Case, ...]:
    """The scenarios of a file, each of which can fail. Raises ScenarioError with everything that is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8"
        raise ScenarioError(
            str(file), [Fault(1, 1, Wrong.UNREADABLE, "", f"cannot be read: {reason}")]
        ) from None
    found = read_text(text, str(file))
    if idle := [case for case in found if not any(step.verb() in JUDGES for _, step in case.steps)]:
        which = (
            f" in {len(idle)} of {len(found)} combinations, as in {idle[0].combination}"
            if idle[0].labels
            else ""
        )
        message = f"expect nothing{which}; add a step `expect`, or leave them out by `exclude`"
        line = idle[0].steps[0][0] if idle[0].steps else 1  # `when` may leave none
        raise ScenarioError(str(file), [Fault(line, 1, Wrong.NO_CASE, "steps", message)])
    return found


JUDGES: Final = ("expect", "wait-for")
"""The steps by which a scenario can fail."""


def read_text(text: str, file: str) -> tuple[Case, ...]:
    """The scenarios in `text`; `file` is its name. Raises ScenarioError."""
    tree = parse(text, file)
    if not isinstance(tree.value, dict):
        tree.fault((), Wrong.BAD_VALUE, "is no table; begin with `name: …`")
        tree.check()
    found: list[Case] = []
    for labels, values in combinations(tree):
        tree.check()
        found.append(_case(tree, labels, values))
    tree.check()
    if not found:
        tree.fault(("exclude",), Wrong.NO_CASE, "leaves no combination; nothing would be run")
    _check_all(tree, found)
    tree.check()
    return tuple(found)


def _check_all(tree: Tree, found: list[Case]) -> None:
    """What only all combinations together tell: two of one name, and values of `when` that none has."""
    ids = Counter(case.id for case in found)
    for name in (name for name, count in ids.items() if count > 1):
        tree.fault(("examples",), Wrong.BAD_VALUE, f"gives two scenarios the same id, {name!r}")
    known = labels_of(tree)
    steps = tree.value.get("steps")
    for at, step in enumerate(steps if isinstance(steps, list) else []):
        wanted = step.get("when") if isinstance(step, dict) else None
        for name, text in strangers(wanted, known) if isinstance(wanted, dict) else ():
            message = f"no combination has {text!r}; {suggestion(text, sorted(known[name]))}"
            tree.fault(("steps", at, "when", name), Wrong.BAD_VALUE, message)


def _spelt_out(steps: Any) -> Any:
    """A verb that stands alone, as a table."""
    if isinstance(steps, list):
        return [_spelt_out(step) if isinstance(step, str | dict) else step for step in steps]
    if isinstance(steps, str):
        return {steps: None}
    if isinstance(steps, dict) and "during" in steps:
        return steps | {"during": _spelt_out(steps["during"])}
    return steps


def _case(tree: Tree, labels: dict[str, str], values: Mapping[str, Any]) -> Case:
    body = {name: part for name, part in tree.value.items() if name not in _MATRIX}
    before = len(tree.faults)
    filled = put_in(body, values, tree) | {
        name: tree.value[name] for name in _MATRIX if name in tree.value and name != "parameters"
    }
    if "steps" in filled:
        filled["steps"] = _spelt_out(filled["steps"])
    scenario = _validated(tree, filled, labels) if len(tree.faults) == before else None
    if scenario is None:
        tree.check()
        raise AssertionError("a scenario that is none has a fault")
    _check_names(tree, scenario, labels)
    lines = [tree.mark(("steps", at))[0] for at in range(len(scenario.steps))]
    held = [pair for pair in zip(lines, scenario.steps, strict=True) if matches(labels, pair[1].when or {})]
    return Case(tree.file, stem_of(FilePath(tree.file)), labels, scenario, tuple(held))


def _validated(tree: Tree, body: Any, labels: Mapping[str, str]) -> Scenario | None:
    try:
        return Scenario.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for details in found:
            if details["type"] != "too_short" or not _any_below(details, found):
                _note(tree, details, labels)
    return None


def _any_below(details: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """A list counts as empty for pydantic where its parts are wrong; the parts are told then."""
    loc = details["loc"]
    return any(other is not details and other["loc"][: len(loc)] == loc for other in found)


def _note(tree: Tree, details: ErrorDetails, labels: Mapping[str, str]) -> None:
    loc, path = tuple(details["loc"]), in_file(tuple(details["loc"]))
    code, message = what_is_wrong(details, loc)
    tree.fault(path, code, message + _combination(labels, tree, path))


def _combination(labels: Mapping[str, str], tree: Tree, path: Path) -> str:
    """Which combination has it, where the file itself says only a parameter's name there."""
    written: Any = tree.value
    for part in path:
        written = _at(written, part)
    if isinstance(written, str) and "${" in written:
        return f" (written as {written!r}, where " + ", ".join(f"{k} is {v}" for k, v in labels.items()) + ")"
    return ""


def _at(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    inside = isinstance(value, list) and isinstance(part, int) and part < len(value)
    return value[part] if inside else None


def _check_names(tree: Tree, scenario: Scenario, labels: Mapping[str, str]) -> None:
    """Handsets, marks, copies and codes must be there before they are spoken of."""
    known = Known(set(scenario.handsets), {*labels})
    for at, step in enumerate(scenario.steps):
        for path, message in known.wrong_in(step, ("steps", at)):
            tree.fault(path, Wrong.UNKNOWN_NAME, message)
    for at, fault in enumerate(scenario.world.faults):
        for name in known.strangers(fault.of):
            tree.fault(("world", "faults", at, "of"), Wrong.UNKNOWN_NAME, known.no_handset(name))


def branch_of(case: Case) -> str:
    """What a scenario's identities and chances derive from, with the seed of the run: its id and its own seed."""
    return hashlib.sha256(f"{case.id} {case.scenario.world.seed}".encode()).hexdigest()


__all__ = ["SUFFIX", "Case", "branch_of", "read", "read_text", "stem_of"]
