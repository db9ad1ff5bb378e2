"""The screens as data, in nine languages, and as terminal text.

`build` makes a `Screen` from its id and facts; `render_text` draws it. The only I/O is reading the catalogues of the
package.

    >>> from agent.core.screens import ScreenFacts, ScreenId
    >>> build(ScreenId.LOCKED, ScreenFacts(case="C-42"), "fr-CA").locale
    'fr'
"""

from agent.screens.catalogue import languages
from agent.screens.compose import build
from agent.screens.render import render_text
from agent.screens.screen import Direction, Screen, Symbol, screen_json
from agent.screens.tags import FALLBACK, LANGUAGES, lookup, resolve

__all__ = [
    "FALLBACK",
    "LANGUAGES",
    "Direction",
    "Screen",
    "Symbol",
    "build",
    "languages",
    "lookup",
    "render_text",
    "resolve",
    "screen_json",
]
