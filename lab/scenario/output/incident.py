"""The scenario of the 2021 incident, as the demo runs it."""

from dataclasses import replace

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult
from lab.scenario.engine.runner import Plan
from lab.scenario.files.discovery import library_file
from lab.scenario.files.reader import read
from lab.scenario.output.cohorts import period_text


def incident(seed: str) -> ScenarioResult:
    """Run the scenario in this process. The result names its file by its path in the repository."""
    name = "incident/incident-2021.scenario.yaml"
    (case,) = read(library_file(name))
    result = run(case, seed, Plan(seed).target())
    return replace(
        result, file=f"scenarios/{name}", reproduce=f"activation run scenarios/{name} --seed {seed}"
    )


def lock_summary(result: ScenarioResult) -> list[tuple[str, str, str]]:
    """For each device its name, its outcome, and when it was locked."""
    return [
        (
            each.name,
            each.outcome,
            ", ".join(period_text(period, result.began) for period in each.locked) or "never",
        )
        for each in result.handsets
    ]
