"""The restrictions of strict JSON, at each limit."""

import pytest

from agent.verification.strict_json import JsonFault, StrictJsonError, loads, read

EXACT = 2**53 - 1


@pytest.mark.parametrize("text", [b"[]", b'[{"a":1}]', b"1", b'"a"', b"null", b"true", b""])
def test_only_an_object_is_read(text: bytes) -> None:
    assert read(text) is JsonFault.NOT_JSON


@pytest.mark.parametrize("number", [EXACT, -EXACT, 0, -1])
def test_exact_integer_is_read(number: int) -> None:
    """RFC 7493 section 2.2."""
    assert read(b'{"a":%d}' % number) == {"a": number}


@pytest.mark.parametrize(
    "digits", [str(EXACT + 1), str(-EXACT - 1), "1" + "0" * 16, "-1" + "0" * 16, "9" * 99]
)
def test_integer_that_is_not_exact_is_rejected(digits: str) -> None:
    assert read(b'{"a":%b}' % digits.encode()) is JsonFault.NUMBER


def test_integer_of_thousands_of_digits_is_rejected_with_its_fault() -> None:
    """Python raises a separate error for it."""
    assert read(b'{"a":%b}' % (b"9" * 5000)) is JsonFault.NUMBER


@pytest.mark.parametrize("spelling", [b"1.0", b"1e3", b"NaN", b"Infinity", b"-Infinity", b"-0.0"])
def test_number_that_is_not_an_integer_is_rejected(spelling: bytes) -> None:
    assert read(b'{"a":%b}' % spelling) is JsonFault.NUMBER


@pytest.mark.parametrize("lone", ["d800", "dabc", "dbff", "dc00", "dfff"])
@pytest.mark.parametrize("where", ['{"a":"%s"}', '{"%s":1}', '{"a":["b","%s"]}', '{"a":{"b":["%s"]}}'])
def test_lone_surrogate_is_rejected_everywhere(lone: str, where: str) -> None:
    assert read((where % f"\\u{lone}").encode()) is JsonFault.NOT_JSON


@pytest.mark.parametrize("escape", ["d7ff", "e000", "0041", "d83d\\ude00"])
def test_characters_next_to_the_surrogates_are_read(escape: str) -> None:
    """A pair of surrogates is one character."""
    text = f'{{"a":["b","\\u{escape}",1,{{"c":[]}}],"d":[]}}'.encode()
    found = read(text)
    assert not isinstance(found, JsonFault)
    assert len(found["a"][1]) == 1


def test_repeated_member_is_rejected_at_any_depth() -> None:
    for text in (b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":[{"b":1,"\\u0062":2}]}'):
        assert read(text) is JsonFault.MEMBER_DUPLICATE


@pytest.mark.parametrize(
    "text", [b'\xef\xbb\xbf{"a":1}', b'{"a":"\xff"}', b'{"a":1}x', b"{'a':1}", b'{"a":1,}']
)
def test_bytes_that_are_not_json_in_utf_8_are_rejected(text: bytes) -> None:
    """Including a byte order mark (RFC 8259 section 8.1)."""
    assert read(text) is JsonFault.NOT_JSON


def test_error_has_the_fault_and_no_part_of_the_text() -> None:
    with pytest.raises(StrictJsonError) as caught:
        loads(b'{"planted":1.5}')
    assert (caught.value.fault, str(caught.value)) == (JsonFault.NUMBER, "number")
