"""Selection of a language and of its formats by a language tag."""

import unicodedata

import pytest
from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from agent.core.screens import ScreenFacts, ScreenId
from agent.screens import build
from agent.screens.fill import isolated
from agent.screens.names import moment
from agent.screens.tags import FALLBACK, LANGUAGES, formats, lookup, resolve

SEPTEMBER = 1631700000
"""2021-09-15T10:00:00Z."""


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("fr-CA", "fr"),
        ("zh-Hant-TW", "zh"),
        ("zh_CN", "zh"),
        ("FA-ir", "fa"),
        ("uk-UA-x-private", "uk"),
        ("ar_EG.UTF-8", "ar"),
        ("ru_RU@currency=RUB", "ru"),
        ("pes", "fa"),
        ("prs-AF", "fa"),
        ("PER_IR", "fa"),
        ("cmn-Hans-CN", "zh"),
        ("arb", "ar"),
        ("eng-GB", "en"),
        ("fre-CA", "fr"),
        # Other languages, some by an alias of CLDR.
        ("pt-BR", "en"),
        ("in", "en"),
        ("iw-IL", "en"),
        ("tl", "en"),
        ("no", "en"),
        ("yue-HK", "en"),
        # No language tags.
        ("", "en"),
        ("-fr", "en"),
        ("x-fr", "en"),
        ("frr", "en"),
        ("x" * 10_000, "en"),
        ("../fr", "en"),
        ("f\0r", "en"),
    ],
)
def test_the_language_of_a_tag_is_selected(tag: str, language: str) -> None:
    """RFC 4647 section 3.4. The fallback is English."""
    assert resolve(tag) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_offered_language_selects_itself(language: str) -> None:
    assert resolve(language) == lookup(language) == language
    assert formats(language) == Locale.parse(language)


def test_each_alias_of_an_offered_language_selects_it_in_each_region() -> None:
    """An alias of another language, such as `in` or `iw`, selects none."""
    aliases = get_global("language_aliases")
    assert {"pes", "prs", "per", "cmn", "chi", "arb", "fre", "rus", "ukr", "kor", "eng", "spa"} <= set(
        aliases
    )
    for alias, name in aliases.items():
        language = name.split("_")[0]
        expected = language if language in LANGUAGES else None
        for tag in (alias, alias.upper(), f"{alias}-Xxxx-ZZ", f"{alias}_AF", f"{alias}-u-nu-latn"):
            assert lookup(tag) == expected, tag


def test_each_locale_of_an_offered_language_keeps_its_formats() -> None:
    """By its own tag, with the script and without."""
    tested = 0
    for identifier in locale_identifiers():
        locale = Locale.parse(identifier)
        if locale.language in LANGUAGES and locale.territory:
            tested += 1
            with_script = "-".join(filter(None, (locale.language, locale.script, locale.territory)))
            expected = Locale.parse(f"{locale.language}_{locale.territory}")
            assert formats(with_script) == formats(f"{locale.language}_{locale.territory}") == expected
            assert moment(SEPTEMBER, with_script) == moment(SEPTEMBER, str(expected))
    assert tested > 200


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-GB", "15 September 2021, 10:00 UTC"),
        ("en-UK", "15 September 2021, 10:00 UTC"),
        ("en-US", "September 15, 2021, 10:00 UTC"),
        ("ar-EG", "١٥ سبتمبر ٢٠٢١، ١٠:٠٠ UTC"),
        ("ara-MA", "15 شتنبر 2021، 10:00 UTC"),
        ("ar-IQ", "١٥ أيلول ٢٠٢١، ١٠:٠٠ UTC"),
        ("fa-AF", "۱۵ سپتمبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("prs", "۱۵ سپتمبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("prs-IR", "۱۵ سپتامبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("pes", "۱۵ سپتامبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("fr-x-EG", "15 septembre 2021, 10:00 UTC"),
        ("fa-JP", "۱۵ سپتامبر ۲۰۲۱، ساعت ۱۰:۰۰ UTC"),
        ("pt-BR", "September 15, 2021, 10:00 UTC"),
        ("in-ID", "September 15, 2021, 10:00 UTC"),
    ],
)
def test_dates_and_digits_are_those_of_the_region(tag: str, expected: str) -> None:
    """A screen has them too, with the texts of the language."""
    assert moment(SEPTEMBER, tag) == isolated(expected)
    screen = build(ScreenId.NOTICE, ScreenFacts(lock_at=SEPTEMBER), tag)
    assert screen.locale == resolve(tag)
    assert isolated(expected) in "\n".join(screen.body)


def test_each_region_has_its_digits() -> None:
    """No Latin digit where the numbering system of the region is another one."""
    for identifier in locale_identifiers():
        locale = Locale.parse(identifier)
        if locale.language in LANGUAGES and locale.default_numbering_system != "latn":
            digits = [char for char in moment(SEPTEMBER, identifier) if char.isdigit()]
            assert "".join(str(unicodedata.digit(char)) for char in digits) == "1520211000"
            assert not any(char.isascii() for char in digits), identifier


@given(st.text() | st.from_regex(r"\A[A-Za-z]{0,4}([-_.@][A-Za-z0-9]{0,9}){0,6}\Z"))
def test_any_text_selects_a_language_and_its_formats(tag: str) -> None:
    assert resolve(tag) in LANGUAGES
    assert formats(tag).language == resolve(tag)
    assert build(ScreenId.LOCKED, ScreenFacts(lock_at=SEPTEMBER), tag).locale == resolve(tag)
    if lookup(tag) is None:
        assert formats(tag) == Locale.parse(FALLBACK)
