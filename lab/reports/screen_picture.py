"""A screen as a PNG: the same bytes on every machine with the same versions of Pillow and of the packages of fonts.

Text is drawn glyph by glyph, in the order and the forms of `bidi`, and not by the text libraries of the machine.
"""

import io
import unicodedata
from functools import lru_cache
from typing import Final

from noto_cjk_sans_jp_regular import FONT_PATH
from PIL import Image, ImageDraw, ImageFont
from pymupdf_fonts import myfont

from agent.screens import Direction, Screen, Symbol
from agent.screens.cells import wrap
from lab.reports.bidi import shape, visual

WIDTH: Final = 720
HEIGHT_MIN: Final = 1280
_MARGIN: Final = 48
_INNER: Final = WIDTH - 2 * _MARGIN
_TITLE: Final = 40
_BODY: Final = 28


@lru_cache(maxsize=8)
def font(size: int, *, wide: bool) -> ImageFont.FreeTypeFont:
    """Noto Sans CJK for Chinese and Korean, or FiraGO for everything else, in a size in pixels."""
    source = str(FONT_PATH) if wide else io.BytesIO(myfont("figo"))
    return ImageFont.truetype(source, size, layout_engine=ImageFont.Layout.BASIC)


def is_wide(char: str) -> bool:
    """Whether a character is in the font for Chinese and Korean."""
    return unicodedata.east_asian_width(char) in ("W", "F")


def to_png(screen: Screen) -> bytes:
    """The screen as a PNG, `WIDTH` pixels wide and as high as it needs, `HEIGHT_MIN` at least."""
    height = max(HEIGHT_MIN, _Canvas(screen, HEIGHT_MIN).draw())
    canvas = _Canvas(screen, height)
    canvas.draw()
    out = io.BytesIO()
    canvas.image.save(out, "PNG")
    return out.getvalue()


class _Canvas:
    """A picture that is drawn from top to bottom; `top` is where the next thing goes."""

    def __init__(self, screen: Screen, height: int) -> None:
        self.screen = screen
        self.ink, paper, self.faint = ("white", "black", "#555") if screen.dark else ("#111", "white", "#bbb")
        self.image = Image.new("RGB", (WIDTH, height), paper)
        self.pen = ImageDraw.Draw(self.image)
        self.top = 0

    def draw(self) -> int:
        """Draw the screen, and return the height that it needs."""
        screen, self.top = self.screen, _MARGIN
        if screen.symbol:
            self._symbol(screen.symbol)
        self._paragraph(screen.title, _TITLE)
        self.pen.line((_MARGIN, self.top, WIDTH - _MARGIN, self.top), fill=self.faint, width=3)
        self.top += _MARGIN // 2
        for paragraph in screen.body:
            self._paragraph(paragraph, _BODY)
        buttons = [
            wrap(shape(label), _INNER - _MARGIN, lambda text: _length(text, _BODY))
            for _, label in screen.actions
        ]
        high = sum(_button_height(lines) for lines in buttons)
        self.top = max(self.top, self.image.height - _MARGIN - high)
        for lines in buttons:
            box = (_MARGIN, self.top, WIDTH - _MARGIN, self.top + _button_height(lines) - 16)
            self.pen.rounded_rectangle(box, radius=20, outline=self.ink, width=3)
            self.top += 20
            for line in lines:
                self._line(line, _BODY, (WIDTH - _length(line, _BODY)) / 2)
            self.top += 28 + 16
        return self.top + _MARGIN

    def _paragraph(self, text: str, size: int) -> None:
        for line in wrap(shape(text), _INNER, lambda part: _length(part, size)):
            rtl = self.screen.direction is Direction.RTL
            self._line(line, size, WIDTH - _MARGIN - _length(line, size) if rtl else _MARGIN)
        self.top += size // 2

    def _line(self, line: str, size: int, left: float) -> None:
        """Draw a line from `left` on. A mark is centred on the letter before it."""
        self.top += size
        advance = 0.0
        for char in visual(line, int(self.screen.direction is Direction.RTL)):
            face = font(size, wide=is_wide(char))
            if unicodedata.category(char) == "Mn":
                edges = face.getbbox(char, anchor="ls")
                at = left - (advance + edges[0] + edges[2]) / 2
            else:
                at, advance = left, _advance(char, size)
                left += advance
            self.pen.text((round(at), self.top), char, self.ink, face, anchor="ls")
        self.top += size // 2

    def _symbol(self, symbol: Symbol) -> None:
        """A padlock, or a triangle with an exclamation mark."""
        middle, top = WIDTH // 2, self.top
        if symbol is Symbol.PADLOCK:
            self.pen.arc((middle - 40, top, middle + 40, top + 80), 180, 360, self.ink, 12)
            self.pen.line((middle - 34, top + 40, middle - 34, top + 70), self.ink, 12)
            self.pen.line((middle + 34, top + 40, middle + 34, top + 70), self.ink, 12)
            self.pen.rounded_rectangle((middle - 60, top + 68, middle + 60, top + 150), 12, self.ink)
        else:
            corners = [(middle, top), (middle + 84, top + 148), (middle - 84, top + 148)]
            self.pen.polygon(corners, outline=self.ink, width=10)
            self.pen.line((middle, top + 56, middle, top + 100), self.ink, 10)
            self.pen.ellipse((middle - 7, top + 112, middle + 7, top + 126), self.ink)
        self.top += 190


def _button_height(lines: list[str]) -> int:
    return 48 + len(lines) * (_BODY + _BODY // 2) + 16


def _length(text: str, size: int) -> float:
    """The width of a text, in pixels. Format characters and marks have none."""
    shown = (char for char in text if unicodedata.category(char) not in ("Cf", "Mn"))
    return sum(_advance(char, size) for char in shown)


@lru_cache(maxsize=4096)
def _advance(char: str, size: int) -> float:
    return font(size, wide=is_wide(char)).getlength(char)
