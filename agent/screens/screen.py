"""A screen as data, for a terminal, a page or a real display."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from agent.core.screens import Action, ScreenId


class Direction(StrEnum):
    """The direction of text, with the values of `dir` in HTML."""

    LTR = "ltr"
    RTL = "rtl"


class Symbol(StrEnum):
    """A picture above the title."""

    PADLOCK = "padlock"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen in one language.

    `locale` is the language of the text, which can differ from the requested one. `body` is a list of paragraphs; the
    list of languages contains line breaks. `actions` are the buttons in order, each with its label. `dark` means light
    text on black. Untrusted text is between U+2068 and U+2069 and has no control characters; a template must still
    escape it.
    """

    id: ScreenId
    locale: str
    direction: Direction
    title: str
    body: tuple[str, ...]
    actions: tuple[tuple[Action, str], ...]
    symbol: Symbol | None = None
    dark: bool = False


def screen_json(screen: Screen) -> dict[str, Any]:
    """All members of a screen as JSON."""
    return asdict(screen) | {
        "body": list(screen.body),
        "actions": [{"action": action.value, "label": label} for action, label in screen.actions],
    }
