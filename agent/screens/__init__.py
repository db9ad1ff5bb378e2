"""What the user reads: screens as data, in nine languages, and their drawing as terminal text.

`build` turns a screen's name and its facts into a `Screen`; `render_text` draws one. No clock, no I/O
beyond reading the catalogues that the package carries.

    >>> from agent.core.screens import ScreenFacts, ScreenId
    >>> build(ScreenId.LOCKED, ScreenFacts(case="C-42"), "fr-CA").locale
    'fr'
"""

from agent.screens.catalogue import languages
from agent.screens.compose import build
from agent.screens.render import render_text
from agent.screens.screen import Direction, Screen, Symbol
from agent.screens.tags import FALLBACK, LANGUAGES, resolve

__all__ = [
    "FALLBACK",
    "LANGUAGES",
    "Direction",
    "Screen",
    "Symbol",
    "build",
    "languages",
    "render_text",
    "resolve",
]
