"""Parts of a scenario in other files: `include` of steps and of handsets, and `examples` in a CSV file.

A file is read once, its steps and handsets are copied at each `include`. Its references are replaced by the values of
`with`, or else by those of its own `parameters`; other references are those of the file that includes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from lab.scenario.files.csv_examples import read_rows
from lab.scenario.files.errors import FileErrorCode, ScenarioError
from lab.scenario.files.parameters import REFERENCE, Substitution, plain_text, references
from lab.scenario.files.yaml_positions import BYTES_MAX, Condition, Path, Tree, WrittenAt, parse
from lab.scenario.model.includes import IncludedFile, IncludeStep, IncludeTable, members
from lab.scenario.model.named_files import FileScope
from text_input.suggestions import suggestion

DEPTH_MAX: Final = 8
"""Most files that include one another in a chain."""
INCLUDES_MAX: Final = 200
"""Most files that a scenario includes, each as often as it does."""
PARTS_MAX: Final = 10_000
"""Most steps and handsets of a scenario with those that it includes."""
CHARACTERS_MAX: Final = 4_000_000
"""Most characters of the files that a scenario includes, each as often as it does."""

VALUE_MAX: Final = 1_000
"""Most values in the value of a parameter of an included file: lists in lists grow fast."""

_STEP_MEMBERS: Final = members(IncludeStep)
_TABLE_MEMBERS: Final = members(IncludeTable)
_FILE_MEMBERS: Final = members(IncludedFile)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A file that is being read: its values, the conditions of its steps, and the chain of files to it."""

    tree: Tree
    values: Mapping[str, Any] = field(default_factory=dict)
    whens: tuple[Condition, ...] = ()
    chain: tuple[str, ...] = ()


def expand(tree: Tree, scope: FileScope) -> None:
    """Replace each `include`, and `examples` in a file, by what is in the files. Errors are added to `tree`."""
    written = Tree(tree.file, tree.value, tree.positions, tree.errors)
    tree.value = dict(tree.value)
    expansion = _Expansion(tree, scope)
    frame = _Frame(written, chain=(PurePosixPath(tree.file).name,))
    steps, handsets, rows = (tree.value.get(name) for name in ("steps", "handsets", "examples"))
    if isinstance(steps, list) and any(map(_includes, steps)):
        parts = list(expansion.steps(frame, steps, ("steps",)))
        tree.value["steps"] = [part for part, _ in parts]
        tree.origins |= {("steps", at): origin for at, (_, origin) in enumerate(parts)}
    if _includes(handsets):
        named: dict[str, Any] = {}
        for name, part, origin in expansion.handsets(frame, handsets, ("handsets",)):
            if name in named:
                message = f"a handset is called {name!r} already; rename one"
                origin.tree.add_error(origin.path, message, FileErrorCode.DUPLICATE_KEY)
            else:
                named[name] = part
                tree.origins["handsets", name] = origin
        tree.value["handsets"] = named
    if isinstance(rows, str):
        found, origins = expansion.examples(frame, rows)
        tree.value["examples"] = found
        tree.origins |= {("examples", at): origin for at, origin in enumerate(origins)}


def _includes(part: Any) -> bool:
    return isinstance(part, dict) and "include" in part


def _is_larger(value: Any, limit: int) -> bool:
    """Whether a value has more than `limit` values in it."""
    open_parts = [value]
    for _ in range(limit):
        if not open_parts:
            return False
        part = open_parts.pop()
        if isinstance(part, dict | list):
            inner = list(part.values()) if isinstance(part, dict) else part
            open_parts += inner[: limit + 1]
    return bool(open_parts)


