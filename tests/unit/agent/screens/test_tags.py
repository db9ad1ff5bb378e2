"""Selection of a language by a language tag."""

import pytest

from agent.screens.tags import LANGUAGES, resolve


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("fr-CA", "fr"),
        ("zh-Hant-TW", "zh"),
        ("zh_CN", "zh"),
        ("FA-ir", "fa"),
        ("uk-UA-x-private", "uk"),
        ("pt-BR", "en"),
        ("", "en"),
        ("-fr", "en"),
        ("frr", "en"),
        ("x" * 10_000, "en"),
        ("../fr", "en"),
    ],
)
def test_subtags_are_removed_until_a_language_matches(tag: str, language: str) -> None:
    """RFC 4647 section 3.4. The fallback is English."""
    assert resolve(tag) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_offered_language_selects_itself(language: str) -> None:
    assert resolve(language) == language
