"""The recipes for QA engineers are whole files that run."""

import re
from pathlib import Path

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.engine.runner import Plan
from lab.scenario.files.reader import SUFFIX, read
from lab.scenario.output.explain import explain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "qa" / "recipes.md").read_text("utf-8")
HEADINGS = re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _outcomes(text: str, folder: Path) -> list[tuple[Status, str]]:
    file = folder / f"recipe{SUFFIX}"
    file.write_text(text, "utf-8")
    plan = Plan(seed="2021")
    results = [run(case, plan.seed, plan.target()) for case in read(file)]
    return [(result.status, explain(result)) for result in results]


def test_the_page_has_five_recipes_with_a_file_each() -> None:
    assert [int(heading) for heading in HEADINGS] == list(range(1, 6))
    assert len(BLOCKS) == len(HEADINGS)


@pytest.mark.sample(2)
@pytest.mark.parametrize("text", BLOCKS, ids=[f"recipe-{number}" for number in HEADINGS])
def test_recipe_passes(text: str, tmp_path: Path) -> None:
    outcomes = _outcomes(text, tmp_path)
    assert outcomes
    for status, why in outcomes:
        assert status is Status.PASSED, why


@pytest.mark.sample(2)
@pytest.mark.parametrize("text", BLOCKS, ids=[f"recipe-{number}" for number in HEADINGS])
def test_recipe_with_a_wrong_expectation_fails(text: str, tmp_path: Path) -> None:
    broken = text + "  - expect: phone\n    outcome: no-boot\n"
    for status, why in _outcomes(broken, tmp_path):
        assert status is Status.FAILED, why
        assert "no-boot" in why
