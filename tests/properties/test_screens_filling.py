"""Texts from outside never change the structure of a screen."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.screens import Action, ScreenFacts, ScreenId, Trouble
from agent.screens import LANGUAGES, build, render_text, resolve
from agent.screens.catalogue import load
from agent.screens.cells import cell, cells, wrap
from agent.screens.fill import ARGUMENT_MAX, FSI, PDI, Sentence, isolated, neutral
from agent.screens.render import MIN_WIDTH
from tests.support.profiles import examples
from wire.codes import MessageKey

NASTY = st.sampled_from(
    [
        "{case}",
        "{",
        "}",
        "{{}}",
        "%s",
        "\\1",
        "\u202e",
        "\u2066",
        "\u2067",
        "\u2068",
        "\u2069",
        "\u200f",
        "\n",
        "\r",
        "\x1b[2J",
        "\0",
        "\u2028",
        "\u0301" * 9,
        "锁",
        "🔒",
        "\ufe0f",
        "قفل",
        "é",
        "\ud800",
        "\U000e0041",
        " " * 5,
        "x" * 300,
    ]
)
ADVERSARIAL = st.lists(st.one_of(NASTY, st.text(max_size=12)), max_size=8).map("".join)
FACTS = st.builds(
    ScreenFacts,
    message=st.none() | st.sampled_from(MessageKey),
    args=st.lists(st.tuples(st.sampled_from(("version", "contact", "case", "lock_at")), ADVERSARIAL)).map(
        tuple
    ),
    case=ADVERSARIAL,
    territory=ADVERSARIAL | st.sampled_from(("CU", "UA-43")),
    lock_at=st.none() | st.integers(),
    retry_at=st.none() | st.integers(),
    trouble=st.none() | st.sampled_from(Trouble),
    terms_version=ADVERSARIAL,
    imeis=st.lists(ADVERSARIAL, max_size=2).map(tuple),
)


def outside_isolates(text: str) -> str:
    """The text outside all isolates."""
    depth, kept = 0, []
    for char in text:
        if char == PDI:
            depth -= 1
            kept.append("\0")
        elif char == FSI:
            depth += 1
        elif depth == 0:
            kept.append(char)
    assert depth == 0
    return "".join(kept)


@given(ADVERSARIAL)
def test_neutral_text_is_one_bounded_line_without_control_characters(text: str) -> None:
    """No controls, direction marks, line breaks, private use characters or stacked marks."""
    plain = neutral(text)
    assert len(plain) <= ARGUMENT_MAX
    assert plain == plain.strip()
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in plain)
    assert not plain or unicodedata.category(plain[0])[0] != "M"
    assert neutral(plain) == plain


@given(ADVERSARIAL, ADVERSARIAL)
def test_argument_does_not_change_the_template(first: str, second: str) -> None:
    """Outside the isolates the sentence equals its template, whatever braces the arguments contain."""
    values = {"first": isolated(first), "second": isolated(second)}
    said = Sentence(("Start {first} middle {second}. End", "bare")).fill(values)
    if all(values.values()):
        assert outside_isolates(said) == "Start \0 middle \0. End"
    else:
        assert said == "bare"


@given(FACTS, st.sampled_from(ScreenId), st.sampled_from(LANGUAGES))
@settings(max_examples=examples(150))
def test_facts_change_no_fixed_text_of_a_screen(facts: ScreenFacts, screen: ScreenId, language: str) -> None:
    """Title, buttons and direction come only from the catalogue, and text from outside stays in its isolates.

    Which message it is decides one button, to accept new terms, and no fact decides another.
    """
    shown = build(screen, facts, language)
    bare = build(screen, ScreenFacts(message=facts.message), language)
    assert (shown.title, shown.actions, shown.direction) == (bare.title, bare.actions, bare.direction)
    assert {Action.EMERGENCY_CALL, Action.WIFI_SETTINGS} <= {action for action, _ in shown.actions}
    catalogue = load(language)
    sentences = (
        *(sentence for body in catalogue.bodies.values() for sentence in body),
        *catalogue.messages.values(),
        *catalogue.troubles.values(),
        *catalogue.labels.values(),
    )
    known = {outside_isolates(_marked(template)) for item in sentences for template in item.variants}
    for paragraph in shown.body[: -1 if screen is ScreenId.LANGUAGE else None]:
        assert outside_isolates(paragraph) in known


def _marked(template: str) -> str:
    """The template with an empty isolate for each placeholder."""
    return template.replace("{", FSI).replace("}", PDI)


@given(FACTS, st.sampled_from(ScreenId), st.sampled_from(LANGUAGES), st.integers(MIN_WIDTH, 70))
@settings(max_examples=examples(150))
def test_frame_has_one_width_with_any_facts(
    facts: ScreenFacts, screen: ScreenId, language: str, width: int
) -> None:
    """And each line closes its isolates."""
    for line in render_text(build(screen, facts, language), width).split("\n"):
        assert cells(line) == width
        outside_isolates(line.replace("\N{RIGHT-TO-LEFT ISOLATE}", FSI))


@given(st.text(max_size=80).map(neutral), st.integers(2, 30))
def test_wrapping_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    """Only spaces at the end of a line are removed."""
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert not any(line and cell(line[0]) == 0 for line in lines[1:])


@given(st.text(), st.sampled_from(LANGUAGES), st.from_regex(r"\A([-_][A-Za-z0-9]{1,8}){0,4}\Z"))
def test_any_tag_selects_a_language(rubbish: str, language: str, rest: str) -> None:
    """A tag that begins with an offered language selects it; no text raises an error."""
    assert resolve(rubbish) in LANGUAGES
    assert resolve(language + rest) == language
