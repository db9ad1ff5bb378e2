"""Language tags find a language, or English."""

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
def test_a_tag_is_cut_from_its_end_until_it_names_a_language(tag: str, language: str) -> None:
    """RFC 4647 section 3.4; what names none speaks English, and never fails."""
    assert resolve(tag) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_offered_language_answers_for_itself(language: str) -> None:
    """Truncation must not reach a language that was named exactly."""
    assert resolve(language) == language
