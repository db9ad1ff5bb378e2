"""Reads a scenario file: one scenario, or one for each combination of its parameters."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from lab.scenario.files.errors import FileError, FileErrorCode, ScenarioError
from lab.scenario.files.name_checks import DefinedNames
from lab.scenario.files.parameters import check_values, combinations, labels_of, matches, substitute
from lab.scenario.files.schema_lookup import path_in_file
from lab.scenario.files.validation_messages import describe
from lab.scenario.files.yaml_positions import BYTES_MAX, Path, Tree, parse
from lab.scenario.model.scenario import Exemption, Scenario
from lab.scenario.model.step import Step

SUFFIX: Final = ".scenario.yaml"
_MATRIX: Final = ("parameters", "examples", "exclude")
_EXEMPTIONS: Final = ("skip", "expected-to-fail")

CHECK_STEPS: Final = ("expect", "wait-for", "golden")
"""The steps that can fail a scenario."""


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario to run.

    `steps` has the line of each step, from 1, and the step.
    """

    file: str
    stem: str
    labels: Mapping[str, str]
    scenario: Scenario
    steps: tuple[tuple[int, Step], ...]

    @property
    def id(self) -> str:
        """The stem, and the combination in brackets. Independent of the order of files, parameters and values."""
        return f"{self.stem}[{self.combination}]" if self.labels else self.stem

    @property
    def combination(self) -> str:
        """The values of the parameters: `place=havana,profile=official-global`."""
        return ",".join(f"{name}={value}" for name, value in sorted(self.labels.items()))

    @property
    def skip(self) -> str | None:
        """Why the file skips it, or None."""
        return self._reason(self.scenario.skip)

    @property
    def expected_to_fail(self) -> str | None:
        """Why the file expects it to fail, or None."""
        return self._reason(self.scenario.expected_to_fail)

    def _reason(self, exemptions: tuple[Exemption, ...]) -> str | None:
        """The reason of the first exemption for this combination."""
        found = (each.because for each in exemptions if matches(self.labels, each.when or {}))
        return next(found, None)

    @property
    def folder(self) -> FilePath:
        """The folder of files that the scenario names."""
        return FilePath(self.file).parent


def stem_of(file: FilePath) -> str:
    """The name of a file without its suffix.

    >>> stem_of(FilePath("a/incident-2021.scenario.yaml"))
    'incident-2021'
    """
    return file.name.removesuffix(SUFFIX)


def read(file: FilePath) -> tuple[Case, ...]:
    """The scenarios of a file. Raises ScenarioError with all errors, also if a scenario has no step that can fail."""
    try:
        with file.open("rb") as stream:
            text = stream.read(BYTES_MAX + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or 'is not UTF-8'}"
        raise ScenarioError(str(file), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]) from None
    found = read_text(text, str(file))
    if idle := [case for case in found if not any(step.verb() in CHECK_STEPS for _, step in case.steps)]:
        which = f" in {len(idle)} of {len(found)} combinations, as in {idle[0].combination}"
        message = f"expect nothing{which if idle[0].labels else ''}; add a step `expect`, or use `exclude`"
        line = idle[0].steps[0][0] if idle[0].steps else 1  # `when` can exclude every step
        raise ScenarioError(str(file), [FileError(line, 1, FileErrorCode.NO_CASE, "steps", message)])
    return found


