"""The page on settings has those of the code, and its examples can be used."""

import re
from pathlib import Path

import pytest

from server_stub.settings import TABLE
from server_stub.settings_sources import CONFIG_VARIABLE, read_settings
from tools.settings_page import page

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "developers" / "settings.md"


def test_the_lists_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    assert page(text) == text, "run `make generate`"
    for setting in TABLE.values():
        assert f"- {', '.join(f'`{name}`' for name in setting.options)}" in text
        assert setting.variable == f"ACTIVATION_SERVER_{setting.options[-1][2:].replace('-', '_').upper()}"
    with pytest.raises(ValueError, match="no generated part"):
        page("")


def test_the_example_of_a_file_is_valid(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "server.toml"
    file.write_text(example)
    settings = read_settings({}, {}, str(file)).settings
    assert settings.database == str(tmp_path / "activation.sqlite")


def test_every_variable_in_the_documentation_is_a_setting() -> None:
    known = {CONFIG_VARIABLE, *(setting.variable for setting in TABLE.values())}
    links = re.compile(r"_SERVICE_|_PORT_")
    for file in [*DOCS.glob("*.md"), *DOCS.glob("[!a]*/*.md"), DOCS.parent / "README.md"]:
        found = re.findall(r"ACTIVATION_SERVER_[A-Z_]*[A-Z]", file.read_text("utf-8"))
        assert [name for name in found if name not in known and not links.search(name)] == [], file
