"""Suggestions for words that are not known."""

import difflib
from collections.abc import Iterable


def nearest_words(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """At most `limit` of the known words that resemble `word`, the most similar first.

    >>> nearest_words("prohibted", ["prohibited", "eligible"])
    ['prohibited']
    """
    return difflib.get_close_matches(word, list(known), n=limit)


def suggestion(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """What to write instead of `word`. If no known word resembles it: `otherwise`, by default all known words.

    >>> suggestion("lockd", ["locked", "unlocked"]), suggestion("open", ["locked", "unlocked"])
    ("did you mean 'locked' or 'unlocked'?", "use one of 'locked', 'unlocked'")
    """
    known = list(known)
    if nearest := nearest_words(word, known):
        return f"did you mean {' or '.join(map(repr, nearest))}?"
    return otherwise or f"use one of {', '.join(map(repr, known))}"
