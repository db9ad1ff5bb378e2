"""Which of the nine languages answers a language tag (BCP 47; look-up of RFC 4647 section 3.4)."""

from typing import Final

LANGUAGES: Final = ("en", "fr", "es", "ar", "fa", "ko", "ru", "uk", "zh")
"""The languages of the screens, in the order in which they are offered."""

FALLBACK: Final = "en"
"""The language of everyone whose own is not offered."""

_TAG_MAX: Final = 64


def resolve(tag: str) -> str:
    """The offered language for `tag`: the tag is cut from its end until it names one, else `FALLBACK`.

    Never fails: a phone that cannot read its own language setting must still show its lock screen.

    >>> resolve("fr-CA"), resolve("zh_Hant_TW"), resolve("pt-BR")
    ('fr', 'zh', 'en')
    """
    subtags = tag[:_TAG_MAX].replace("_", "-").lower().split("-")
    while subtags:
        if (candidate := "-".join(subtags)) in LANGUAGES:
            return candidate
        subtags.pop()
    return FALLBACK
