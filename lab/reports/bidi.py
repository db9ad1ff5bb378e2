"""Text as it is drawn from left to right: Arabic letters in their joined forms, and lines in visual order.

A picture must not depend on which text libraries a machine has, so this module replaces them for one line of text: the
rules W1 to W7, N1, N2, I1, I2, L2 and L4 of the Unicode bidirectional algorithm (UAX #9), with isolates. Embeddings,
overrides and paired brackets (N0) are not needed: texts of screens have none of the first two.
"""

import re
import unicodedata
from functools import lru_cache, partial
from itertools import groupby
from typing import Final

_ISOLATES: Final = {"\u2066": 0, "\u2067": 1, "\u2068": None}
_PDI: Final = "\u2069"
_LAM: Final = "\u0644"
_JOINERS: Final = frozenset("\u0640\u200d")
"""Tatweel and the zero width joiner join to both sides."""
_MIRRORED: Final = dict(zip("()[]{}<>«»‹›", ")(][}{><»«›‹", strict=True))


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """The presentation forms of each letter, by `initial`, `medial` and `final`, and of lam with alef.

    The isolated form of a letter is the letter: fonts need not have another character for it.
    """
    found: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE70, 0xFEFD)):
        form, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        text = "".join(chr(int(letter, 16)) for letter in letters)
        if (len(text) == 1 and form != "<isolated>") or (len(text) == 2 and text.startswith(_LAM)):
            found.setdefault(text, {})[form.strip("<>")] = chr(code)
    return found


def shape(text: str) -> str:
    """`text`, in logical order, with every Arabic letter in the form that its neighbours ask for.

    >>> shape("\\u0643\\u0648\\u0628\\u0627") == "\\ufedb\\uFEEE\\uFE91\\uFE8E"
    True
    """
    forms, shaped, joined = _forms(), "", False
    at = 0
    while at < len(text):
        letter, end = text[at], at + 1
        while end < len(text) and unicodedata.category(text[end]) == "Mn":
            end += 1
        marks = text[at + 1 : end]
        following = text[end : end + 1]
        if letter == _LAM and letter + following in forms:
            letter, end = letter + following, end + 1
            following = ""
        own = forms.get(letter, {})
        onward = "initial" in own and ("final" in forms.get(following, {}) or following in _JOINERS)
        form = (
            ("medial" if onward else "final")
            if joined and "final" in own
            else "initial"
            if onward
            else "isolated"
        )
        shaped += own.get(form, letter) + marks
        joined = onward or letter in _JOINERS
        at = end
    return shaped


_KINDS: Final = {"AL": "A", "EN": "N", "AN": "n", "ES": "S", "ET": "T", "CS": "C", "L": "L", "R": "R"}
"""A letter for each bidirectional class; `O` for the others, which are neutral."""


def visual(line: str, base: int) -> str:
    """A line as it is drawn from left to right; `base` is 0 for text from left to right and 1 from right to left.

    >>> visual("ab \u05d0\u05d1", 0) == "ab \u05d1\u05d0"
    True
    """
    texts: list[str] = []
    kinds = ""
    at = 0
    while at < len(line):
        char, category = line[at], unicodedata.category(line[at])
        if char in _ISOLATES:
            end = _closing(line, at)
            inner, inner_base = line[at + 1 : end], _ISOLATES[char]
            texts.append(visual(inner, _first_strong(inner) if inner_base is None else inner_base))
            kinds += "O"
            at = end
        elif category == "Mn" and texts:
            texts[-1] += char
        elif category != "Cf":
            texts.append(char)
            kinds += _KINDS.get(unicodedata.bidirectional(char), "O")
        at += 1
    level_of = {"L": 2 * base, "R": 1, "N": 2, "n": 2}
    return "".join(_reordered(texts, [level_of[kind] for kind in _resolved(kinds, "LR"[base])]))


def _closing(line: str, at: int) -> int:
    """The index of the end of the isolate that begins at `at`, or of the line."""
    depth = 0
    for index in range(at, len(line)):
        depth += (line[index] in _ISOLATES) - (line[index] == _PDI)
        if not depth:
            return index
    return len(line)


def _first_strong(text: str) -> int:
    kinds = (unicodedata.bidirectional(char) for char in text)
    return int(next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L")


def _resolved(kinds: str, base: str) -> str:
    """Rules W2 to W7, N1 and N2: only `L`, `R`, `N` and `n` remain. Marks are part of their letter (W1)."""
    kinds = re.sub("A[^LRA]*", lambda found: found[0].replace("N", "n"), kinds).replace("A", "R")
    kinds = re.sub("(?<=N)[SC](?=N)", "N", kinds)
    kinds = re.sub("(?<=n)C(?=n)", "n", kinds)
    kinds = re.sub("T+(?=N)|(?<=N)T+", lambda found: "N" * len(found[0]), kinds)
    kinds = re.sub("[STC]", "O", base + kinds + base)
    kinds = re.sub("L[^LR]*", lambda found: found[0].replace("N", "L"), kinds)

    def neutral(found: re.Match[str]) -> str:
        sides = {"L" if kind == "L" else "R" for kind in (found[1], found[2])}
        return (sides.pop() if len(sides) == 1 else base) * len(found[0])

    return re.sub("(?<=(.))O+(?=(.))", neutral, kinds)[1:-1]


def _reordered(texts: list[str], levels: list[int]) -> list[str]:
    """Rules L2 and L4."""
    pairs = [
        (level, _MIRRORED.get(text, text) if level % 2 else text)
        for text, level in zip(texts, levels, strict=True)
    ]
    for lowest in range(max(levels, default=0), 0, -1):
        runs = [(high, list(run)) for high, run in groupby(pairs, partial(_is_at_least, lowest))]
        pairs = [pair for high, run in runs for pair in (run[::-1] if high else run)]
    return [text for _, text in pairs]


def _is_at_least(lowest: int, pair: tuple[int, str]) -> bool:
    return pair[0] >= lowest
