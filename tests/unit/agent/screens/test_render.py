"""The drawing of a screen keeps its frame in every language."""

import doctest
import itertools
from types import ModuleType

import pytest
from rich.cells import cell_len

import agent.screens
from agent.core.screens import ScreenFacts, ScreenId, Trouble
from agent.screens import LANGUAGES, build, cells, compose, fill, names, render_text, tags
from agent.screens.cells import RLI
from agent.screens.fill import FSI, PDI
from agent.screens.render import MIN_WIDTH
from wire.codes import MessageKey

FACTS = ScreenFacts(
    message=MessageKey.UNDER_INVESTIGATION,
    case="C-2021-0042",
    territory="UA-43",
    lock_at=1_631_700_000,
    retry_at=1_631_700_600,
    trouble=Trouble.UNTRUSTED,
    terms_version="2021-08",
    imeis=("001001210000017",),
)
WIDTHS = (MIN_WIDTH, 36, 44, 60)
FORMAT = str.maketrans("", "", FSI + PDI + RLI)


@pytest.mark.parametrize(("language", "width"), list(itertools.product(LANGUAGES, WIDTHS)))
def test_every_line_has_exactly_the_width(language: str, width: int) -> None:
    """Measured by this package and by Rich."""
    for screen in ScreenId:
        for line in render_text(build(screen, FACTS, language), width).split("\n"):
            assert cells.cells(line) == width, line
            assert cell_len(line) == width, line


@pytest.mark.parametrize("language", LANGUAGES)
def test_drawing_contains_the_whole_text_of_the_screen(language: str) -> None:
    for screen in ScreenId:
        shown = build(screen, FACTS, language)
        inside = [line[1:-1].strip(" │┃") for line in render_text(shown).split("\n")]
        drawn = "".join(inside).translate(FORMAT).replace(" ", "")
        for text in (shown.title, *shown.body, *(label for _, label in shown.actions)):
            assert "".join(text.translate(FORMAT).split()) in drawn


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_right_to_left_text_is_aligned_right_in_an_isolate(language: str) -> None:
    lines = render_text(build(ScreenId.LOCKED, FACTS, language)).split("\n")
    isolates = [line for line in lines if RLI in line]
    assert len(isolates) > 10
    assert all(line.endswith(f"{PDI}  ┃") for line in isolates)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_closes_the_isolates_that_it_opens(language: str) -> None:
    """A terminal treats each line as a paragraph."""
    for screen, width in itertools.product(ScreenId, WIDTHS):
        for line in render_text(build(screen, FACTS, language), width).split("\n"):
            assert line.count(FSI) + line.count(RLI) == line.count(PDI)


def test_padlock_is_drawn_only_on_the_lock_screen() -> None:
    drawn = {screen for screen in ScreenId if "┏━┷━━━┷━┓" in render_text(build(screen, FACTS, "en"))}
    assert drawn == {ScreenId.LOCKED}


def test_too_small_width_is_rejected() -> None:
    with pytest.raises(ValueError, match="20 cells"):
        render_text(build(ScreenId.HOME, FACTS, "en"), MIN_WIDTH - 1)


def test_chinese_breaks_between_characters_but_not_before_a_full_stop() -> None:
    assert cells.wrap("您的数据。", 8) == ["您的数", "据。"]


def test_korean_breaks_between_words() -> None:
    assert cells.wrap("다시 시도하세요", 12) == ["다시", "시도하세요"]


def test_too_long_word_is_broken() -> None:
    assert cells.wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_combining_mark_stays_with_its_letter() -> None:
    assert cells.wrap("ab\u0301c\u0301", 2) == ["ab\u0301", "c\u0301"]


@pytest.mark.parametrize("module", [agent.screens, cells, compose, fill, names, tags])
def test_examples_in_the_docstrings_are_correct(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
