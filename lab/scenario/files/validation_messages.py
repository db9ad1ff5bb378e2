"""Messages for pydantic errors in the terms of scenario files, with what to write instead."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.step_union import BARE, VERBS
from text_input.model_errors import YAML, DocumentCode, Mistake, mistakes
from text_input.suggestions import suggestion


def describe_unknown_verb(verb: str | None) -> str:
    """The message for a step with a verb that is not known, or without one."""
    if verb is None:
        return f"is not a step; begin it with a verb, as in `- wait: 5 days` or `- {BARE[0]}`"
    name, colon, value = verb.partition(":")
    first, _, rest = verb.partition(" ")
    if colon and name in VERBS:
        return f"has no space after the colon; write `{name}: {value.strip()[:40]}`"
    if first in VERBS and rest.lstrip("- ").split(":")[0] in VERBS:
        return f"is two steps, {first!r} and {rest[:40]!r}; begin each on its own line, with `- `"
    return f"no step is called {verb!r}; {suggestion(verb, VERBS)}"


def describe(
    error: ValidationError, model: Any, document: Any, where: Path
) -> Iterator[tuple[FileErrorCode, str, Mistake]]:
    """Code and message of each error of `document`, which is at `where` in the scenario."""
    found = mistakes(error, model, document, YAML)
    in_one_line = {each.path: _members_in_line(each) for each in found}
    written = {(*path[:-1], member) for path, members in in_one_line.items() for member in members}
    for each in found:
        if each.code is DocumentCode.MISSING_KEY and each.path in written:
            continue
        code, message = _CODES[each.code], _value_message(each, (*where, *each.path)) or each.message
        if each.details["type"] in ("union_tag_invalid", "union_tag_not_found"):
            code = FileErrorCode.UNKNOWN_STEP
            message = describe_unknown_verb(each.details.get("ctx", {}).get("tag"))
        elif each.code is DocumentCode.UNKNOWN_KEY:
            message = _unknown_member((*where, *each.path), each)
        elif members := in_one_line[each.path]:
            given = str(each.details["input"])
            member, (name, _, rest) = members[0], given.partition(f" {members[0]} ")
            message = (
                f"is {given!r}; write `{each.path[-1]}: {name}`, and on the next line `{member}: {rest}`"
            )
        yield code, message, each


def _value_message(mistake: Mistake, path: Path) -> str:
    """The message for a value that is a common mistake in scenarios; empty for any other."""
    kind, given = mistake.details["type"], mistake.details["input"]
    if kind == "bool_type" and isinstance(given, str) and given.lower() in _SWITCHES:
        return f"is the text {given!r}; write true or false, here {_SWITCHES[given.lower()]}"
    if kind == "tuple_type" and path == ("steps",):
        return "is not a list; begin each step with `- `, as in `- wait: 5 days`"
    if kind == "model_type" and isinstance(given, str) and path[:1] in _EXEMPTIONS:
        return f"is {given!r}; write `{{because: '{given[:40]}'}}`"
    if kind == "none_required":
        return f"is {given!r}; the step has no subject: write the verb without a value"
    return ""


def _members_in_line(mistake: Mistake) -> list[str]:
    """The members of a step that are written in the value of its verb, as in `move: phone to paris`."""
    verb = mistake.path[-1] if mistake.path else None
    if verb not in VERBS or mistake.details["type"] != "string_pattern_mismatch":
        return []
    keys = [field.alias for field in VERBS[str(verb)].model_fields.values()]
    return [key for key in keys if key and f" {key} " in mistake.details["input"]]


def _unknown_member(path: Path, mistake: Mistake) -> str:
    name = str(path[-1])
    known, colon, value = name.partition(":")
    if colon and known in mistake.members:
        return f"has no space after the colon; write `{known}: {value.strip()[:40]}`"
    if name == "<<":
        return "is a merge key; use parameters, or include the steps of a file"
    if not name.isascii() and name != name.strip():
        return "has a non-breaking space before its name; indent with spaces"
    if name in VERBS and len(path) > 2 and (path[-3] == "steps" or path[-2] == "during"):
        return f"{name!r} is another step; write it on its own line, with `- `"
    if path[-2:-1] in _EXEMPTIONS and mistake.details["input"] is None:
        return f"{name!r} is no member, but text after a comma; write the whole text in quotes"
    return mistake.message


_CODES: Final = {
    DocumentCode.UNKNOWN_KEY: FileErrorCode.UNKNOWN_MEMBER,
    DocumentCode.MISSING_KEY: FileErrorCode.MISSING_MEMBER,
    DocumentCode.BAD_VALUE: FileErrorCode.BAD_VALUE,
}

_EXEMPTIONS: Final = (("skip",), ("expected-to-fail",))

_SWITCHES: Final = {
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
}
"""Words that other readers of YAML take for a truth value."""
