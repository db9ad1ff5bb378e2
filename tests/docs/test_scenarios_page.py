"""The first scenario of docs/qa/scenarios.md: each of its steps has the output that the page shows."""

import re
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from lab.cli.main import app
from lab.scenario.files.reader import read_text

PAGE = Path(__file__).parents[2] / "docs" / "qa" / "scenarios.md"
TUTORIAL = PAGE.read_text("utf-8").partition("## A first scenario")[2].partition("\n## ")[0]
FILE, MATRIX = (dedent(block) for block in re.findall(r"^   ```yaml\n(.*?)^   ```", TUTORIAL, re.M | re.S))
HEAD, LAST = FILE.partition("\nhandsets:")[0], FILE.rpartition("outcome: activated")
VERSIONS = (
    FILE,
    LAST[0] + "outcome: locked" + LAST[2],
    FILE.replace("outcome: activated", "outcom: activated", 1).replace("to: havana", "to: havanna"),
)
OUTPUTS = [
    dedent(block)
    for block in re.findall(r"^   ```console\n   \$ [^\n]*\n(.*?)^   ```", TUTORIAL, re.M | re.S)
]


@pytest.mark.parametrize(
    ("text", "output"), list(zip(VERSIONS, OUTPUTS, strict=True)), ids=("passes", "fails", "misspelt")
)
def test_step_of_the_first_scenario_has_the_output_of_the_page(
    text: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my-first.scenario.yaml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(app, ["run", "my-first.scenario.yaml"]).output
    for part in output.split("…"):
        assert part.strip() in printed


def test_matrix_of_the_first_scenario_has_each_combination_with_its_id() -> None:
    ids = [case.id for case in read_text(f"{HEAD}\n{MATRIX}", "my-first.scenario.yaml")]
    assert len(ids) > 30
    assert re.findall(r"my-first\[.*?\]", TUTORIAL)[0] in ids
