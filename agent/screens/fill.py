"""Putting text from outside into a template, so that it cannot change the template.

Filling is one pass over the template: braces in an argument are letters. Arguments lose every character
that could act (controls, bidi overrides, line breaks, private use), are bounded, and stand between a first
strong isolate and its end (UAX #9, FSI and PDI), so that their direction ends where they end.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wire import limits

FSI: Final = "\N{FIRST STRONG ISOLATE}"
PDI: Final = "\N{POP DIRECTIONAL ISOLATE}"

ARGUMENT_MAX: Final = limits.TEXT_MAX
"""Longest argument in characters; a longer one ends in an ellipsis."""

MARKS_MAX: Final = 3
"""Most combining marks on one letter: enough for every living script, too few to climb into the next line."""

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


def neutral(text: str) -> str:
    """`text` without anything that acts, on one line, at most `ARGUMENT_MAX` characters.

    >>> neutral("  C-42\\u202e\\n ")
    'C-42'
    """
    # Cut before the work as well: normalising a very long string is work that an outsider must not order.
    kept = "".join(" " if char.isspace() else char for char in text[: 4 * ARGUMENT_MAX] if _harmless(char))
    line = " ".join(_few_marks(unicodedata.normalize("NFC", kept)).split())
    return line if len(line) <= ARGUMENT_MAX else line[: ARGUMENT_MAX - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """`neutral(text)` between isolates, or nothing where nothing is left."""
    plain = neutral(text)
    return f"{FSI}{plain}{PDI}" if plain else ""


def placeholders(template: str) -> frozenset[str]:
    """The names that `template` wants."""
    return frozenset(PLACEHOLDER.findall(template))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in variants, the most telling first: the first whose every argument is known is said."""

    variants: tuple[str, ...]

    def say(self, values: Mapping[str, str]) -> str:
        """The sentence with `values`, or nothing where no variant can be filled.

        >>> Sentence(("Locked on {lock_at}.", "Locked soon.")).say({})
        'Locked soon.'
        """
        known = {name for name, value in values.items() if value}
        for template in self.variants:
            if placeholders(template) <= known:
                return PLACEHOLDER.sub(lambda match: values[match[1]], template)
        return ""


def _harmless(char: str) -> bool:
    """Whether a character only shows itself. Variation selectors are marks that change a width."""
    if "\N{VARIATION SELECTOR-1}" <= char <= "\N{VARIATION SELECTOR-16}":
        return False
    return char.isspace() or unicodedata.category(char)[0] != "C"


def _few_marks(text: str) -> str:
    kept: list[str] = []
    marks = MARKS_MAX  # a mark at the very start would sit on the template's own text
    for char in text:
        if unicodedata.category(char)[0] == "M":
            marks += 1
        else:
            marks = MARKS_MAX if char == " " else 0
        if marks <= MARKS_MAX:
            kept.append(char)
    return "".join(kept)
