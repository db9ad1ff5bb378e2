"""Strict reading of JSON (RFC 8259, RFC 7515 section 4): no duplicate member, no NaN, bounded depth."""

import json
import re
from itertools import islice
from typing import Any, Final, NoReturn

from wire import limits

_QUOTE: Final = ord('"')
_OPENERS: Final = (b"{", b"[")
_CONTAINERS: Final = (dict, list)
_PARTS: Final = (b"{", b"[", b",")
_STRING_OR_PART: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{\[,]', re.DOTALL)
"""The string may be unterminated, up to the end, so that each byte is matched once."""


class JsonError(ValueError):
    """The bytes are not strict JSON, or not the expected object."""


def read_object(content: bytes, most: int | None = None) -> dict[str, Any]:
    """The JSON object in `content`, UTF-8. Raises JsonError, also if it has more than `most` containers and commas.

    >>> read_object(b'{"a": 1}')
    {'a': 1}
    """
    if most is not None and sum(map(content.count, _PARTS)) > most and _has_more_parts(content, most):
        raise JsonError(f"made of more than {most} parts")
    value = _decoded(content)
    if not isinstance(value, dict):
        raise JsonError("not an object")
    if sum(map(content.count, _OPENERS)) > limits.JSON_DEPTH_MAX and _deeper(value, limits.JSON_DEPTH_MAX):
        raise JsonError(f"nested deeper than {limits.JSON_DEPTH_MAX}")
    return value


def check(content: bytes) -> None:
    """Raises JsonError if readers could differ about `content`: a member given twice, NaN, no UTF-8, no JSON.

    >>> check(b"null")
    """
    _decoded(content)


def _decoded(content: bytes) -> Any:
    try:
        return _DECODER.decode(content.decode("utf-8"))
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError("not strict JSON") from error


def _has_more_parts(content: bytes, most: int) -> bool:
    """Whether more than `most` of the parts are outside of strings; reads no further than necessary."""
    parts = (found for found in _STRING_OR_PART.finditer(content) if found[0][0] != _QUOTE)
    return next(islice(parts, most, None), None) is not None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("a member is given twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise JsonError("NaN or Infinity")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_no_constant)


def _deeper(value: dict[str, Any], levels: int) -> bool:
    """Whether containers nest more than `levels` deep."""
    level: list[Any] = [value]
    for _ in range(levels):
        inside = [item for each in level for item in (each.values() if type(each) is dict else each)]
        level = [item for item in inside if type(item) in _CONTAINERS]
        if not level:
            return False
    return True
