"""The incident of 2021 as the demo tells it, from the copy of its file that is installed with the package."""

from dataclasses import replace
from importlib.resources import as_file, files
from typing import Final

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import HandsetResult, ScenarioResult
from lab.scenario.engine.runner import Plan
from lab.scenario.files.reader import read
from lab.scenario.output.lock_periods import locks

FILE: Final = "incident-2021.scenario.yaml"
WHERE: Final = f"scenarios/incident/{FILE}"


def incident(seed: str) -> ScenarioResult:
    """The scenario, run in this process, named by its place in the sources: no path of a machine is told."""
    with as_file(files("lab.scenario.output").joinpath(FILE)) as path:
        (case,) = read(path)
        result = run(case, seed, Plan(seed).target())
    return replace(result, file=WHERE, reproduce=f"activation run {WHERE} --seed {seed}")


def cohorts(result: ScenarioResult) -> list[tuple[str, str, str]]:
    """For each phone its name, what it ended as, and from when to when it was locked."""
    return [(each.name, each.outcome, _told(result, each)) for each in result.handsets]


def _told(result: ScenarioResult, handset: HandsetResult) -> str:
    return ", ".join(span.told(result.began) for span in locks(handset)) or "never"
