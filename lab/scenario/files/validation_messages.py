"""What is wrong with a value, in the words of scenario files instead of pydantic's, and what to write instead."""

from typing import Final

from pydantic_core import ErrorDetails

from lab.scenario.files.errors import Wrong
from lab.scenario.files.schema_lookup import members_of, nearest_model, under, words_of
from lab.scenario.files.yaml_positions import Path
from lab.scenario.model.step_union import BARE, VERBS
from text_input.suggestions import suggestion


def what_is_wrong(details: ErrorDetails, loc: Path) -> tuple[Wrong, str]:
    """The code and the words for what pydantic found at `loc`."""
    kind = details["type"]
    if kind == "union_tag_invalid":
        return (
            Wrong.UNKNOWN_STEP,
            f"no step is called {details['ctx']['tag']!r}; {suggestion(details['ctx']['tag'], VERBS)}",
        )
    if kind == "union_tag_not_found":
        return (
            Wrong.UNKNOWN_STEP,
            f"is no step; begin it with a verb, as in `- wait: 5 days` or `- {BARE[0]}`",
        )
    if kind == "extra_forbidden":
        return Wrong.UNKNOWN_MEMBER, _unknown_member(loc)
    if kind == "missing":
        return Wrong.MISSING_MEMBER, "is missing; add it"
    if kind == "value_error":
        return Wrong.BAD_VALUE, str(details["ctx"]["error"])
    return Wrong.BAD_VALUE, _bad_value(details, loc)


def _unknown_member(loc: Path) -> str:
    name = str(loc[-1])
    if name in VERBS and loc[-2] in VERBS:
        return f"{name!r} is another step; begin it on a line of its own, with a dash"
    return f"unknown member; {suggestion(name, _members(loc))}"


def _bad_value(details: ErrorDetails, loc: Path) -> str:
    given = details["input"]
    shown = (
        "nothing"
        if given is None
        else repr(given)[:60]
        if not isinstance(given, dict | list)
        else "a table or list"
    )
    if details["type"] == "enum" and (words := _words(loc)):
        return f"is {shown}; {suggestion(str(given)[:60], words)}"
    pattern = details.get("ctx", {}).get("pattern")
    wish = (
        _WISHES.get(details["type"])
        or _PATTERNS.get(str(pattern))
        or f"{details['msg'][0].lower()}{details['msg'][1:]}"
    )
    return f"is {shown}; {wish}"


_WISHES: Final = {
    "tuple_type": "write a list, as in [a, b]",
    "list_type": "write a list, as in [a, b]",
    "dict_type": "write a table, as in {name: value}",
    "model_type": "write a table, as in {name: value}",
    "model_attributes_type": "write a table, as in {name: value}",
    "too_short": "at least one is needed",
    "too_long": "that is one too many",
    "none_required": "it is done to nothing, so that the verb stands alone",
    "string_type": "write text, in quotes if it looks like a number",
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "float_type": "write a number",
}
"""What to write instead, by pydantic's type of the error."""

_PATTERNS: Final = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "use small letters, digits and hyphens",
    r"^[0-9]{3}-[0-9]{2,3}$": "write a network by its MCC and MNC, as in 208-01",
    r"^[A-Z]{2}$": "write a country by its ISO 3166 code, as in FR",
}
"""What to write instead, by what a text has to look like."""


def _members(loc: Path) -> list[str]:
    model, way = nearest_model(loc)
    return members_of(under(model, way[:-1]))


def _words(loc: Path) -> list[str]:
    model, way = nearest_model(loc)
    return words_of(under(model, way))
