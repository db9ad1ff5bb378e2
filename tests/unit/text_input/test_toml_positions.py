import doctest

import pytest

from text_input import toml_positions
from text_input.toml_positions import Path, TomlPositions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b = 1\n\n# c = 2\n'd e' = 3", {("a",): 1, ("a", "b"): 1, ("d e",): 4}),
        ("[t]\nx = '''\n[fake]\ny = 1\n'''\nz = 2", {("t",): 1, ("t", "x"): 2, ("t", "z"): 6}),
        ("[t]\nx = [\n  'y = 1',\n  # ]\n]\nz = 2", {("t",): 1, ("t", "x"): 2, ("t", "z"): 6}),
        ("i = { p = 1, q = 2 }", {("i",): 1, ("i", "p"): 1, ("i", "q"): 1}),
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


def test_a_statement_that_is_costly_to_delimit_ends_the_reading() -> None:
    text = "a = 1\nb = [\n" + "['x'],\n" * 5_000 + "]\nc = 2"
    assert TomlPositions(text).lines == {("a",): 1}


def test_examples_in_the_docstrings_are_correct() -> None:
    result = doctest.testmod(toml_positions)
    assert (result.attempted, result.failed) == (1, 0)
