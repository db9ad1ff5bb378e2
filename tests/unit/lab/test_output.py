"""No text reaches a terminal with characters that the terminal would obey."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from lab.cli import output
from text_input import printable

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\x7f\u202egnp\u2028\u2067"
OBEYED = {"\x1b", "\x07", "\x9b", "\r", "\x08", "\x7f", "\u202e", "\u2028", "\u2067"}


@pytest.mark.parametrize("text", [HOSTILE, f"[bold]{HOSTILE}[/x]", f":smile: {HOSTILE}"])
def test_tables_and_text_are_escaped(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(text)
    table.add_row(text)
    output.show(table, text)
    output.say(text)
    output.say(text, err=True)
    shown = capsys.readouterr()
    assert OBEYED.isdisjoint(shown.out + shown.err)
    assert "\\x1b[2J" in shown.out
    assert "\\u202e" in shown.err


def test_markup_in_text_from_outside_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.show("[bold]:smile:[/x]")
    assert capsys.readouterr().out == "[bold]:smile:[/x]\n"


@given(st.text())
def test_printable_text_has_no_controls_and_says_what_they_were(text: str) -> None:
    shown = printable.printable(text)
    assert not any(
        unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in shown if each not in "\n\t"
    )
    if shown == text:
        assert OBEYED.isdisjoint(text)
    assert printable.printable(shown) == shown


@given(st.dictionaries(st.text(), st.text(), max_size=3))
def test_json_keeps_its_value(value: dict[str, str]) -> None:
    text = printable.json_text(value)
    assert json.loads(text) == value
    assert OBEYED.isdisjoint(text)


def test_errors_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(output.typer.Exit):
        output.exit_with_error(f"no file is called {HOSTILE}")
    assert OBEYED.isdisjoint(capsys.readouterr().err)


def test_drawn_screen_keeps_its_isolates_and_nothing_else_that_is_unsafe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.show_screens("│ \u2068Cuba\u2069 \u202e\x1b[2J│")
    assert capsys.readouterr().out == "│ \u2068Cuba\u2069 \\u202e\\x1b[2J│\n"
