"""The nesting of JSON, checked before decoding: brackets in strings do not count."""

import json

import pytest

from agent.verification.strict_json import JsonFault, read


def nested(depth: int, beside: str = "") -> bytes:
    """An object with arrays, with `depth` levels."""
    return ('{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + beside + "}").encode()


def test_eight_levels_are_accepted_and_nine_are_rejected() -> None:
    assert read(nested(8)) == json.loads(nested(8))
    assert read(nested(9)) is JsonFault.TOO_DEEP


@pytest.mark.parametrize("beside", [',"b":[]', ',"b":{},"c":[[],[]]', ',"b":[{"c":[]},{"c":[]}]'])
def test_many_brackets_on_one_level_are_accepted(beside: str) -> None:
    assert read(nested(8, beside)) == json.loads(nested(8, beside))
    assert read(nested(9, beside)) is JsonFault.TOO_DEEP


@pytest.mark.parametrize("text", ["[" * 20, '\\"' + "[" * 20, '\\\\\\"' + "{" * 20, "}" * 20, "\\\\"])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    """With escaped quotation marks and backslashes."""
    beside = f',"b":"{text}","c":"{text}","d":[]'
    assert read(nested(8, beside)) == json.loads(nested(8, beside))
    assert read(nested(2, f',"b":"{text}"').replace(b'"a":[]', nested(9)[1:-1])) is JsonFault.TOO_DEEP
    behind = f'{{"b":"{text}",'.encode() + nested(9)[1:]
    assert read(behind) is JsonFault.TOO_DEEP


def test_closed_bracket_does_not_count() -> None:
    assert read(b'{"b":[[],[],{}],' + nested(9)[1:]) is JsonFault.TOO_DEEP
    assert read(b'{"a":[' + b"[],{}," * 20 + b"1]}") != JsonFault.TOO_DEEP
