import doctest
import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text_input import toml
from text_input.toml import DEPTH_MAX, DIGITS_MAX, SIZE_MAX, Path, TomlError, TomlPositions, parse_toml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b = 1\n\n# c = 2\n'd e' = 3", {("a",): 1, ("a", "b"): 1, ("d e",): 4}),
        ("[t]\nx = '''\n[fake]\ny = 1\n'''\nz = 2", {("t",): 1, ("t", "x"): 2, ("t", "z"): 6}),
        ("[t]\nx = [\n  'y = 1',\n  # ]\n]\nz = 2", {("t",): 1, ("t", "x"): 2, ("t", "z"): 6}),
        ("i = { p = 1, q = 2 }", {("i",): 1}),
        ('"a\\u0062".\'c.d\' = { x = [{ y = "]" }] }\ne = 1', {("ab",): 1, ("ab", "c.d"): 1, ("e",): 2}),
        ("a = \"\"\"x\"\" \"\"\"\"\"\nb = '''''x'''''\nc = 1", {("a",): 1, ("b",): 2, ("c",): 3}),
        ("[ t . 'u v' ] # ]\n  x = 1 # = [\n", {("t", "u v"): 1, ("t", "u v", "x"): 2}),
        ("a = [ # [\n  [1], {b = ']'},\n]\nc = 2021-09-06T00:00:00Z", {("a",): 1, ("c",): 4}),
        (
            "[[t]]\na = 1\n[t.u]\n[[t]]\na = 2",
            {("t",): 1, ("t", 0): 1, ("t", 0, "a"): 2, ("t", 0, "u"): 3, ("t", 1): 4, ("t", 1, "a"): 5},
        ),
        (
            "[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\na = 1",
            {
                ("t",): 1,
                ("t", 0): 1,
                ("t", 0, "u"): 2,
                ("t", 0, "u", 0): 2,
                ("t", 1): 3,
                ("t", 1, "u"): 4,
                ("t", 1, "u", 0): 4,
                ("t", 1, "u", 1): 5,
                ("t", 1, "u", 1, "a"): 6,
            },
        ),
        ("[a.b]\nc = 1\r\nd = 2", {("a", "b"): 1, ("a", "b", "c"): 2, ("a", "b", "d"): 3}),
    ],
)
def test_the_line_of_a_key_is_where_its_statement_begins(text: str, expected: dict[Path, int]) -> None:
    assert TomlPositions(text).lines == expected


@pytest.mark.parametrize(
    ("path", "line"),
    [(("b", 0, "c"), 3), (("b", 0, "x"), 2), (("b", 5, "c"), 2), (("x", "y"), 1), ((), 1)],
)
def test_the_line_of_an_absent_key_is_that_of_the_closest_table_around_it(path: Path, line: int) -> None:
    assert TomlPositions("a = 1\n[[b]]\nc = 2\n").line_of(path) == line


@pytest.mark.parametrize(
    ("text", "line", "detail"),
    [
        ("a = 1\nb = " + "[" * 1000 + "]" * 1000, 2, f"more than {DEPTH_MAX} levels"),
        ("a = " + "{b = " * 100, 1, f"more than {DEPTH_MAX} levels"),
        ("a = 1\n" + "a." * 1500 + "a = 1", 2, f"more than {DEPTH_MAX} levels"),
        ("[" + "'a' . " * 20 + "a]", 1, f"more than {DEPTH_MAX} levels"),
        ("a = 1\nb = " + "1" * 5000, 2, f"a number has more than {DIGITS_MAX} digits"),
        ("a = -1" + "_1" * 3000, 1, f"a number has more than {DIGITS_MAX} digits"),
        ("x" * (SIZE_MAX + 1), 1, f"the document is longer than {SIZE_MAX} characters"),
        ("a = 1\nb = ", 2, "Invalid value"),
        ("a = 'x\nb = 1\n", 2, "Expected"),
        ('a = """\n', 1, "Unterminated string"),
        ("a = 1\na = 2", 2, "Cannot overwrite a value"),
    ],
)
def test_a_document_beyond_a_bound_or_not_toml_is_an_error_with_its_line(
    text: str, line: int, detail: str
) -> None:
    with pytest.raises(TomlError) as caught:
        parse_toml(text)
    assert caught.value.line == line
    assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * DEPTH_MAX + "]" * DEPTH_MAX,
        "a." * (DEPTH_MAX - 1) + "a = 1",
        "a = " + "9" * 19 + "\nb = 0b" + "1" * 38,
        "a = '" + "[" * 1000 + "1" * 5000 + "." * 1000 + "'",
        "# " + "[" * 1000,
        "a = [" + "1.5, " * 1000 + "]",
    ],
)
def test_a_document_within_the_bounds_is_parsed(text: str) -> None:
    assert parse_toml(text) == tomllib.loads(text)


KEYS = st.sampled_from(["a", "b", "c d", 'e"', "f.g", "ü", "'"])
VALUES = st.recursive(
    st.sampled_from(["1", "1.5", "true", "2021-09-06", '"]"', "'[='", '"""\n]\n\\\\""""', "'''\n= '''''"]),
    lambda inner: st.lists(inner, max_size=3).map(
        lambda each: "[\n" + "".join(f"{value}, # ]\n" for value in each) + "]"
    ),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, st.tuples(VALUES, st.integers(0, 2)), min_size=1))
def test_every_key_is_found_on_its_line(entries: dict[str, tuple[str, int]]) -> None:
    lines: dict[Path, int] = {}
    text = ""
    for key, (value, blank) in entries.items():
        text += "\n" * blank
        lines[(key,)] = text.count("\n") + 1
        text += f"{json.dumps(key, ensure_ascii=False)} = {value} # {key}\n"
    assert set(parse_toml(text)) == set(entries)
    assert TomlPositions(text).lines == lines


@given(st.text(alphabet="ab.=[]{}'\"\\#\n 1", max_size=80))
def test_any_text_is_parsed_or_an_error(text: str) -> None:
    try:
        parse_toml(text)
        found = set(TomlPositions(text).lines.values())
    except TomlError as error:
        found = {error.line}
    assert found <= set(range(1, text.count("\n") + 2))


def test_examples_in_the_docstrings_are_correct() -> None:
    result = doctest.testmod(toml)
    assert (result.attempted, result.failed) == (2, 0)
