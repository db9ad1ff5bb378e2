"""Selects one of the nine languages, and the formats of a region, for a language tag.

The language of a tag (BCP 47) decides; an alias is replaced as CLDR says (UTS 35, Annex C), such as `pes` and `per` for
Persian. As in the lookup of RFC 4647 section 3.4, all other subtags may be missing in what is offered.
"""

import re
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global

LANGUAGES: Final = ("en", "fr", "es", "ar", "fa", "ko", "ru", "uk", "zh")
"""The languages of the screens, in the order of the language screen."""

FALLBACK: Final = "en"
"""The language if the requested one is not offered."""

_TAG_MAX: Final = 64
_SEPARATORS: Final = re.compile(r"[-_.@]")
_REGION: Final = re.compile(r"[A-Za-z]{2}|[0-9]{3}")


def resolve(tag: str) -> str:
    """The offered language for `tag`, else `FALLBACK`.

    Accepts any text: the lock screen must be shown even if the language setting is damaged.

    >>> resolve("fr-CA"), resolve("zh_Hant_TW"), resolve("prs"), resolve("pt-BR")
    ('fr', 'zh', 'fa', 'en')
    """
    return lookup(tag) or FALLBACK


def lookup(tag: str) -> str | None:
    """The offered language for `tag` as `resolve` returns it, or None if it is none of them."""
    language = _canonical(tag)[0]
    return language if language in LANGUAGES else None


def formats(tag: str) -> Locale:
    """The CLDR locale for dates and digits: the offered language, in the region of `tag` if CLDR has that locale.

    >>> formats("prs"), formats("fr-CA"), formats("fr-Latn-JP")
    (Locale('fa', territory='AF'), Locale('fr', territory='CA'), Locale('fr'))
    """
    language = lookup(tag)
    if language is None:
        return Locale.parse(FALLBACK)
    # The region of the tag comes before that of an alias.
    for region in _canonical(tag)[1]:
        try:
            return Locale.parse(f"{language}_{region}")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(language)


@lru_cache(maxsize=64)
def _canonical(tag: str) -> tuple[str, tuple[str, ...]]:
    """The language without aliases, and the regions: first that of the tag, then that of the alias."""
    first, *rest = _SEPARATORS.split(tag[:_TAG_MAX])
    language, *alias = get_global("language_aliases").get(first.lower(), first.lower()).split("_")
    return language, (*_regions(rest), *_regions(alias))


def _regions(subtags: list[str]) -> list[str]:
    """The subtags before an extension that have the form of a region."""
    end = next((at for at, subtag in enumerate(subtags) if len(subtag) == 1), len(subtags))
    return [subtag.upper() for subtag in subtags[:end] if _REGION.fullmatch(subtag)]
