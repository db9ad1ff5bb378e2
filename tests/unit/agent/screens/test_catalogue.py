"""The catalogues are complete, have the same form, and are translated."""

import copy
import tomllib
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from agent.core.screens import Action, ModemTrouble, ScreenId, Trouble
from agent.screens.catalogue import CatalogueError, Label, load, parse
from agent.screens.fill import placeholders
from agent.screens.tags import LANGUAGES
from wire.codes import MessageKey

SCRIPT = {
    "ar": "ARABIC",
    "fa": "ARABIC",
    "ko": "HANGUL",
    "ru": "CYRILLIC",
    "uk": "CYRILLIC",
    "zh": "CJK",
}
SAME_EVERYWHERE = {"labels.imei", "language.tag", "language.direction", "territories.UA-43"}
"""Texts that may read as in English: an abbreviation, and a name that Spanish spells as English does."""


def document(tag: str) -> dict[str, Any]:
    text = files("agent.screens").joinpath("locales", f"{tag}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def leaves(table: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every text of a document with its dotted path. A list of variants is one text."""
    for key, value in table.items():
        inner = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from leaves(value, inner)
        elif key == "body":
            yield from ((f"{inner}.{index}", entry) for index, entry in enumerate(value))
        else:
            yield inner, value


def variants(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry


def key_paths(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from key_paths(value, (*path, key))
        else:
            yield (*path, key)


def test_each_offered_language_has_one_catalogue() -> None:
    found = {entry.name for entry in files("agent.screens").joinpath("locales").iterdir()}
    assert found == {f"{tag}.toml" for tag in LANGUAGES}


@pytest.mark.parametrize("tag", LANGUAGES)
def test_catalogue_has_exactly_the_entries_of_the_enums(tag: str) -> None:
    raw = document(tag)
    assert set(raw["screens"]) == {screen.value for screen in ScreenId}
    assert all(set(entry) == {"title", "body"} for entry in raw["screens"].values())
    for table, names in (
        ("actions", Action),
        ("troubles", Trouble),
        ("modem", ModemTrouble),
        ("messages", MessageKey),
        ("labels", Label),
    ):
        assert set(raw[table]) == {name.value for name in names}, table
    tables = {"language", "screens", "actions", "troubles", "modem", "messages", "labels", "territories"}
    assert set(raw) == tables


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_language_has_the_variants_and_arguments_of_english(tag: str) -> None:
    shape = {path: [placeholders(text) for text in variants(entry)] for path, entry in leaves(document(tag))}
    english = {
        path: [placeholders(text) for text in variants(entry)] for path, entry in leaves(document("en"))
    }
    assert shape == english


@pytest.mark.parametrize("tag", LANGUAGES)
def test_last_variant_of_a_sentence_has_no_argument(tag: str) -> None:
    """Except for labels, which consist of their argument."""
    for path, entry in leaves(document(tag)):
        if not path.startswith("labels."):
            assert not placeholders(variants(entry)[-1]), path


@pytest.mark.parametrize("tag", [tag for tag in LANGUAGES if tag != "en"])
def test_every_text_is_translated_and_in_the_script_of_its_language(tag: str) -> None:
    english = dict(leaves(document("en")))
    for path, entry in leaves(document(tag)):
        for index, text in enumerate(variants(entry)):
            if path in SAME_EVERYWHERE:
                continue
            names = {unicodedata.name(char, "").partition(" ")[0] for char in text}
            assert text != variants(english[path])[index] or path == "actions.continue", path
            assert SCRIPT.get(tag, "LATIN") in names, path


@pytest.mark.parametrize("tag", LANGUAGES)
def test_text_is_one_line_without_control_characters(tag: str) -> None:
    for path, entry in leaves(document(tag)):
        for text in variants(entry):
            assert text == text.strip(), path
            assert text == unicodedata.normalize("NFC", text), path
            rest = text
            for name in placeholders(text):
                rest = rest.replace("{" + name + "}", "")
            assert not set(rest) & set("{}\n\t"), path
            assert {char for char in rest if unicodedata.category(char) == "Cf"} <= {"\u200c"}, path


def test_missing_key_is_named() -> None:
    whole = document("en")
    paths = list(key_paths(whole))
    for path in paths:
        lacking = copy.deepcopy(whole)
        table = lacking
        for key in path[:-1]:
            table = table[key]
        del table[path[-1]]
        with pytest.raises(CatalogueError) as caught:
            parse("en", lacking)
        assert (caught.value.code, caught.value.language) == ("missing", "en")
        assert caught.value.key == ".".join(path)
    named = (Action, Trouble, ModemTrouble, MessageKey, Label)
    assert len(paths) == 3 + 2 * len(ScreenId) + sum(map(len, named)) + 2


@pytest.mark.parametrize(
    "table", ["actions", "troubles", "modem", "messages", "labels", "territories", "screens", "language"]
)
def test_unknown_key_is_named(table: str) -> None:
    odd = document("en")
    odd[table]["no-such"] = "words"
    with pytest.raises(CatalogueError) as caught:
        parse("en", odd)
    assert (caught.value.code, caught.value.key) == ("unknown", f"{table}.no-such")


def test_unknown_key_of_a_screen_is_named() -> None:
    odd = document("en")
    odd["screens"]["locked"]["no-such"] = "words"
    with pytest.raises(CatalogueError) as caught:
        parse("en", odd)
    assert (caught.value.code, caught.value.key) == ("unknown", "screens.locked.no-such")


def test_catalogue_of_another_language_is_rejected() -> None:
    with pytest.raises(CatalogueError) as caught:
        parse("fr", document("en"))
    assert caught.value.code == "tag-differs"


def test_language_that_is_not_offered_is_rejected() -> None:
    """A path is never built from a tag of an outside source."""
    with pytest.raises(CatalogueError) as caught:
        load("../en")
    assert caught.value.code == "language-not-offered"
