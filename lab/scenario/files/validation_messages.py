"""Messages for pydantic errors in the terms of scenario files, with what to write instead."""

from typing import Final

from pydantic_core import ErrorDetails

from lab.scenario.files.errors import FileErrorCode
from lab.scenario.files.schema_lookup import members_of, types_at, words_of
from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.step_union import BARE, VERBS
from text_input.suggestions import suggestion


def describe_unknown_verb(verb: str | None) -> tuple[FileErrorCode, str]:
    """The code and the message for a step with a verb that is not known, or without one."""
    if verb is not None:
        name, colon, value = verb.partition(":")
        if colon and name in VERBS:
            return (
                FileErrorCode.UNKNOWN_STEP,
                f"has no space after the colon; write `{name}: {value.strip()[:40]}`",
            )
        return FileErrorCode.UNKNOWN_STEP, f"no step is called {verb!r}; {suggestion(verb, VERBS)}"
    message = f"is not a step; begin it with a verb, as in `- wait: 5 days` or `- {BARE[0]}`"
    return FileErrorCode.UNKNOWN_STEP, message


def describe(details: ErrorDetails, loc: Path) -> tuple[FileErrorCode, str]:
    """The code and the message for a pydantic error at `loc`."""
    match details["type"]:
        case "union_tag_invalid":
            return describe_unknown_verb(details["ctx"]["tag"])
        case "union_tag_not_found":
            return describe_unknown_verb(None)
        case "extra_forbidden":
            return FileErrorCode.UNKNOWN_MEMBER, _unknown_member(str(loc[-1]), loc)
        case "missing":
            return FileErrorCode.MISSING_MEMBER, "is missing; add it"
        case "value_error":
            return FileErrorCode.BAD_VALUE, str(details["ctx"]["error"])
    return FileErrorCode.BAD_VALUE, _bad_value(details, loc)


def _unknown_member(name: str, loc: Path) -> str:
    members = members_of(types_at(loc[:-1]))
    known, colon, value = name.partition(":")
    if colon and known in members:
        return f"has no space after the colon; write `{known}: {value.strip()[:40]}`"
    if name == "<<":
        return "is a merge key; use parameters, or include the steps of a file"
    if not name.isascii() and name != name.strip():
        return "has a non-breaking space before its name; indent with spaces"
    if name in VERBS and loc[-2] in VERBS:
        return f"{name!r} is another step; write it on its own line, with a dash"
    return f"unknown member; {suggestion(name, members)}"


def _bad_value(details: ErrorDetails, loc: Path) -> str:
    given = details["input"]
    if details["type"] == "bool_type" and isinstance(given, str) and given.lower() in _SWITCHES:
        return f"is the text {given!r}; write true or false, here {_SWITCHES[given.lower()]}"
    if loc == ("steps",) and isinstance(given, dict):
        return "is a table; begin each step with a dash, as in `- wait: 5 days`"
    text = "a table or list" if isinstance(given, dict | list) else repr(given)[:60]
    if details["type"] == "enum" and (words := words_of(types_at(loc))):
        hint = suggestion(str(given)[:60], words)
    else:
        pattern = str(details.get("ctx", {}).get("pattern"))
        own = f"{details['msg'][0].lower()}{details['msg'][1:]}"
        hint = _HINTS.get(details["type"]) or _PATTERN_HINTS.get(pattern) or own
    return f"is {'empty' if given is None else text}; {hint}"


_SWITCHES: Final = {
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
}
"""Words that other readers of YAML take for a truth value."""

_HINTS: Final = {
    "tuple_type": "write a list, as in [a, b]",
    "list_type": "write a list, as in [a, b]",
    "dict_type": "write a table, as in {name: value}",
    "model_type": "write a table, as in {name: value}",
    "model_attributes_type": "write a table, as in {name: value}",
    "too_short": "at least one is required",
    "too_long": "there are too many; remove one",
    "none_required": "the step has no subject; write the verb without a value",
    "string_type": "write text, in quotes if it looks like a number",
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "float_type": "write a number",
}
"""What to write instead, by the type of the pydantic error."""

_PATTERN_HINTS: Final = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "use lower-case letters, digits and hyphens",
    r"^[0-9]{3}-[0-9]{2,3}$": "write a network as MCC and MNC, as in 208-01",
    r"^[A-Z]{2}$": "write a country as its ISO 3166 code, as in FR",
}
"""What to write instead, by the pattern that the text does not match."""
