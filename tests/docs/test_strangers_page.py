"""The pages on strangers and on attacks name only code, tests and attacks that exist, and all that they must name."""

import re
from fnmatch import filter as matching
from pathlib import Path

import pytest

from lab.attacks.catalogue import BY_ID, CATALOGUE
from lab.attacks.model import AttackerCapability

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security/strangers.md").read_text(encoding="utf-8")
ATTACKS = (ROOT / "docs/security/attacks.md").read_text(encoding="utf-8")
ITEMS = PAGE.partition("\n- ")[2].partition("\n\n")[0].split("\n- ")


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.partition("**: ")[0].strip("* "))
def test_code_tests_and_attacks_of_each_item_exist(item: str) -> None:
    code, tests, *attacks = (named(part) for part in item.partition(".\n")[2].split(";"))
    assert code
    assert tests
    assert all((ROOT / path).is_file() for path in code | tests)
    assert all(path.startswith("tests/") for path in tests)
    assert [pattern for pattern in set().union(*attacks) if not matching(BY_ID, pattern)] == []


def test_each_attack_with_an_unlock_code_that_answers_another_challenge_is_listed() -> None:
    ours = set(matching(BY_ID, "unlock-code-*"))
    assert ours - named(PAGE) == {"unlock-code-changed", "unlock-code-expired"}


def test_page_on_attacks_names_each_attack_that_succeeds() -> None:
    section = ATTACKS.partition("## Attacks that succeed")[2].partition("\n## ")[0]
    assert {attack.id for attack in CATALOGUE if attack.succeeds_because} == named(section) & BY_ID.keys()


def test_page_on_attacks_names_each_module_and_each_capability() -> None:
    folders = ("tokens", "server", "device")
    paths = [path for folder in folders for path in (ROOT / "lab/attacks" / folder).glob("*.py")]
    modules = {f"{path.parent.name}/{path.stem}" for path in paths if "ATTACKS" in path.read_text("utf-8")}
    assert len(modules) >= 15
    assert modules | set(AttackerCapability) <= named(ATTACKS)
