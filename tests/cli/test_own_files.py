"""Profiles and places by path, in every command that takes a name, and `activation places`."""

import json
from pathlib import Path

import pytest

from lab.world.places import PlaceError, load_places, resolve_place
from tests.cli.test_commands import activation, as_json

CELLAR = """
[cellar]
sentence = "A phone below the laboratory"
position = [23.1, -82.4]
address = "CU"
sims = ["368-01"]

[cellar.networks.368-01]
area = 1
cell = 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with `my.toml`, `lab.toml` of one place, and `two.toml` of two."""
    monkeypatch.chdir(tmp_path)
    shipped = activation("profiles", "show", "official-global").stdout
    (tmp_path / "my.toml").write_text(shipped.replace('name = "official-global"', 'name = "my"'), "utf-8")
    (tmp_path / "lab.toml").write_text(CELLAR, "utf-8")
    (tmp_path / "two.toml").write_text(CELLAR + CELLAR.replace("cellar", "attic"), "utf-8")
    return tmp_path


@pytest.mark.slow
def test_device_of_paths_is_the_same_for_every_spelling_of_a_path(folder: Path) -> None:
    there = ("--profile", "./my.toml", "--place", "lab.toml", "--state", "kept")
    first = as_json("device", *there)
    assert (first["profile"], first["place"], first["outcome"]) == ("my", "cellar", "locked")
    again = as_json(
        "device", "--profile", str(folder / "my.toml"), "--place", "./lab.toml", "--state", "kept"
    )
    recovered = next(entry for entry in again["timeline"] if entry["what"] == "recovered")
    assert recovered["detail"]["lock"] == "locked"
    moved = as_json("device", "--profile", "custom-aosp", "--place", "two.toml#attic", "--state", "kept")
    assert (moved["profile"], moved["place"], moved["outcome"]) == ("custom-aosp", "attic", "home")


def test_matrix_takes_names_and_paths(folder: Path) -> None:
    rows = as_json("matrix", "--profiles", "custom-aosp,./my.toml", "--places", "paris,lab.toml")
    assert [(row["profile"], row["place"], row["outcome"]) for row in rows] == [
        ("custom-aosp", "paris", "home"),
        ("custom-aosp", "cellar", "home"),
        ("my", "paris", "activated"),
        ("my", "cellar", "locked"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        ("device", "--place", "paris", "--profile"),
        ("evidence", "A", "--profile"),
        ("attest", "--nonce", "A", "--public-key", "x.pem", "--profile"),
        ("matrix", "--places", "paris", "--profiles"),
        ("explore", "--profile"),
        ("profiles", "show"),
        ("device", "--profile", "custom-aosp", "--place"),
        ("evidence", "A", "--place"),
        ("matrix", "--profiles", "custom-aosp", "--places"),
        ("places", "show"),
    ],
    ids=" ".join,
)
def test_a_wrong_file_is_reported_with_line_and_key(folder: Path, command: tuple[str, ...]) -> None:
    for name in ("my", "lab"):
        file = folder / f"{name}.toml"
        file.write_text(
            file.read_text("utf-8").replace("sale_region", "sale_regoin").replace("cell =", "cel =")
        )
    of_place = command[-1].startswith("--place") or command[0] == "places"
    file, words = (
        ("lab.toml", ":10: cellar.networks.368-01.cel: unknown key")
        if of_place
        else ("my.toml", "sale_regoin")
    )
    error = activation(*command, f"./{file}", code=2).stderr
    assert words in error
    assert f"{file}:" in error
    assert activation(*command, "./nowhere.toml", code=2).stderr.count("nowhere.toml") == 1


def test_places_are_listed_shown_and_valid_when_saved(folder: Path) -> None:
    listed = as_json("places", "list")
    assert listed == as_json("places")
    assert [place["name"] for place in listed] == list(load_places())
    assert max(map(len, activation("places").stdout.splitlines())) <= 80
    for place in listed:
        file = folder / f"{place['name']}.toml"
        file.write_text(activation("places", "show", place["name"]).stdout, "utf-8")
        assert resolve_place(file.name) == load_places()[place["name"]]
        assert as_json("places", "show", str(file)) == place
    assert as_json("profiles", "list") == as_json("profiles")


def test_validate_of_places_reports_each_file(folder: Path) -> None:
    (folder / "bad.toml").write_text(CELLAR.replace("CU", "Cuba"), "utf-8")
    result = activation("places", "validate", "lab.toml", "bad.toml", "--json", code=1)
    good, bad = json.loads(result.stdout)
    assert good == {
        "file": "lab.toml",
        "ok": True,
        "code": None,
        "line": None,
        "message": "lab.toml: valid",
        "errors": [],
    }
    assert (bad["ok"], bad["code"], bad["line"]) == (False, "bad-value", 5)
    activation("places", "validate", "nowhere.toml", code=2)


def test_every_error_of_a_file_is_reported_with_its_folder(folder: Path) -> None:
    (folder / "bad").mkdir()
    text = (
        CELLAR.replace("address", "adress")
        .replace('sims = ["368-01"]', 'sims = "368-01"')
        .replace("cell =", "cel =")
    )
    (folder / "bad/lab.toml").write_text(text, "utf-8")
    assert activation("places", "validate", "bad/lab.toml", code=1).stderr.splitlines() == [
        "bad/lab.toml:5: cellar.adress: unknown key; did you mean 'address'?",
        'bad/lab.toml:6: cellar.sims: is \'368-01\'; write a list, as in ["a", "b"]',
        "bad/lab.toml:10: cellar.networks.368-01.cel: unknown key; did you mean 'cell'?",
    ]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (
            ("places", "validate", "my.toml"),
            1,
            "my.toml:1: is a firmware profile, not a file of places; check it with",
        ),
        (
            ("profiles", "validate", "lab.toml"),
            1,
            "lab.toml:1: is a file of places, not a firmware profile; check it",
        ),
        (
            ("places", "validate", "nowhere.toml"),
            2,
            "nowhere.toml: cannot be read: No such file or directory; correct",
        ),
        (
            ("device", "--profile", "my", "--place", "paris"),
            2,
            "no profile is called 'my'; did you mean './my.toml'?",
        ),
        (("device", "--profile", "custom-aosp", "--place", "lab"), 2, "did you mean './lab.toml'?"),
        (("matrix", "--profiles", "my", "--places", "paris"), 2, "did you mean './my.toml'?"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_file_of_another_kind_or_a_name_instead_of_a_path_is_named(
    command: tuple[str, ...], code: int, words: str
) -> None:
    assert words in activation(*command, code=code).stderr


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("two.toml", PlaceError, "has 2 places; write which one, as in two.toml#cellar"),
        ("two.toml#cellr", PlaceError, "did you mean 'cellar'"),
        ("lab", PlaceError, "no place is called 'lab'; did you mean './lab.toml'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_place_of_a_file_that_is_not_clear_is_an_error(
    value: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        resolve_place(value)
