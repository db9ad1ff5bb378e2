"""Scenarios as strings, for tests of the engine."""

import io
from collections.abc import Iterable
from textwrap import dedent, indent

from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, StepResult
from lab.scenario.files.reader import Case, read_text
from lab.scenario.output.junit import Suite
from lab.scenario.output.report_file import ReportFooter, UnusableFile

SEED = "tests"


def text(steps: str, *, handsets: str = "phone: {profile: official-global}", world: str = "{}") -> str:
    """A whole file with these steps."""
    return (
        f"name: a test\nabout: It is for a test.\nworld: {world}\nhandsets:\n{indent(dedent(handsets), '  ')}\n"
        f"steps:\n{indent(dedent(steps).strip(), '  ')}\n"
    )


def cases(body: str) -> tuple[Case, ...]:
    return read_text(body, "folder/test.scenario.yaml")


def played(
    steps: str,
    *,
    handsets: str = "phone: {profile: official-global}",
    world: str = "{}",
    seed: str = SEED,
) -> ScenarioResult:
    """The result of the first scenario in a file with these steps."""
    return run(cases(text(steps, handsets=handsets, world=world))[0], seed)


def last(result: ScenarioResult) -> StepResult:
    return result.steps[-1]


def wrong(result: ScenarioResult) -> list[str]:
    """Every mismatch and error as text."""
    found = [result.error] if result.error else []
    for step in result.steps:
        found += [step.error] if step.error else []
        found += [
            f"{judged.handset}: {miss.member}: {miss.expected!r} != {miss.actual!r}"
            for judged in step.judged
            for miss in judged.mismatches
        ]
    return found


def junit_document(
    results: Iterable[ScenarioResult],
    unusable: Iterable[UnusableFile] = (),
    *,
    complete: bool = True,
    times: bool = False,
) -> str:
    """The JUnit document of these results."""
    suite = Suite(io.BytesIO(), times=times)
    for each in results:
        suite.add(each)
    return b"".join(suite.document(ReportFooter({}, tuple(unusable), complete))).decode()
