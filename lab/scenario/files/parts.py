"""Validates the handsets and the steps of a scenario, each by itself: the errors of all are reported together, and a
part without parameters is validated once for all combinations.

A step with a reference to a captured value has its real value during the run only. Until then it is validated with
placeholders.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError

from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.parameters import REFERENCE, Substitution, plain_text
from lab.scenario.files.validation_messages import describe, describe_unknown_verb
from lab.scenario.files.yaml_positions import Path, Tree, dotted, part_at
from lab.scenario.model.named_files import FileScope
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import VERBS, verb_of
from text_input.model_errors import Mistake, located_errors, words

Part = TypeVar("Part", bound=BaseModel)

_PLACEHOLDERS: Final = (1, True, "x", "1 s", "2021-09-08", "208-01", "FR", "paris", "official-global")
"""Values that stand for a captured one, tried in this order where its reference as text is not valid."""


class Parts:
    """The parts of one file. Errors are added to its tree, with the combination if a parameter is involved."""

    def __init__(self, tree: Tree, scope: FileScope) -> None:
        self._tree = tree
        self._scope = scope
        self._fixed: dict[Path, Any] = {}

    def step(self, path: Path, body: Any, labels: Mapping[str, str]) -> Step | None:
        """The step at `path`, or None with errors."""
        verb = verb_of(body)
        if verb not in VERBS:
            self._tree.add_error(path, describe_unknown_verb(verb), FileErrorCode.UNKNOWN_STEP)
            return None
        if has_reference(body):
            body = self._with_placeholders(VERBS[verb], body)
        return self.part(VERBS[verb], path, body, labels)

    def part(self, model: type[Part], path: Path, body: Any, labels: Mapping[str, str]) -> Part | None:
        """The part at `path`, or None with errors."""
        if path in self._fixed:
            return cast("Part | None", self._fixed[path])
        part = None
        try:
            part = model.model_validate(body, context=self._scope)
        except ValidationError as error:
            report(self._tree, path, describe(error, model, body, path), labels)
        if not has_reference(self._tree.value_at(path)):
            self._fixed[path] = part
        return part

    def _with_placeholders(self, model: type[BaseModel], body: Any) -> Any:
        """The body with placeholders instead of references where only those are valid."""
        tried: dict[Path, int] = {}
        original = body
        for _ in range(len(_PLACEHOLDERS) * 4):
            try:
                model.model_validate(body, context=self._scope)
            except ValidationError as error:
                wrong = {
                    place: words(details)[:1]
                    for details, where, _ in located_errors(error, model, body)
                    if (place := reference_at(original, where))
                }
            else:
                return body
            if not wrong:
                return body
            for place, expected in wrong.items():
                texts_only = not REFERENCE.fullmatch(part_at(original, place))
                options = [
                    each for each in (*expected, *_PLACEHOLDERS) if isinstance(each, str) or not texts_only
                ]
                if tried.get(place, 0) == len(options):
                    return original
                body = _changed(body, place, options[tried.get(place, 0)])
                tried[place] = tried.get(place, 0) + 1
        return original


def report(
    tree: Tree, path: Path, found: Iterable[tuple[FileErrorCode, str, Mistake]], labels: Mapping[str, str]
) -> None:
    """Add the errors that `describe` found in what is at `path`."""
    for code, words_of_error, mistake in found:
        place, given, message = (*path, *mistake.path), mistake.details["input"], words_of_error
        written = tree.value_at(place)
        if isinstance(written, str) and "${" in written:
            if isinstance(given, str) and "${" in given:
                if tree.errors:
                    continue  # of a parameter, which is reported
                message = "is a value of the run, which is not allowed here"
            combination = ", ".join(f"{name} is {text}" for name, text in labels.items())
            message += f" (written as {written!r}, where {combination})" if combination else ""
        tree.add_error(place, message, code)


def resolve_step(body: Any, captured: Mapping[str, Any], scope: FileScope) -> Step:
    """The step with captured values instead of references. Raises ValueError."""
    problems: list[str] = []

    def add(path: Path, message: str) -> None:
        problems.append(f"{dotted(path)}: {message}")

    def missing(path: Path, name: str) -> None:
        add(path, f"nothing was captured as {name!r}")

    filled = Substitution(captured, add, missing, plain_text).apply(body)
    model = VERBS[verb_of(filled) or ""]
    if not problems:
        try:
            return model.model_validate(filled, context=scope)
        except ValidationError as error:
            for _, message, mistake in describe(error, model, filled, ("steps", 0)):
                problems.append(f"{dotted(mistake.path) or model.verb()}: {message}")
    raise ValueError("; ".join(problems))


def has_reference(body: Any) -> bool:
    """Whether a text in a value has a reference."""
    if isinstance(body, dict | list):
        return any(map(has_reference, body.values() if isinstance(body, dict) else body))
    return isinstance(body, str) and REFERENCE.search(body) is not None


def reference_at(body: Any, path: Path) -> Path:
    """The beginning of `path` at which the body has a text with a reference; empty if there is none."""
    for end in range(1, len(path) + 1):
        if isinstance(text := part_at(body, path[:end]), str):
            return path[:end] if REFERENCE.search(text) else ()
    return ()


def _changed(body: Any, path: Path, value: Any) -> Any:
    """The body with `value` at `path`."""
    if not path:
        return value
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = _changed(body[path[0]], path[1:], value)
    return copy
