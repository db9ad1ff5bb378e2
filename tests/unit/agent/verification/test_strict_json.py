"""What JSON of a header, a payload or a key set may hold: each freedom that was taken away, on its edge."""

import pytest

from agent.verification.strict_json import JsonFault, StrictJsonError, loads, read

EXACT = 2**53 - 1


@pytest.mark.parametrize("text", [b"[]", b'[{"a":1}]', b"1", b'"a"', b"null", b"true", b""])
def test_only_an_object_is_read(text: bytes) -> None:
    """A claim has a name."""
    assert read(text) is JsonFault.NOT_JSON


@pytest.mark.parametrize("number", [EXACT, -EXACT, 0, -1])
def test_an_integer_that_every_implementation_keeps_is_read(number: int) -> None:
    """RFC 7493 section 2.2, to the last one."""
    assert read(b'{"a":%d}' % number) == {"a": number}


@pytest.mark.parametrize(
    "digits", [str(EXACT + 1), str(-EXACT - 1), "1" + "0" * 16, "-1" + "0" * 16, "9" * 99]
)
def test_an_integer_beyond_is_refused(digits: str) -> None:
    """Two readers could take it for two numbers."""
    assert read(b'{"a":%b}' % digits.encode()) is JsonFault.NUMBER


def test_an_integer_of_thousands_of_digits_is_refused_by_name() -> None:
    """Python would refuse to convert it, in words of its own."""
    assert read(b'{"a":%b}' % (b"9" * 5000)) is JsonFault.NUMBER


@pytest.mark.parametrize("spelling", [b"1.0", b"1e3", b"NaN", b"Infinity", b"-Infinity", b"-0.0"])
def test_what_is_no_integer_is_refused(spelling: bytes) -> None:
    """Times and versions count in whole numbers."""
    assert read(b'{"a":%b}' % spelling) is JsonFault.NUMBER


@pytest.mark.parametrize("lone", ["d800", "dabc", "dbff", "dc00", "dfff"])
@pytest.mark.parametrize("where", ['{"a":"%s"}', '{"%s":1}', '{"a":["b","%s"]}', '{"a":{"b":["%s"]}}'])
def test_a_lone_surrogate_is_refused_wherever_it_stands(lone: str, where: str) -> None:
    """It is no character, and UTF-8 cannot say it."""
    assert read((where % f"\\u{lone}").encode()) is JsonFault.NOT_JSON


@pytest.mark.parametrize("escape", ["d7ff", "e000", "0041", "d83d\\ude00"])
def test_the_characters_beside_the_surrogates_are_read(escape: str) -> None:
    """And a pair of surrogates is one character."""
    text = f'{{"a":["b","\\u{escape}",1,{{"c":[]}}],"d":[]}}'.encode()
    found = read(text)
    assert not isinstance(found, JsonFault)
    assert len(found["a"][1]) == 1


def test_a_member_named_twice_is_refused_at_any_depth() -> None:
    """Which of the two counts is up to the reader, so neither does."""
    for text in (b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'{"a":[{"b":1,"\\u0062":2}]}'):
        assert read(text) is JsonFault.MEMBER_DUPLICATE


@pytest.mark.parametrize(
    "text", [b'\xef\xbb\xbf{"a":1}', b'{"a":"\xff"}', b'{"a":1}x', b"{'a':1}", b'{"a":1,}']
)
def test_what_is_not_json_in_utf_8_is_refused(text: bytes) -> None:
    """A byte order mark included (RFC 8259 section 8.1)."""
    assert read(text) is JsonFault.NOT_JSON


def test_the_error_names_the_fault_and_nothing_else() -> None:
    """What was refused may hold anything, so none of it is repeated."""
    with pytest.raises(StrictJsonError) as caught:
        loads(b'{"planted":1.5}')
    assert (caught.value.fault, str(caught.value)) == (JsonFault.NUMBER, "number")
