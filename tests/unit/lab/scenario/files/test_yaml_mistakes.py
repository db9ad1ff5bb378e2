"""Mistakes in YAML are explained in words, with line, column, the text of the line and what to write instead."""

import pytest

from lab.scenario.files.errors import ERRORS_MAX, ScenarioError
from lab.scenario.files.reader import read_text

HEAD = "name: a\nabout: b\nhandsets:\n  phone: {profile: official-global}\n"
STEPS = f"{HEAD}steps:\n"

MISTAKES: dict[str, tuple[str, tuple[int, int], str]] = {
    "a tab before a step": (f"{STEPS}\t- retry\n", (6, 1), "a tab; indent with spaces"),
    "a tab after spaces": (
        f"{STEPS}  - expect: phone\n  \tusable: true\n",
        (7, 3),
        "a tab; indent with spaces",
    ),
    "a tab after a colon": (f"{STEPS}  - wait:\t5 days\n", (6, 10), "a tab"),
    "a non-breaking space": (
        f"{STEPS}  - expect: phone\n\u00a0   usable: true\n",
        (7, 1),
        "non-breaking space",
    ),
    "no space after a colon": ("name:a\nabout: b\n", (1, 6), "no space after the colon; write `name: a`"),
    "no space after the colon of a member": (
        f"{STEPS}  - move: phone\n    to:paris\n",
        (7, 8),
        "write `to: paris`",
    ),
    "no space after the colon of a verb": (f"{STEPS}  - wait:5 days\n", (6, 5), "write `wait: 5 days`"),
    "no space in a table in braces": (
        "name: a\nabout: b\nhandsets:\n  phone: {profile:official-global}\nsteps: [retry]\n",
        (4, 11),
        "write `profile: official-global`",
    ),
    "an @": (f"{STEPS}  - lock: phone\n    reason: @home\n", (7, 13), "begins with `@`; write it in quotes"),
    "a backquote": (f"{STEPS}  - lock: phone\n    reason: `x`\n", (7, 13), "backquote; write it in quotes"),
    "a percent sign": (
        f"{STEPS}  - lock: phone\n    reason: %5\n",
        (7, 13),
        "begins with `%`; write it in quotes",
    ),
    "a percent sign at the beginning": ("%name: a\nabout: b\n", (1, 6), "begins with `%`"),
    "an asterisk": (f"{STEPS}  - expect: phone\n    timeline: *\n", (7, 15), "quotes if `*` is text"),
    "an asterisk before a name": (
        f"{STEPS}  - put-in-force: *next\n",
        (6, 19),
        "an alias; use parameters instead",
    ),
    "an ampersand": (
        f"{STEPS}  - lock: phone\n    reason: &x y\n",
        (7, 13),
        "an anchor; use parameters instead",
    ),
    "an exclamation mark": (f"{STEPS}  - lock: phone\n    reason: !now\n", (7, 13), "a tag; use quotes"),
    "a merge key": (f"{HEAD}<<: {{tags: [x]}}\nsteps: [retry]\n", (5, 1), "a merge key; use parameters"),
    "no instead of false": (
        f"{STEPS}  - expect: phone\n    usable: no\n",
        (7, 5),
        "the text 'no'; write true or false, here false",
    ),
    "off instead of false": (
        f"{STEPS}  - expect: phone\n    usable: off\n",
        (7, 5),
        "the text 'off'; write true or false, here false",
    ),
    "on instead of true": (
        f"{STEPS}  - expect: phone\n    usable: on\n",
        (7, 5),
        "the text 'on'; write true or false, here true",
    ),
    "True instead of true": (
        f"{STEPS}  - expect: phone\n    usable: True\n",
        (7, 5),
        "the text 'True'; write true or false, here true",
    ),
    "a number instead of text": (
        f"{STEPS}  - lock: phone\n    reason: 5\n",
        (7, 5),
        "in quotes if it looks like",
    ),
    "text instead of a number": (
        f"{STEPS}  - insert-sim: phone\n    operator: 208-01\n    slot: '1'\n",
        (8, 5),
        "whole number",
    ),
    "a member twice": (
        f"{HEAD}name: c\nsteps: [retry]\n",
        (5, 1),
        "is defined twice, first on line 1; keep one",
    ),
    "a member twice in braces": (f"{STEPS}  - {{wait: 5 s, wait: 6 s}}\n", (6, 17), "is defined twice"),
    "a member indented more": ("name: a\n  about: b\n", (2, 8), "indented more than the line above"),
    "a member indented less": (
        f"{STEPS}  - expect: phone\n   usable: true\n",
        (7, 4),
        "indented differently",
    ),
    "a member between two levels": ("  name: a\n about: b\n", (2, 2), "indented less than the first line"),
    "a step without a dash": (f"{STEPS}  - power-on\n  set-up\n  - retry\n", (7, 3), "write `- set-up`"),
    "a step without a dash and with a value": (
        f"{STEPS}  - power-on: phone\n  set-up: phone\n",
        (7, 3),
        "without its dash; write `- set-up: phone`",
    ),
    "a step without a dash, indented": (
        f"{STEPS}  - power-on\n    set-up\n    language: fr\n",
        (7, 5),
        "is a step without its dash",
    ),
    "two steps in one text": (f"{STEPS}  - power-on\n    set-up\n", (6, 5), "is two steps, 'power-on' and"),
    "a dash without a space": (
        f"{STEPS}  -power-on\n  - set-up\n  - expect: phone\n",
        (6, 3),
        "no space after the dash; write `- power-on`",
    ),
    "a member below the dash": (
        f"{STEPS}  - expect: phone\n  usable: true\n",
        (7, 3),
        "align it with the word after the dash",
    ),
    "members below a step without a colon": (
        f"{STEPS}  - power-on\n    when: {{a: 1}}\n  - retry\n",
        (6, 5),
        "write `- power-on:`",
    ),
    "a colon in a text in braces": (
        f"{HEAD}skip: {{because: case 1: x}}\nsteps: [retry]\n",
        (5, 23),
        "write the text in quotes",
    ),
    "a comma in a text in braces": (
        f"{HEAD}skip: {{because: a, b}}\nsteps: [retry]\n",
        (5, 20),
        "write the whole text in quotes",
    ),
    "a reason without a table": (
        f"{HEAD}skip: later\nsteps: [retry]\n",
        (5, 1),
        "write `{because: 'later'}`",
    ),
    "members in the line of a verb": (
        f"{STEPS}  - move: phone to havana\n",
        (6, 5),
        "write `move: phone`, and on the next line `to: havana`",
    ),
    "a dash indented less": (f"{STEPS}   - retry\n  - retry\n", (7, 3), "align the dashes"),
    "a dash in a table": ("name: a\n- retry\n", (2, 1), "align the dashes"),
    "a dash after a colon": ("name: a\nsteps: - retry\n", (2, 8), "begin the list on the next line"),
    "no dashes": (f"{STEPS}  wait: 5 days\n  retry:\n", (5, 1), "begin each step with `- `"),
    "a quote that is open": (
        "name: 'a\nabout: b\n",
        (1, 7),
        "a quote that is not closed; end the text with '",
    ),
    "a double quote that is open": ('name: "a\nabout: b\n', (1, 7), 'end the text with "'),
    "an apostrophe in quotes": ("name: 'don't'\n", (1, 12), "text after a closing quote"),
    "text after a quote": ("name: 'a' b\n", (1, 11), "text after a closing quote"),
    "a backslash in double quotes": ('name: "C:\\dir"\n', (1, 11), "use single quotes"),
    "a list that is open": (f"{HEAD}tags: [a, b\nsteps: [retry]\n", (5, 7), "a list that is not closed"),
    "a table that is open": (
        "name: a\nhandsets: {phone: {profile: x}\nsteps: [retry]\n",
        (2, 11),
        "a table that is not closed",
    ),
    "a bracket too many": (f"{HEAD}tags: [a]]\n", (5, 10), "a `]` without a `[`"),
    "a brace too many": (f"{HEAD}world: {{}}}}\n", (5, 10), "a `}` without a `{`"),
    "a comma after a value": ("name: 'a',\nabout: b\n", (1, 10), "a comma after a value"),
    "no comma": (
        f"{HEAD}world: {{place: paris network: up}}\n",
        (5, 29),
        "without a comma between two parts",
    ),
    "a reference in braces": (
        "name: a\nhandsets: {phone: {profile: ${profile}}}\n",
        (2, 29),
        "a reference in brackets; write it in quotes",
    ),
    "a reference in brackets": (
        f"{HEAD}tags: [${{tag}}]\n",
        (5, 8),
        "a reference in brackets; write it in quotes",
    ),
    "a second colon": (
        "name: a\nabout: first: second\n",
        (2, 13),
        "a second colon in a value; write the value in quotes",
    ),
    "a line without a colon": ("name: a\nabout\nsteps: [retry]\n", (2, 1), "has no colon"),
    "a comment after a bar": ("name: a\nabout: |#b\n  c\n", (2, 9), "put a space before `#`"),
    "text after a bar": ("name: a\nabout: | b\n", (2, 10), "begin it on the next line"),
    "a wrong number after a bar": ("name: a\nabout: |0\n b\n", (2, 9), "1 to 9"),
    "two documents": ("name: a\n---\nname: b\n", (2, 1), "a second document; remove the line `---`"),
    "a control character": ("name: a\nabout: b\x01\n", (2, 9), "a control character"),
    "only a comment": ("# a\n", (1, 1), "is empty"),
    "a list instead of a table": ("- name: a\n", (1, 1), "begin with `name: …`"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_has_position_words_and_the_text_of_the_line(name: str) -> None:
    text, position, words = MISTAKES[name]
    with pytest.raises(ScenarioError) as raised:
        read_text(text, "x.scenario.yaml")
    lines = text.splitlines()
    error = next((each for each in raised.value.errors if words in each.message), raised.value.errors[0])
    assert ((error.line, error.column), words in error.message) == (position, True), raised.value.lines()
    if error.code in ("syntax", "duplicate-key") and "is empty" not in error.message:
        assert error.excerpt == lines[error.line - 1].rstrip().replace("\t", "\\t")
        assert f"    {error.line} | {error.excerpt}" in raised.value.lines()


def test_table_has_mistakes_of_at_least_forty_kinds() -> None:
    assert len(MISTAKES) >= 40


def test_obvious_mistakes_are_reported_together() -> None:
    text = f"{STEPS}\t- retry\n  - lock: phone\n    reason: @home\n  - lock: phone\n    reason: %5\n"
    text += "    note: |\n      @text\n"
    with pytest.raises(ScenarioError) as raised:
        read_text(text, "x.scenario.yaml")
    assert [error.line for error in raised.value.errors] == [6, 8, 10]


def test_many_mistakes_are_bounded() -> None:
    with pytest.raises(ScenarioError) as raised:
        read_text("a: @b\n" * 10_000, "x.scenario.yaml")
    assert len(raised.value.errors) == ERRORS_MAX
