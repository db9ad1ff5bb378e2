"""Paths, make targets and names in CONTRIBUTING.md and SECURITY.md exist, and its code runs."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from agent.screens import LANGUAGES

ROOT = Path(__file__).parents[2]
WORDS = 750


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_paths_and_make_targets_of_the_page_exist(page: str) -> None:
    words = " ".join(re.findall(r"`([^`\n]+)`", (ROOT / page).read_text("utf-8"))).split()
    roots = {
        line.partition("/")[0]
        for line in subprocess.run(
            ["git", "ls-files", "*/*"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.splitlines()
    }
    paths = [word for word in words if word.partition("/")[0] in roots and not re.search(r"[A-Z]{2}", word)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = [after for before, after in pairwise(words) if before == "make"]
    assert targets
    assert [target for target in targets if not re.search(rf"^{target}: ", makefile, re.MULTILINE)] == []


def test_names_of_code_in_the_recipes_are_defined_in_the_file_of_the_step() -> None:
    steps = re.split(r"^\d+\. ", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), flags=re.MULTILINE)
    checked = 0
    for step in steps:
        files = [ROOT / path for path in re.findall(r"`([\w/]+\.py)`", step)]
        code = "".join(file.read_text("utf-8") for file in files)
        for name in re.findall(r"`(_?[A-Z]\w+|\w+_\w+)`", step) if files else ():
            assert re.search(rf"\b{name}\b", code), name
            checked += 1
    assert checked >= 12


def test_code_of_the_recipe_for_a_screen_draws_it_in_each_language() -> None:
    [code] = re.findall(r"python -c '([^']+)'", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.count("╭─────────") == 2 * len(LANGUAGES)


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").split()) <= WORDS
