"""Errors in profiles are reported with code, file, line and key."""

import doctest
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import firmware_profiles
from firmware_profiles import ProfileError, load, load_all, load_named, names, parse
from firmware_profiles.loader import FOLDER
from text_input.documents import DocumentProblem
from text_input.model_errors import DocumentCode
from text_input.toml import TomlPositions

OPTIONAL = {("agent",), ("hooks",), ("hooks", "falsified")}


def source(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def rejection(text: str, name: str) -> DocumentProblem:
    file = Path(f"{name}.toml")
    with pytest.raises(ProfileError) as caught:
        parse(text, file)
    assert caught.value.first.source == str(file)
    return caught.value.first


def statements(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Each key or header of a text, with its first line and the line after its last, counted from 0."""
    found = sorted(TomlPositions(text).lines.items(), key=lambda item: item[1])
    rows = text.split("\n")
    for path, line in found:
        end = line
        while end < len(rows) and not rows[line - 1].startswith("[") and not _parses(rows[line - 1 : end]):
            end += 1
        yield tuple(map(str, path)), line - 1, end


def _parses(rows: list[str]) -> bool:
    try:
        return bool(tomllib.loads("\n".join(rows)))
    except tomllib.TOMLDecodeError:
        return False


def is_table(text: str, line: int) -> bool:
    return text.split("\n")[line].startswith("[")


@pytest.mark.parametrize("name", names())
def test_deleted_key_is_reported_at_the_line_of_its_table(name: str) -> None:
    text = source(name)
    rows = text.split("\n")
    tried = 0
    for path, start, end in statements(text):
        if is_table(text, start):
            continue
        error = rejection("\n".join(rows[:start] + rows[end:]), name)
        assert (error.code, error.key) == (DocumentCode.MISSING_KEY, ".".join(path))
        assert error.line == TomlPositions(text).lines[path[:-1]]
        tried += 1
    assert tried >= 21


@pytest.mark.parametrize("name", names())
def test_misspelt_key_is_reported_at_its_line_with_the_nearest_word(name: str) -> None:
    """The misspelt key is reported, not the missing one."""
    text = source(name)
    rows = text.split("\n")
    for path, start, _ in statements(text):
        if is_table(text, start):
            continue
        misspelt = path[-1] + "z"
        changed = [*rows[:start], rows[start].replace(path[-1], misspelt, 1), *rows[start + 1 :]]
        error = rejection("\n".join(changed), name)
        assert (error.code, error.key) == (DocumentCode.UNKNOWN_KEY, ".".join((*path[:-1], misspelt)))
        assert error.line == start + 1
        assert repr(path[-1]) in error.text


@pytest.mark.parametrize("name", names())
def test_misspelt_table_is_reported_at_its_line(name: str) -> None:
    text = source(name)
    rows = text.split("\n")
    for path, start, _ in statements(text):
        if not is_table(text, start):
            continue
        changed = [row.replace(f"[{path[0]}", f"[{path[0]}z", 1) for row in rows]
        error = rejection("\n".join(changed), name)
        assert (error.code, error.key) == (DocumentCode.UNKNOWN_KEY, f"{path[0]}z")
        assert error.line == TomlPositions(text).lines[path[:1]]
        assert repr(path[0]) in error.text


@pytest.mark.parametrize("name", names())
def test_value_of_another_type_is_reported_at_its_line(name: str) -> None:
    text = source(name)
    rows = text.split("\n")
    for path, start, end in statements(text):
        if is_table(text, start):
            continue
        changed = [*rows[:start], f"{path[-1]} = {{ }}", *rows[end:]]
        error = rejection("\n".join(changed), name)
        assert (error.code, error.key, error.line) == (DocumentCode.BAD_VALUE, ".".join(path), start + 1)


@pytest.mark.parametrize("table", ["profile", "hardware", "boot", "image"])
def test_missing_table_is_reported_with_its_keys(table: str) -> None:
    """At the first line."""
    whole = source("official-global").split("\n[")
    text = "\n[".join(part for part in whole if not part.startswith(f"{table}]"))
    error = rejection(text, "official-global")
    assert (error.code, error.key, error.line) == (DocumentCode.MISSING_KEY, table, 1)
    assert "add the table with" in error.text


def test_optional_tables_can_be_absent() -> None:
    for path in OPTIONAL:
        header = ".".join(path)
        whole = source("custom-spoofing").split("\n[")
        kept = [part for part in whole if not part.startswith((f"{header}]", f"{header}."))]
        assert len(kept) < len(whole)
        assert parse("\n[".join(kept), Path("custom-spoofing.toml")).name == "custom-spoofing"


@pytest.mark.parametrize(
    ("before", "after", "key", "says"),
    [
        ('keystore = "strongbox"', 'keystore = "strongbx"', "hardware.keystore", "did you mean 'strongbox'"),
        (
            'bootloader = "locked"',
            'bootloader = "open"',
            "boot.bootloader",
            "use one of 'locked', 'unlocked'",
        ),
        ('"alarm"', '"alarms"', "agent.wakes_on.3", "did you mean 'alarm'"),
        ('"GSM 850"', '"GSM850"', "hardware.bands.0", "as in 'LTE 1800'"),
        ('"GSM 850"', '"GSM 900"', "hardware", "twice"),
        ("oemboot = true", "oemboot = 1", "image.oemboot", "true or false"),
        ("patch_level = 2021-08-01", 'patch_level = "August"', "image.patch_level", "write a day"),
        ('tac = "00', 'tac = "35', "hardware.tac", "begin with 00"),
        ('name = "official-global"', 'name = "official-eea"', "profile.name", "give both the same name"),
    ],
)
def test_bad_value_is_reported_with_the_permitted_words(before: str, after: str, key: str, says: str) -> None:
    text = source("official-global")
    assert before in text
    error = rejection(text.replace(before, after, 1), "official-global")
    assert (error.code, error.key) == (DocumentCode.BAD_VALUE, key)
    assert says in error.text
    assert error.line == TomlPositions(text).line_of(tuple(key.split(".")))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[profile\n", 1),
        ("[profile]\nname = \n", 2),
        ("a = 1\na = 2\n", 2),
        ('a = 1\nb = "', 2),
        ("x = [1,\n2", 2),
    ],
)
def test_text_that_is_not_toml_is_reported_with_its_line(text: str, line: int) -> None:
    """The last line if the text ends too early."""
    error = rejection(text, "broken")
    assert (error.code, error.line, error.key) == (DocumentCode.SYNTAX, line, "")
    assert "not TOML" in error.text


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    """Absent, a folder, not UTF-8, or too long."""
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"[profile]\ntitle = 'caf\xe9'\n")
    long = tmp_path / "long.toml"
    long.write_text("# x\n" * 300_000)
    for path, words in (
        (tmp_path / "none.toml", "cannot be read"),
        (tmp_path, "cannot be read"),
        (latin, "in line 2"),
        (long, "longer"),
    ):
        with pytest.raises(ProfileError) as caught:
            load(path)
        found = caught.value.first
        assert (found.code, found.source, found.line) == (DocumentCode.UNREADABLE, str(path), None)
        assert words in found.text


def test_unknown_name_is_reported_with_the_nearest() -> None:
    """A path is not a name."""
    with pytest.raises(ProfileError) as caught:
        load_named("oficial-globl")
    assert caught.value.first.code is DocumentCode.UNKNOWN_NAME
    assert "'official-global'" in caught.value.first.text
    with pytest.raises(ProfileError):
        load_named("../firmware_profiles/official-global")


def test_error_begins_with_file_line_and_key() -> None:
    """A form that editors can open."""
    error = rejection(source("official-global").replace("bootloader", "botloader"), "official-global")
    assert str(error).startswith(f"official-global.toml:{error.line}: boot.botloader: unknown key")


def test_load_all_returns_every_file_as_an_immutable_mapping() -> None:
    everything = load_all()
    assert tuple(everything) == names()
    assert everything["custom-aosp"] == load(FOLDER / "custom-aosp.toml")
    assert not hasattr(everything, "__setitem__")


def test_examples_in_the_docstrings_are_correct() -> None:
    result = doctest.testmod(firmware_profiles)
    assert result.attempted > 0
    assert result.failed == 0