class _Expansion:
    """Reads the files that a scenario includes, within the bounds."""

    def __init__(self, tree: Tree, scope: FileScope) -> None:
        self._errors = tree.errors
        self._file_name = tree.file
        self._scope = scope
        self._read: dict[str, Tree | None] = {}
        self._lengths: dict[str, int] = {}
        self._files = self._parts = self._characters = 0

    def steps(self, frame: _Frame, steps: Any, path: Path) -> Iterator[tuple[Any, WrittenAt]]:
        """The steps of a list, each with its origin."""
        for at, step in enumerate(steps):
            where = (*path, at)
            if _includes(step):
                self._check_members(frame.tree, step, where, _STEP_MEMBERS)
                call = step
                if isinstance(step["include"], dict):
                    self._check_members(frame.tree, step["include"], (*where, "include"), _TABLE_MEMBERS)
                    call = {**step, **step["include"], "include": step["include"].get("file")}
                for included in self._included(frame, call, where, "steps"):
                    top = included.tree.value
                    inner: Path = () if isinstance(top, list) else ("steps",)
                    yield from self.steps(included, top if isinstance(top, list) else top["steps"], inner)
            elif self._counts(frame.tree, where):
                origin = WrittenAt(frame.tree, where, frame.values, frame.whens)
                yield self._filled(step, frame, where), origin

    def handsets(self, frame: _Frame, table: Any, path: Path) -> Iterator[tuple[str, Any, WrittenAt]]:
        """The handsets of a table: name, handset and origin."""
        for name, handset in table.items():
            where = (*path, name)
            if name == "include":
                for at, entry in enumerate(handset if isinstance(handset, list) else [handset]):
                    place = (*where, at) if isinstance(handset, list) else where
                    call = entry if isinstance(entry, dict) else {"file": entry}
                    self._check_members(frame.tree, call, place, _TABLE_MEMBERS)
                    call = {**call, "include": call.get("file")}
                    for included in self._included(frame, call, place, "handsets"):
                        yield from self.handsets(included, included.tree.value["handsets"], ("handsets",))
            elif self._counts(frame.tree, where):
                yield name, self._filled(handset, frame, where), WrittenAt(frame.tree, where, frame.values)

    def examples(self, frame: _Frame, name: str) -> tuple[list[dict[str, Any]], list[WrittenAt]]:
        """The rows of a CSV file, and where they are written."""
        tree, path = frame.tree, ("examples",)
        if not name.endswith(".csv"):
            message = "is not a list of tables; write one on each line, as in `- {place: paris}`, or name a .csv file"
            tree.add_error(path, message)
            return [], []
        file = self._path(tree, path, name)
        if file is None or (text := self._text(tree, path, file)) is None:
            return [], []
        rows = Tree(tree.file, errors=self._errors, included=file)
        found = read_rows(text, rows, _folder(file))
        return found, [WrittenAt(rows, (at,)) for at in range(len(found))]

    def _included(
        self, frame: _Frame, call: Mapping[str, Any], where: Path, section: str
    ) -> Iterator[_Frame]:
        """The file that `call` names, if it has the section and is within the bounds."""
        self._files += 1
        place = (*where, "include") if section == "steps" else where
        if self._files > INCLUDES_MAX:
            self._once(frame.tree, where, f"is more than the {INCLUDES_MAX}th include; write fewer")
            return
        file = self._path(frame.tree, place, call["include"])
        if file is None:
            return
        chain = (*frame.chain, file)
        if file in frame.chain:
            message = f"includes itself: {' → '.join(chain)}; remove one `include` of the chain"
            frame.tree.add_error(place, message)
        elif len(chain) > DEPTH_MAX + 1:
            message = f"is included through more than {DEPTH_MAX} files: {' → '.join(chain)}"
            frame.tree.add_error(place, message)
        elif (tree := self._document(frame.tree, place, file)) is not None and self._has(tree, section):
            values = self._values(frame, call, where, tree)
            yield _Frame(tree, values, self._whens(frame, call, where), chain)

    def _whens(self, frame: _Frame, call: Mapping[str, Any], where: Path) -> tuple[Condition, ...]:
        if "when" not in call:
            return frame.whens
        place = (*where, "when")
        when = call["when"] if isinstance(call["when"], dict) else {}
        if not when:
            frame.tree.add_error(place, "says nothing; write {parameter: value}, or leave it out")
        condition = Condition(WrittenAt(frame.tree, place, frame.values), self._filled(when, frame, place))
        return (*frame.whens, condition)

    def _values(self, frame: _Frame, call: Mapping[str, Any], where: Path, included: Tree) -> dict[str, Any]:
        """The values of the parameters of a file. Adds an error for each that is missing or is not used."""
        given = self._table(frame.tree, (*where, "with"), call.get("with"))
        content = included.value
        declared: Mapping[str, Any] = {}
        if isinstance(content, dict):
            declared = self._table(included, ("parameters",), content.get("parameters"))
            content = {name: part for name, part in content.items() if name != "parameters"}
        used = references(content)
        for name in given:
            if name not in used:
                hint = suggestion(name, sorted({*declared, *used}), "remove it")
                frame.tree.add_error((*where, "with", name), f"is not used in {included.included}; {hint}")
        for name, value in declared.items():
            if name not in used:
                included.add_error(("parameters", name), f"is not used; remove it, or write ${{{name}}}")
            elif value is None and name not in given:
                message = f"{included.included} needs a value for {name!r}; add `with: {{{name}: …}}`"
                frame.tree.add_error(where, message)
        filled = {name: self._filled(value, frame, (*where, "with", name)) for name, value in given.items()}
        values = {**declared, **filled}
        for name, value in values.items():
            if _is_larger(value, VALUE_MAX):
                frame.tree.add_error((*where, "with", name), f"has more than {VALUE_MAX} values; write less")
                values[name] = None
        return values

    def _table(self, tree: Tree, place: Path, table: Any) -> dict[str, Any]:
        """The names and values in a table; empty, with an error, if it is none."""
        if table is not None and not isinstance(table, dict):
            tree.add_error(place, "is not a table; write names and values, as in {place: paris}")
        return table if isinstance(table, dict) else {}

    def _document(self, source: Tree, place: Path, file: str) -> Tree | None:
        """The document in a file, or None with an error."""
        if file not in self._read:
            self._read[file] = None
            if (text := self._text(source, place, file)) is None:
                return None
            self._lengths[file] = len(text)
            try:
                self._read[file] = found = parse(text, self._file_name, _folder(file), file)
                found.errors = self._errors
            except ScenarioError as error:
                self._errors += error.errors
        self._characters += self._lengths.get(file, 0)
        if self._characters > CHARACTERS_MAX:
            self._once(source, place, f"includes more than {CHARACTERS_MAX} characters together; write less")
            return None
        return self._read[file]

    def _has(self, included: Tree, section: str) -> bool:
        """Whether a file has a section that can be included. Adds an error."""
        body = included.value
        if isinstance(body, list) and section == "steps":
            return True
        if not isinstance(body, dict):
            included.add_error((), f"is not a table; begin with `{section}:`")
            return False
        self._check_members(included, body, (), _FILE_MEMBERS)
        wanted, what = (list, "a list of steps") if section == "steps" else (dict, "a table of handsets")
        if not isinstance(body.get(section), wanted) or not body[section]:
            included.add_error((section,), f"is missing or is not {what}; add `{section}:`")
            return False
        return True

    def _path(self, source: Tree, place: Path, name: Any) -> str | None:
        """The path of a file from the folder of the scenario, or None with an error."""
        if not isinstance(name, str):
            source.add_error(place, "names no file; write its path, as in `include: steps/set-up.yaml`")
        elif REFERENCE.search(name):
            source.add_error(place, "cannot depend on a parameter; include each file, with `when`")
        else:
            try:
                return self._scope.relative(name).removeprefix("./")
            except ValueError as error:
                source.add_error(place, str(error), FileErrorCode.UNREADABLE)
        return None

    def _text(self, source: Tree, place: Path, file: str) -> str | None:
        try:
            return self._scope.text(file, BYTES_MAX)
        except ValueError as error:
            source.add_error(place, str(error), FileErrorCode.UNREADABLE)
            return None

    def _counts(self, source: Tree, where: Path) -> bool:
        """Whether one more part is within the bound."""
        self._parts += 1
        if self._parts > PARTS_MAX:
            self._once(source, where, f"is more than the {PARTS_MAX}th step or handset; write fewer")
        return self._parts <= PARTS_MAX

    def _filled(self, part: Any, frame: _Frame, where: Path) -> Any:
        """The part with the values of the file instead of references."""
        if not frame.values:
            return part
        fill = Substitution(frame.values, frame.tree.add_error, lambda *_: None, plain_text)
        return fill.apply(part, where)

    def _check_members(
        self, source: Tree, table: Mapping[str, Any], where: Path, known: tuple[str, ...]
    ) -> None:
        for name in table:
            if name not in known:
                message = f"unknown member; {suggestion(name, known)}"
                source.add_error((*where, name), message, FileErrorCode.UNKNOWN_MEMBER)

    def _once(self, source: Tree, where: Path, message: str) -> None:
        """Add the error of a bound, which each further part would exceed too."""
        if not any(error.message == message for error in self._errors):
            source.add_error(where, message)


def _folder(file: str) -> str:
    folder = str(PurePosixPath(file).parent)
    return "" if folder == "." else folder
