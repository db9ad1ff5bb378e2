"""docs/design/architecture.md names every package, and its paths and names exist."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/design/architecture.md").read_text(encoding="utf-8")
PLACES = re.findall(r"^- [^:`]+: `([^`]+)`(?:, `(\w+)`)?$", PAGE, re.MULTILINE)
SUBJECTS = (
    "lock transition table",
    "check of a verdict's signature",
    "parsing of a modem's response",
    "evaluation of a policy rule",
    "execution of a scenario step",
    "injection of a fault on a socket",
    "admin route that locks a device",
    "TUF publisher",
    "screen's text",
)


def test_every_place_of_the_list_exists_and_defines_its_name() -> None:
    assert len(PLACES) >= len(SUBJECTS)
    for path, name in PLACES:
        assert (ROOT / path).is_file(), path
        if name:
            code = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name}\b.* = ", code, re.MULTILINE), (
                f"{path} does not define {name}"
            )


def test_the_list_answers_the_questions_of_a_newcomer() -> None:
    places = PAGE.partition("## Where is")[2].partition("\n## ")[0]
    assert [subject for subject in SUBJECTS if subject not in places] == []


def packages() -> set[str]:
    roots = ("wire", "text_input", "firmware_profiles", "agent", "server_stub", "lab")
    folders = {path.parent for root in roots for path in (ROOT / root).glob("**/__init__.py")}
    names = {folder.relative_to(ROOT).as_posix() for folder in folders}
    return {name for name in names if name.count("/") < 2 and name != "lab"}


def test_every_package_has_one_line_and_every_line_a_package() -> None:
    section = PAGE.partition("## What belongs where")[2].partition("\n## ")[0]
    listed = re.findall(r"^- `([\w/]+)`: ", section, re.MULTILINE)
    assert sorted(listed) == sorted(packages())


def test_layers_of_the_page_are_those_of_the_contracts() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    section = " ".join(PAGE.partition("## The layout")[2].partition("\n## ")[0].split())
    layers = [contract for contract in configured if contract["type"] == "layers"]
    assert len(layers) >= 4
    for contract in layers:
        expected = "; ".join(layer.replace(" | ", ", ") for layer in contract["layers"])
        assert f"`{contract['containers'][0]}`: {expected}" in section
