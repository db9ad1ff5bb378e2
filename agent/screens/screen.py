"""A screen as data: everything that a terminal, a page or a real display needs to show it."""

from dataclasses import dataclass
from enum import StrEnum

from agent.core.screens import Action, ScreenId


class Direction(StrEnum):
    """Which way the text of a language runs; the values are those of HTML's `dir`."""

    LTR = "ltr"
    RTL = "rtl"


class Symbol(StrEnum):
    """A picture above the title."""

    PADLOCK = "padlock"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown, in one language.

    `locale` is the language that was found, not the one that was asked for. `body` holds paragraphs; one may
    hold line breaks (the list of languages does). `actions` are in the order of their buttons, each with its
    label. `dark` asks for light text on black. Text that came from outside stands between U+2068 and U+2069
    and holds no control character, so that a template needs only its usual escaping.
    """

    id: ScreenId
    locale: str
    direction: Direction
    title: str
    body: tuple[str, ...]
    actions: tuple[tuple[Action, str], ...]
    symbol: Symbol | None = None
    dark: bool = False
