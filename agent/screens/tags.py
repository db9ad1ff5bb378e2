"""Selects one of the nine languages for a language tag (BCP 47; lookup of RFC 4647 section 3.4)."""

from typing import Final

LANGUAGES: Final = ("en", "fr", "es", "ar", "fa", "ko", "ru", "uk", "zh")
"""The languages of the screens, in the order of the language screen."""

FALLBACK: Final = "en"
"""The language if the requested one is not offered."""

_TAG_MAX: Final = 64


def resolve(tag: str) -> str:
    """The offered language for `tag`: removes subtags from the end until one matches, else `FALLBACK`.

    Accepts any text: the lock screen must be shown even if the language setting is damaged.

    >>> resolve("fr-CA"), resolve("zh_Hant_TW"), resolve("pt-BR")
    ('fr', 'zh', 'en')
    """
    subtags = tag[:_TAG_MAX].replace("_", "-").lower().split("-")
    while subtags:
        if (candidate := "-".join(subtags)) in LANGUAGES:
            return candidate
        subtags.pop()
    return FALLBACK
