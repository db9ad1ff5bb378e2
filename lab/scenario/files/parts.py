"""Validates the handsets and the steps of a scenario, each by itself: the errors of all are reported together, and a
part without parameters is validated once for all combinations.

A step with a reference to a captured value has its real value during the run only. Until then it is validated with
placeholders.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.parameters import REFERENCE, Substitution, plain_text
from lab.scenario.files.schema_lookup import path_in_file, types_at, words_of
from lab.scenario.files.validation_messages import describe, describe_unknown_verb
from lab.scenario.files.yaml_positions import Path, Tree, dotted
from lab.scenario.model.named_files import FileScope
from lab.scenario.model.scenario import HandsetTable
from lab.scenario.model.step import Step
from lab.scenario.model.step_union import VERBS, verb_of

_PLACEHOLDERS: Final = (1, True, "x", "1 s", "2021-09-08", "208-01", "FR", "paris", "official-global")
"""Values that stand for a captured one, tried in this order where its reference as text is not valid."""


class Parts:
    """The parts of one file. Errors are added to its tree, with the combination if a parameter is involved."""

    def __init__(self, tree: Tree, scope: FileScope) -> None:
        self._tree = tree
        self._scope = scope
        self._fixed: dict[Path, Any] = {}

    def handset(self, path: Path, body: Any, labels: Mapping[str, str]) -> HandsetTable | None:
        """The handset at `path`, or None with errors."""
        found: HandsetTable | None = self._part(HandsetTable, path, path, body, labels)
        return found

    def step(self, path: Path, body: Any, labels: Mapping[str, str]) -> Step | None:
        """The step at `path`, or None with errors."""
        verb = verb_of(body)
        if verb not in VERBS:
            self._tree.add_error(path, *describe_unknown_verb(verb))
            return None
        if has_reference(body):
            body = self._with_placeholders(VERBS[verb], (*path, verb), body)
        found: Step | None = self._part(VERBS[verb], path, (*path, verb), body, labels)
        return found

    def _part(self, model: type[Any], path: Path, loc: Path, body: Any, labels: Mapping[str, str]) -> Any:
        if path in self._fixed:
            return self._fixed[path]
        fixed = not has_reference(self._tree.value_at(path))
        try:
            part = model.model_validate(body, context=self._scope)
        except ValidationError as error:
            report(self._tree, error, loc, labels)
            part = None
        if fixed:
            self._fixed[path] = part
        return part

    def _with_placeholders(self, model: type[BaseModel], loc: Path, body: Any) -> Any:
        """The body with placeholders instead of references where only those are valid."""
        tried: dict[Path, int] = {}
        original = body
        for _ in range(len(_PLACEHOLDERS) * 4):
            try:
                model.model_validate(body, context=self._scope)
            except ValidationError as error:
                wrong = {
                    place: words_of(types_at((*loc, *each["loc"])))[:1]
                    for each in error.errors(include_url=False)
                    if (place := reference_at(original, path_in_file((*loc, *each["loc"]))[len(loc) - 1 :]))
                }
            else:
                return body
            if not wrong:
                return body
            for place, words in wrong.items():
                texts_only = not REFERENCE.fullmatch(_at(original, place))
                options = [
                    each for each in (*words, *_PLACEHOLDERS) if isinstance(each, str) or not texts_only
                ]
                if tried.get(place, 0) == len(options):
                    return original
                body = _changed(body, place, options[tried.get(place, 0)])
                tried[place] = tried.get(place, 0) + 1
        return original


def report(tree: Tree, error: ValidationError, loc: Path, labels: Mapping[str, str]) -> None:
    """Add the errors of a part at `loc`, which has the verb of a step after its path."""
    found = error.errors(include_url=False)
    for details in found:
        # Pydantic also reports a list as too short if its items are invalid; only the items are reported here.
        if details["type"] == "too_short" and any(
            other is not details and other["loc"][: len(details["loc"])] == details["loc"] for other in found
        ):
            continue
        whole = (*loc, *details["loc"])
        path = path_in_file(whole)
        code, message = describe(details, whole)
        written = tree.value_at(path)
        if isinstance(written, str) and "${" in written:
            if isinstance(details["input"], str) and "${" in details["input"]:
                if tree.errors:
                    continue  # of a parameter, which is reported
                message = "is a value of the run, which is not allowed here"
            combination = ", ".join(f"{name} is {text}" for name, text in labels.items())
            message += f" (written as {written!r}, where {combination})" if combination else ""
        tree.add_error(path, code, message)


def resolve_step(body: Any, captured: Mapping[str, Any], scope: FileScope) -> Step:
    """The step with captured values instead of references. Raises ValueError."""
    problems: list[str] = []

    def add(path: Path, _: FileErrorCode, message: str) -> None:
        problems.append(f"{dotted(path)}: {message}")

    def missing(path: Path, name: str) -> None:
        add(path, FileErrorCode.UNKNOWN_NAME, f"nothing was captured as {name!r}")

    filled = Substitution(captured, add, missing, plain_text).apply(body)
    verb = verb_of(filled) or ""
    if not problems:
        try:
            return VERBS[verb].model_validate(filled, context=scope)
        except ValidationError as error:
            problems += [_problem(details, verb) for details in error.errors(include_url=False)]
    raise ValueError("; ".join(problems))


def _problem(details: ErrorDetails, verb: str) -> str:
    path = dotted(tuple(details["loc"]))
    return f"{path or verb}: {describe(details, ('steps', 0, verb, *details['loc']))[1]}"


def has_reference(body: Any) -> bool:
    """Whether a text in a value has a reference."""
    if isinstance(body, dict | list):
        return any(map(has_reference, body.values() if isinstance(body, dict) else body))
    return isinstance(body, str) and REFERENCE.search(body) is not None


def reference_at(body: Any, path: Path) -> Path:
    """The beginning of `path` at which the body has a text with a reference; empty if there is none."""
    for end in range(1, len(path) + 1):
        if isinstance(text := _at(body, path[:end]), str):
            return path[:end] if REFERENCE.search(text) else ()
    return ()


def _at(body: Any, path: Path) -> Any:
    for part in path:
        try:
            body = body[part]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _changed(body: Any, path: Path, value: Any) -> Any:
    """The body with `value` at `path`."""
    if not path:
        return value
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = _changed(body[path[0]], path[1:], value)
    return copy
