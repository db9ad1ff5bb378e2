"""How deep JSON may nest, counted before anything is decoded: brackets in strings do not count, all others do."""

import json

import pytest

from agent.verification.strict_json import JsonFault, read


def nested(depth: int, beside: str = "") -> bytes:
    """An object with arrays in it, `depth` levels in all."""
    return ('{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + beside + "}").encode()


def test_eight_levels_are_read_and_nine_are_not() -> None:
    """`limits.JSON_DEPTH_MAX`, to the level."""
    assert read(nested(8)) == json.loads(nested(8))
    assert read(nested(9)) is JsonFault.TOO_DEEP


@pytest.mark.parametrize("beside", [',"b":[]', ',"b":{},"c":[[],[]]', ',"b":[{"c":[]},{"c":[]}]'])
def test_breadth_is_not_depth(beside: str) -> None:
    """Many brackets side by side are as good as few."""
    assert read(nested(8, beside)) == json.loads(nested(8, beside))
    assert read(nested(9, beside)) is JsonFault.TOO_DEEP


@pytest.mark.parametrize("text", ["[" * 20, '\\"' + "[" * 20, '\\\\\\"' + "{" * 20, "}" * 20, "\\\\"])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    """Wherever the string really ends, escaped quotation marks and escaped backslashes considered."""
    beside = f',"b":"{text}","c":"{text}","d":[]'
    assert read(nested(8, beside)) == json.loads(nested(8, beside))
    assert read(nested(2, f',"b":"{text}"').replace(b'"a":[]', nested(9)[1:-1])) is JsonFault.TOO_DEEP
    behind = f'{{"b":"{text}",'.encode() + nested(9)[1:]
    assert read(behind) is JsonFault.TOO_DEEP


def test_a_bracket_that_was_closed_no_longer_counts() -> None:
    """Depth goes down again, by one for each."""
    assert read(b'{"b":[[],[],{}],' + nested(9)[1:]) is JsonFault.TOO_DEEP
    assert read(b'{"a":[' + b"[],{}," * 20 + b"1]}") != JsonFault.TOO_DEEP
