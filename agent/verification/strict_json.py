"""JSON as strictly as a verdict needs it: RFC 8259 with the freedoms of I-JSON (RFC 7493) taken away.

Refused by name: bytes that are not UTF-8, a byte order mark, a member named twice, `NaN` and the infinities,
any number that is not an integer which every implementation keeps exact, nesting deeper than the contract
allows, a lone surrogate, and a top level that is not an object.
"""

import json
from enum import Enum
from typing import Any, Final, NoReturn

from wire import limits

JsonObject = dict[str, Any]


class JsonFault(Enum):
    """Why a text was refused."""

    NOT_JSON = "not-json"
    MEMBER_DUPLICATE = "member-duplicate"
    TOO_DEEP = "too-deep"
    NUMBER = "number"


class StrictJsonError(ValueError):
    """The text is not strict JSON. Carries the `fault` and nothing of the text."""

    def __init__(self, fault: JsonFault) -> None:
        super().__init__(fault.value)
        self.fault: Final = fault


def loads(octets: bytes) -> JsonObject:
    """Read one JSON object. Raises StrictJsonError, on which nothing of `octets` hangs.

    >>> loads(b'{"serial": 7}')
    {'serial': 7}
    """
    value = read(octets)
    if isinstance(value, JsonFault):
        raise StrictJsonError(value)
    return value


def read(octets: bytes) -> JsonObject | JsonFault:
    """Like `loads`, with the fault as a value: for a caller whose own error must not follow from another."""
    try:
        text = octets.decode()
        # Bounding the nesting first means that the decoder's own recursion needs no guard.
        if _deeper_than_allowed(text):
            return JsonFault.TOO_DEEP
        value = _DECODER.decode(text)
    except StrictJsonError as refused:
        return refused.fault
    except ValueError:  # UnicodeDecodeError and JSONDecodeError, both of which quote the text
        return JsonFault.NOT_JSON
    if not isinstance(value, dict) or ("\\u" in text and _has_lone_surrogate(value)):
        return JsonFault.NOT_JSON
    return value


def _deeper_than_allowed(text: str) -> bool:
    if text.count("{") + text.count("[") <= limits.JSON_DEPTH_MAX:
        return False
    return _depth(text) > limits.JSON_DEPTH_MAX


def _depth(text: str) -> int:
    """Deepest nesting of brackets outside of strings. Does not care whether `text` is JSON."""
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
    return deepest


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
    # The length first: converting thousands of digits is slow, and Python refuses it in words of its own.
    if len(digits) > _DIGITS_MAX or abs(value := int(digits)) > limits.INTEGER_MAX:
        raise StrictJsonError(JsonFault.NUMBER)
    return value


def _refuse_number(_digits: str) -> NoReturn:
    raise StrictJsonError(JsonFault.NUMBER)


_DIGITS_MAX: Final = len(str(-limits.INTEGER_MAX))
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_refuse_number, parse_constant=_refuse_number
)
