"""Pictures of screens: every character has a glyph, right-to-left text is right, bytes are always the same."""

import io
from itertools import chain
from pathlib import Path

import pytest
from babel import Locale
from PIL import Image

from agent.core.screens import ScreenFacts, ScreenId
from agent.screens import LANGUAGES, Direction, build
from lab.reports.bidi import shape, visual
from lab.reports.screen_picture import HEIGHT_MIN, WIDTH, font, is_wide, to_png
from wire.codes import MessageKey

LOCALES = Path(__file__).parents[3] / "agent" / "screens" / "locales"
FACTS = ScreenFacts(
    message=MessageKey.NOT_SOLD_HERE,
    case="C-7",
    territory="CU",
    challenge="SLV1-ABCD-EFGH",
    date=1_631_100_000,
    lock_at=1_631_700_000,
    imeis=("490154203237518",),
)


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def test_every_character_of_the_languages_has_a_glyph() -> None:
    texts = [path.read_text("utf-8") for path in LOCALES.glob("*.toml")]
    for locale in map(Locale.parse, LANGUAGES):
        texts += locale.territories.values()
        texts += locale.months["format"]["wide"].values()
        texts.append(locale.date_formats["long"].pattern)
    shown = {char for char in chain.from_iterable(map(shape, texts)) if char.isprintable()}
    missing = bytes(font(28, wide=False).getmask("\uffff")), bytes(font(28, wide=True).getmask("\uffff"))
    without = {
        char for char in shown - {" "} if bytes(font(28, wide=is_wide(char)).getmask(char)) in (*missing, b"")
    }
    assert not without


@pytest.mark.sample(2)
@pytest.mark.parametrize("language", ["ar", "en", "zh"])
def test_picture_is_the_same_at_each_time_and_begins_at_the_right_side(language: str) -> None:
    screen = build(ScreenId.NOTICE, FACTS, language)
    png = to_png(screen)
    assert png == to_png(screen)
    image = picture(png)
    assert image.width == WIDTH
    assert image.height >= HEIGHT_MIN
    left, _, right, _ = image.crop((0, 240, WIDTH, 300)).point(lambda grey: 255 - grey).getbbox() or (
        0,
        0,
        0,
        0,
    )
    beside = left > WIDTH - right if screen.direction is Direction.RTL else left < WIDTH - right
    assert beside, (left, right)


def test_lock_screen_is_light_on_black_and_higher_than_what_it_holds() -> None:
    image = picture(to_png(build(ScreenId.LOCKED, FACTS, "fa")))
    assert image.getpixel((0, 0)) == 0
    assert not image.crop((0, image.height - 40, WIDTH, image.height)).getbbox()


@pytest.mark.parametrize(
    ("line", "base", "drawn"),
    [
        ("abc 12", 0, "abc 12"),
        ("אב 12", 1, "12 בא"),
        ("אב 12:30 ab", 1, "ab 12:30 בא"),
        ("ab אב, גד cd", 0, "ab דג ,בא cd"),
        ("אב (גד)", 1, "(דג) בא"),
        ("אב: \u2068C-42 (a)\u2069", 1, "C-42 (a) :בא"),
        ("ab \u2068אב 1\u2069 cd", 0, "ab 1 בא cd"),
        ("ab \u2067cd 1\u2069 ef", 0, "ab cd 1 ef"),
        ("السعر 12.5%", 1, "%12.5 رعسلا"),
        ("אבּג", 1, "גבּא"),
    ],
)
def test_line_is_in_visual_order(line: str, base: int, drawn: str) -> None:
    """UAX #9; compared once with two other implementations."""
    assert visual(line, base) == drawn


@pytest.mark.parametrize(
    ("text", "shaped"),
    [
        ("لا", "\ufefb"),
        ("سلام", "\ufeb3\ufefcم"),
        ("می\u200cشود", "\ufee3\ufbfd\u200c\ufeb7\ufeeeد"),
        ("تُب", "\ufe97\u064f\ufe90"),
        ("ا ب", "ا ب"),
        ("ـبـ", "ـ\ufe92ـ"),
        ("abc", "abc"),
    ],
)
def test_arabic_letter_has_the_form_of_its_place(text: str, shaped: str) -> None:
    assert shape(text) == shaped
