"""Strict JSON for verdicts: RFC 8259 with the restrictions of I-JSON (RFC 7493) and more.

Rejects bytes that are not UTF-8, a byte order mark, repeated members, `NaN` and the infinities, numbers that are not
integers or that some implementations do not keep exact, nesting deeper than the contract permits, lone surrogates, and
a top level that is not an object.
"""

import json
from enum import Enum
from typing import Any, Final, NoReturn

from wire import limits

JsonObject = dict[str, Any]


class JsonFault(Enum):
    """Why a text was rejected."""

    NOT_JSON = "not-json"
    MEMBER_DUPLICATE = "member-duplicate"
    TOO_DEEP = "too-deep"
    NUMBER = "number"


class StrictJsonError(ValueError):
    """The text is not strict JSON. Has the `fault` and no part of the text."""

    def __init__(self, fault: JsonFault) -> None:
        super().__init__(fault.value)
        self.fault: Final = fault


def loads(data: bytes) -> JsonObject:
    """Read one JSON object. Raises StrictJsonError, which contains no part of `data`.

    >>> loads(b'{"serial": 7}')
    {'serial': 7}
    """
    value = read(data)
    if isinstance(value, JsonFault):
        raise StrictJsonError(value)
    return value


def read(data: bytes) -> JsonObject | JsonFault:
    """Like `loads`, but returns the fault, so that the caller can raise an error without `__context__`."""
    try:
        text = data.decode()
        # Checked first, so that the recursion of the decoder is bounded.
        if _is_too_deep(text):
            return JsonFault.TOO_DEEP
        value = _DECODER.decode(text)
    except StrictJsonError as refused:
        return refused.fault
    except ValueError:  # UnicodeDecodeError or JSONDecodeError, which contain the text
        return JsonFault.NOT_JSON
    if not isinstance(value, dict) or ("\\u" in text and _has_lone_surrogate(value)):
        return JsonFault.NOT_JSON
    return value


def _is_too_deep(text: str) -> bool:
    """Whether brackets outside of strings are nested too deeply. `text` need not be JSON."""
    if text.count("{") + text.count("[") <= limits.JSON_DEPTH_MAX:
        return False
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest > limits.JSON_DEPTH_MAX


def _has_lone_surrogate(value: object) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_has_lone_surrogate(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_lone_surrogate, value))


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError(JsonFault.MEMBER_DUPLICATE)
    return members


def _integer(digits: str) -> int:
    # The length first: converting thousands of digits is slow, and Python raises its own ValueError for them.
    if len(digits) > _DIGITS_MAX or abs(value := int(digits)) > limits.INTEGER_MAX:
        raise StrictJsonError(JsonFault.NUMBER)
    return value


def _refuse_number(_digits: str) -> NoReturn:
    raise StrictJsonError(JsonFault.NUMBER)


_DIGITS_MAX: Final = len(str(-limits.INTEGER_MAX))
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_refuse_number, parse_constant=_refuse_number
)
