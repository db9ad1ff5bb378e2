"""The characters of the fonts for pictures of screens, and the subsets themselves.

`python -m tools.screen_fonts DEJAVU_SANS NOTO_SANS_CJK` writes `lab/reports/fonts`. It needs fontTools.
"""

import subprocess
import sys
import unicodedata
from itertools import chain
from pathlib import Path
from typing import Final

from babel import Locale

from agent.screens import LANGUAGES

FOLDER: Final = Path(__file__).parents[1] / "lab" / "reports" / "fonts"
_LOCALES: Final = Path(__file__).parents[1] / "agent" / "screens" / "locales"
_BLOCKS: Final = (
    range(0x20, 0x7F),
    range(0xA0, 0x180),
    range(0x370, 0x530),
    range(0x600, 0x700),
    range(0x2010, 0x2040),
    range(0x20A0, 0x20C0),
    range(0xFB50, 0xFC00),
    range(0xFE70, 0xFF00),
)
"""Latin, Greek, Cyrillic, Arabic with its presentation forms, punctuation, currencies: servers send them."""


def wide_characters() -> frozenset[str]:
    """The Chinese and Korean characters of the catalogues, of the names of territories, and of dates (CLDR)."""
    texts = [path.read_text("utf-8") for path in sorted(_LOCALES.glob("*.toml"))]
    for locale in map(Locale.parse, LANGUAGES):
        texts += locale.territories.values()
        texts += locale.months["format"]["wide"].values()
        texts.append(locale.date_formats["long"].pattern)
    return frozenset(
        char for char in chain.from_iterable(texts) if unicodedata.east_asian_width(char) in ("W", "F")
    )


def _subset(source: str, target: Path, characters: str) -> None:
    text = FOLDER / "characters.txt"
    text.write_text(characters, encoding="utf-8")
    options = [
        "--layout-features=",
        "--name-IDs=0,13,14",
        "--no-hinting",
        "--desubroutinize",
        "--notdef-outline",
    ]
    command = ["pyftsubset", source, f"--text-file={text}", f"--output-file={target}", *options]
    subprocess.run(command, check=True)
    text.unlink()


if __name__ == "__main__":
    _subset(sys.argv[1], FOLDER / "narrow.ttf", "".join(map(chr, chain.from_iterable(_BLOCKS))))
    _subset(
        sys.argv[2], FOLDER / "wide.otf", "".join(sorted(wide_characters())) + "。，、；：？！（）《》「」"
    )
