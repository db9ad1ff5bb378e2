"""Reads a scenario file: one scenario, or one for each combination of its parameters."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from lab.scenario.files.before_run import BeforeRun
from lab.scenario.files.errors import FileError, FileErrorCode, ScenarioError
from lab.scenario.files.includes import expand
from lab.scenario.files.name_checks import DefinedNames
from lab.scenario.files.parameters import (
    Substitution,
    check_values,
    combinations,
    label,
    labels_of,
    matches,
    references,
)
from lab.scenario.files.parts import Parts, has_reference, reference_at, report
from lab.scenario.files.validation_messages import describe
from lab.scenario.files.yaml_positions import BYTES_MAX, Condition, Path, Tree, parse
from lab.scenario.model.named_files import FileScope, run_root
from lab.scenario.model.scenario import Exemption, HandsetTable, Scenario
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import VERBS
from lab.scenario.model.time_steps import Capture
from text_input.suggestions import suggestion

SUFFIX: Final = ".scenario.yaml"
_MATRIX: Final = ("parameters", "examples", "exclude")
_EXEMPTIONS: Final = ("skip", "expected-to-fail")

CHECK_STEPS: Final = ("expect", "wait-for", "golden")
"""The steps that can fail a scenario."""


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario to run.

    `steps` has the line of each step, from 1, and the step. Those in `included` are written in another file, named by
    its path from the folder of the scenario. Those in `open_steps` have references to captured values: the step as
    written, which is resolved during the run; `steps` has it with placeholders. `root` is the root of the run.
    """

    file: str
    stem: str
    labels: Mapping[str, str]
    scenario: Scenario
    steps: tuple[tuple[int, Step], ...]
    included: Mapping[int, str] = field(default_factory=dict)
    open_steps: Mapping[int, Any] = field(default_factory=dict)
    root: FilePath = field(default_factory=FilePath)

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


