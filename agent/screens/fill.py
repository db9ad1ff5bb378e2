"""Inserts untrusted text into templates without letting it change the template.

The template is filled in one pass, so braces in an argument have no effect. Arguments lose all control characters (also
bidi overrides, line breaks and private use), are limited in length, and are enclosed in a first strong isolate (UAX #9,
FSI and PDI), so that their direction does not affect the text around them.
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
"""Longest argument in characters; a longer one is cut and ends with an ellipsis."""

MARKS_MAX: Final = 3
"""Most combining marks on one letter: enough for all living scripts, too few to cover other lines."""

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


def neutral(text: str) -> str:
    """`text` without control characters, on one line, with at most `ARGUMENT_MAX` characters.

    >>> neutral("  C-42\\u202e\\n ")
    'C-42'
    """
    # Cut first: normalising a very long text would take long.
    kept = "".join(" " if char.isspace() else char for char in text[: 4 * ARGUMENT_MAX] if _is_visible(char))
    line = " ".join(_limit_marks(unicodedata.normalize("NFC", kept)).split())
    return line if len(line) <= ARGUMENT_MAX else line[: ARGUMENT_MAX - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """`neutral(text)` between isolates; empty if nothing remains."""
    plain = neutral(text)
    return f"{FSI}{plain}{PDI}" if plain else ""


def placeholders(template: str) -> frozenset[str]:
    """The names of the arguments of `template`."""
    return frozenset(PLACEHOLDER.findall(template))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in variants, the most detailed first. The first one whose arguments are all known is used."""

    variants: tuple[str, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """The sentence with `values`, or empty if no variant can be filled.

        >>> Sentence(("Locked on {lock_at}.", "Locked soon.")).fill({})
        'Locked soon.'
        """
        known = {name for name, value in values.items() if value}
        for template in self.variants:
            if placeholders(template) <= known:
                return PLACEHOLDER.sub(lambda match: values[match[1]], template)
        return ""


def _is_visible(char: str) -> bool:
    """Whether a character is text and no control. Variation selectors are excluded: they change the width."""
    if "\N{VARIATION SELECTOR-1}" <= char <= "\N{VARIATION SELECTOR-16}":
        return False
    return char.isspace() or unicodedata.category(char)[0] != "C"


def _limit_marks(text: str) -> str:
    kept: list[str] = []
    marks = MARKS_MAX  # a mark at the start would combine with the text of the template
    for char in text:
        if unicodedata.category(char)[0] == "M":
            marks += 1
        else:
            marks = MARKS_MAX if char == " " else 0
        if marks <= MARKS_MAX:
            kept.append(char)
    return "".join(kept)