def read_text(text: str, file: str) -> tuple[Case, ...]:
    """The scenarios in `text`; `file` is its name. Raises ScenarioError."""
    tree = parse(text, file)
    if not isinstance(tree.value, dict):
        tree.add_error((), FileErrorCode.BAD_VALUE, "is not a table; begin with `name: …`")
        tree.check()
    found: list[Case] = []
    for labels, values in combinations(tree):
        tree.check()
        found.append(_case(tree, labels, values))
    tree.check()
    if not found:
        message = "excludes every combination, so nothing would be run; keep at least one"
        tree.add_error(("exclude",), FileErrorCode.NO_CASE, message)
    for name, count in Counter(case.id for case in found).items():
        if count > 1:
            message = f"gives two scenarios the same id, {name!r}; change one of the rows"
            tree.add_error(("examples",), FileErrorCode.BAD_VALUE, message)
    known = labels_of(tree)
    for member in ("steps", *_EXEMPTIONS):
        for path, table in _tables_at(tree, member):
            wanted = table.get("when") if isinstance(table, dict) else None
            if isinstance(wanted, dict):
                check_values(tree, wanted, known, (*path, "when"))
    tree.check()
    return tuple(found)


def _tables_at(tree: Tree, member: str) -> Iterator[tuple[Path, Any]]:
    """Path and value of each item of the list that is at a member; of the member itself, if it is no list."""
    value = tree.value.get(member)
    if isinstance(value, list):
        yield from (((member, at), item) for at, item in enumerate(value))
    else:
        yield (member,), value


def _expand_verbs(steps: Any) -> Any:
    """Steps that consist of a verb only, as tables."""
    if isinstance(steps, list):
        return [_expand_verbs(step) if isinstance(step, str | dict) else step for step in steps]
    if isinstance(steps, str):
        return {steps: None}
    if isinstance(steps, dict) and "during" in steps:
        return steps | {"during": _expand_verbs(steps["during"])}
    return steps


def _case(tree: Tree, labels: dict[str, str], values: Mapping[str, Any]) -> Case:
    body = {name: part for name, part in tree.value.items() if name not in _MATRIX}
    body = substitute(body, values, tree)
    tree.check()
    body |= {name: tree.value[name] for name in ("examples", "exclude") if name in tree.value}
    if "steps" in body:
        body["steps"] = _expand_verbs(body["steps"])
    scenario = _validate(tree, body, labels)
    names = DefinedNames(set(scenario.handsets), {*labels})
    for at, step in enumerate(scenario.steps):
        for path, message in names.check(step, ("steps", at)):
            tree.add_error(path, FileErrorCode.UNKNOWN_NAME, message)
    for at, fault in enumerate(scenario.world.faults):
        for message in names.unknown_handsets(fault.of):
            tree.add_error(("world", "faults", at, "of"), FileErrorCode.UNKNOWN_NAME, message)
    for member in _EXEMPTIONS:
        for path, table in _tables_at(tree, member):
            for found, message in names.unknown_parameters((table or {}).get("when"), path):
                tree.add_error(found, FileErrorCode.UNKNOWN_NAME, message)
    steps = [(tree.position(("steps", at))[0], step) for at, step in enumerate(scenario.steps)]
    applicable = tuple((line, step) for line, step in steps if matches(labels, step.when or {}))
    return Case(tree.file, stem_of(FilePath(tree.file)), labels, scenario, applicable)


def _validate(tree: Tree, body: Any, labels: Mapping[str, str]) -> Scenario:
    """The validated scenario. Raises ScenarioError."""
    try:
        return Scenario.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
    for details in found:
        loc = tuple(details["loc"])
        # Pydantic also reports a list as too short if its items are invalid; only the items are reported here.
        if details["type"] == "too_short" and any(
            other is not details and other["loc"][: len(loc)] == loc for other in found
        ):
            continue
        path = path_in_file(loc)
        code, message = describe(details, loc)
        written = tree.value_at(path)
        if isinstance(written, str) and "${" in written:
            combination = ", ".join(f"{name} is {text}" for name, text in labels.items())
            message += f" (written as {written!r}, where {combination})"
        tree.add_error(path, code, message)
    tree.check()
    raise AssertionError("a scenario that is not valid has an error")


def branch_of(case: Case) -> str:
    """Seed of the identities and draws of a scenario, used with that of the run: its id and its own seed."""
    return hashlib.sha256(f"{case.id} {case.scenario.world.seed}".encode()).hexdigest()