def read(file: FilePath, root: FilePath | None = None) -> tuple[Case, ...]:
    """The scenarios of a file. Raises ScenarioError with all errors, also with those that a run would find.

    `root` is the folder below which the files of the scenario are; by default that of a run of this file.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(BYTES_MAX + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or 'is not UTF-8'}"
        raise ScenarioError(str(file), [FileError(1, 1, FileErrorCode.UNREADABLE, "", message)]) from None
    reader = _FileReader(text, str(file), root, before_run=True)
    found = reader.cases()
    reader.check_use(found)
    return found


def read_text(text: str, file: str, root: FilePath | None = None) -> tuple[Case, ...]:
    """The scenarios in `text`; `file` is its name. Raises ScenarioError."""
    return _FileReader(text, file, root, before_run=False).cases()


def _expand_verbs(step: Any) -> Any:
    """A step that consists of a verb only, as a table."""
    if isinstance(step, str):
        return {step: None}
    if isinstance(step, dict) and "during" in step:
        return step | {"during": _expand_verbs(step["during"])}
    return step


def _tables_at(tree: Tree, member: str) -> Iterator[tuple[Path, Any]]:
    """Path and value of each item of the list that is at a member; of the member itself, if it is no list."""
    value = tree.value.get(member)
    if isinstance(value, list):
        yield from (((member, at), item) for at, item in enumerate(value))
    else:
        yield (member,), value


class _FileReader:
    """Reads the text of one file. Errors are collected in its tree, and raised for the first case that has some."""

    def __init__(self, text: str, file: str, root: FilePath | None, *, before_run: bool) -> None:
        self.tree = tree = parse(text, file)
        if not isinstance(tree.value, dict):
            tree.add_error((), "is not a table; begin with `name: …`")
            tree.check()
        path = FilePath(file)
        self.scope = FileScope(path.parent, run_root([path]) if root is None else root.resolve())
        expand(tree, self.scope)
        self._before_run = before_run
        self._parts = Parts(tree, self.scope)
        steps, handsets = tree.value.get("steps"), tree.value.get("handsets")
        self._steps = steps if isinstance(steps, list) else []
        self._handsets = handsets if isinstance(handsets, dict) else {}
        self._captures = {
            name: at
            for at, step in reversed(list(enumerate(self._steps)))
            if isinstance(step, dict) and isinstance(step.get("capture"), dict)
            for name in step["capture"]
        }
        self._applied: set[Path] = set()
        self._references = references(self._steps)

    def cases(self) -> tuple[Case, ...]:
        """The scenarios. Raises ScenarioError."""
        tree = self.tree
        found: list[Case] = []
        for labels, values in combinations(tree):
            case = self._case(labels, values, first=not found)
            tree.check()
            found += [case] if case else []
        tree.check()
        if not found:
            message = "excludes every combination, so nothing would be run; keep at least one"
            tree.add_error(("exclude",), message, FileErrorCode.NO_CASE)
        for name, count in Counter(case.id for case in found).items():
            if count > 1:
                message = f"gives two scenarios the same id, {name!r}; change one of the rows"
                tree.add_error(("examples",), message)
        known = labels_of(tree)
        for member in ("steps", *_EXEMPTIONS):
            for path, table in _tables_at(tree, member):
                wanted = table.get("when") if isinstance(table, dict) else None
                if isinstance(wanted, dict):
                    own = tree.origin(path).values
                    others = {name: texts for name, texts in known.items() if name not in own}
                    check_values(tree, wanted, others, (*path, "when"))
        for condition in self._conditions():
            check_values(condition.origin.tree, condition.wanted, known, condition.origin.path)
        tree.check()
        return tuple(found)

    def check_use(self, found: Sequence[Case]) -> None:
        """Raise ScenarioError for what has no effect: scenarios that expect nothing, parameters, steps."""
        tree = self.tree
        if idle := [case for case in found if not any(step.verb() in CHECK_STEPS for _, step in case.steps)]:
            which = f" in {len(idle)} of {len(found)} combinations, as in {idle[0].combination}"
            message = (
                f"expect nothing{which if idle[0].labels else ''}; add a step `expect`, or use `exclude`"
            )
            line = idle[0].steps[0][0] if idle[0].steps else 1  # `when` can exclude every step
            tree.errors.append(FileError(line, 1, FileErrorCode.NO_CASE, "steps", message))
        used = references({name: part for name, part in tree.value.items() if name not in _MATRIX})
        used = used.union(*(references({"when": condition.wanted}) for condition in self._conditions()))
        declared = {name: ("parameters", name) for name in tree.value.get("parameters") or ()}
        rows = enumerate(tree.value.get("examples") or ())
        declared |= {name: ("examples", at, name) for at, row in reversed(list(rows)) for name in row}
        for name, path in declared.items():
            if name not in used:
                message = f"is not used, so its scenarios are all alike; remove it, or write ${{{name}}}"
                tree.add_error(path, message, FileErrorCode.UNKNOWN_PARAMETER)
        for at, step in enumerate(self._steps):
            place: Path = ("steps", at)
            if place not in self._applied:
                place = (*place, "when") if isinstance(step, dict) and "when" in step else place
                message = "matches no combination, so the step is never done; correct it, or remove the step"
                tree.add_error(place, message)
            elif isinstance(step, dict) and step.get("when") == {}:
                tree.add_error((*place, "when"), "says nothing; write {parameter: value}, or leave it out")
        tree.check()

    def _conditions(self) -> list[Condition]:
        """The `when` of each include, once."""
        found = {
            (id(condition.origin.tree), condition.origin.path): condition
            for origin in self.tree.origins.values()
            for condition in origin.whens
        }
        return list(found.values())

    def _case(self, labels: dict[str, str], values: Mapping[str, Any], *, first: bool) -> Case | None:
        """The scenario of a combination, or None with errors."""
        tree = self.tree
        fill = Substitution(values, tree.add_error, partial(self._missing, [*labels], None))
        apart = {"parameters", "handsets", "steps"}
        apart |= {name for name in _MATRIX if not first or not isinstance(tree.value.get(name), list)}
        body = {name: fill.apply(part, (name,)) for name, part in tree.value.items() if name not in apart}
        handsets: dict[str, HandsetTable | None] = {}
        for name, table in self._handsets.items():
            place = ("handsets", name)
            handsets[name] = self._parts.part(HandsetTable, place, fill.apply(table, place), labels)
        names = DefinedNames(handsets, {*labels})
        steps, chosen = self._case_steps(labels, values, names)
        valid = {name: handset or _DUMMY_HANDSET for name, handset in handsets.items()}
        body["handsets"] = valid or tree.value.get("handsets")
        body["steps"] = [_DUMMY_STEP if step is None else step for step in steps] or tree.value.get("steps")
        if body["steps"] == [] and tree.errors:
            body["steps"] = [_DUMMY_STEP]  # an `include` has an error
        for name in ("handsets", "steps"):
            if name not in tree.value:
                del body[name]
        try:
            scenario = Scenario.model_validate(body, context=self.scope)
        except ValidationError as error:
            report(tree, (), describe(error, Scenario, body, ()), labels)
            return None
        self._check_names(scenario, names)
        if self._before_run:
            check = BeforeRun(tree, self.scope, handsets, scenario.world)
            for at, is_open in chosen:
                if not is_open:
                    check.step(("steps", at), scenario.steps[at])
        if tree.errors:
            return None
        return Case(
            tree.file,
            FilePath(tree.file).name.removesuffix(SUFFIX),
            labels,
            scenario.model_copy(update={"examples": (), "exclude": ()}),
            tuple((tree.position(("steps", at))[0], scenario.steps[at]) for at, _ in chosen),
            {
                number: origin.tree.included
                for number, (at, _) in enumerate(chosen)
                if (origin := tree.origins.get(("steps", at))) and origin.tree.included
            },
            {number: body for number, (_, body) in enumerate(chosen) if body is not None},
            self.scope.root,
        )

    def _case_steps(
        self, labels: dict[str, str], values: Mapping[str, Any], names: DefinedNames
    ) -> tuple[list[Step | None], list[tuple[int, Any]]]:
        """All steps, None for those with errors; and of each that is done its number, and its body if it is open."""
        tree = self.tree
        steps: list[Step | None] = []
        chosen: list[tuple[int, Any]] = []
        captured: list[str] = []
        for at, raw in enumerate(self._steps):
            path: Path = ("steps", at)
            origin = tree.origin(path)
            applies = self._applies(path, raw, labels, values)
            missing = partial(self._missing, [*labels, *captured], at if applies else len(self._steps))
            fill = Substitution(values, tree.add_error, missing)
            body = _expand_verbs(fill.apply(raw, path) if has_reference(raw) else raw)
            step = self._parts.step(path, body, labels)
            steps.append(step)
            if step is None:
                names.complete = False
                if isinstance(raw, dict) and "capture" in raw:
                    captured += raw["capture"] if isinstance(raw["capture"], dict) else self._references
                continue
            for place, message in names.check(step, path, origin.values):
                if not reference_at(body, place[2:]):
                    tree.add_error(place, message, FileErrorCode.UNKNOWN_NAME)
            for name in step.capture if isinstance(step, Capture) else ():
                if name in labels:
                    tree.add_error((*path, "capture", name), "is a parameter as well; choose another name")
            if applies:
                self._applied.add(path)
                chosen.append((at, body if has_reference(body) else None))
                captured += step.capture if isinstance(step, Capture) else ()
        return steps, chosen

    def _applies(self, path: Path, raw: Any, labels: Mapping[str, str], values: Mapping[str, Any]) -> bool:
        """Whether a step is done in a combination: by its `when` and by those of the includes that lead to it."""
        origin = self.tree.origin(path)
        wanted = [raw["when"]] if isinstance(raw, dict) and isinstance(raw.get("when"), dict) else []
        if not wanted and not origin.whens:
            return True
        fill = Substitution(values, lambda *_: None, lambda *_: None)
        own = {
            name: labels.get(value[2:-1]) or label(fill.apply(value))
            if isinstance(value, str)
            else label(value)
            for name, value in origin.values.items()
        }
        known = {**labels, **own}
        wanted += [condition.wanted for condition in origin.whens]
        return all(matches(known, fill.apply(each)) for each in wanted)

    def _missing(self, known: Sequence[str], before: int | None, path: Path, name: str) -> None:
        """Add an error for a reference without a value. `before` is the number of the step, None outside of steps."""
        tree, declared = self.tree, self.tree.value.get("parameters")
        if isinstance(declared, dict) and name in declared and name not in known:
            return  # its values have an error
        if any(error.of_names for error in tree.errors):
            return
        at = self._captures.get(name)
        if at is None and name in known:
            return
        if at is None:
            hint = suggestion(name, known) if known else "the file has no parameters"
            message = f"no parameter is called {name!r}; {hint}"
        elif before is None or (len(path) > 2 and path[2] == "when"):
            message = f"{name!r} is captured during the run; only steps and expectations can use it"
        elif name in known or before == len(self._steps):
            return
        else:
            line = tree.position(("steps", at))[0]
            when = "is not captured in this combination" if at < before else "is captured later"
            message = f"{name!r} {when}, see line {line}; a step `capture` must come before"
        tree.add_error(path, message, FileErrorCode.UNKNOWN_PARAMETER)

    def _check_names(self, scenario: Scenario, names: DefinedNames) -> None:
        """Add errors for names of groups, and for unknown names outside of steps."""
        tree = self.tree
        for path, message in names.check_groups():
            tree.add_error(path, message)
        for at, fault in enumerate(scenario.world.faults):
            for message in names.unknown_handsets(fault.of):
                tree.add_error(("world", "faults", at, "of"), message, FileErrorCode.UNKNOWN_NAME)
        for member in _EXEMPTIONS:
            for path, table in _tables_at(tree, member):
                for found, message in names.unknown_parameters((table or {}).get("when"), path):
                    tree.add_error(found, message, FileErrorCode.UNKNOWN_NAME)
        for condition in self._conditions():
            origin = condition.origin
            for found, message in names.unknown_parameters(condition.wanted, origin.path[:-1], origin.values):
                origin.tree.add_error(found, message, FileErrorCode.UNKNOWN_NAME)


_DUMMY_HANDSET: Final = HandsetTable(profile="official-global")
_DUMMY_STEP: Final = VERBS["power-on"].model_validate({"power-on": None})
"""They take the place of parts that are not valid, so that the errors of the rest are found."""


def branch_of(case: Case) -> str:
    """Seed of the identities and draws of a scenario, used with that of the run: its id and its own seed."""
    return hashlib.sha256(f"{case.id} {case.scenario.world.seed}".encode()).hexdigest()
