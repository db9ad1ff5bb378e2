"""A scenario leaves nothing behind in its process: its result does not depend on what ran before it."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest

from lab.scenario.engine.engine import run
from lab.scenario.files.reader import Case, read

LIBRARY = Path(__file__).parents[2] / "scenarios"
ENGINE = ["lab.scenario.engine.engine", "lab.scenario.files.reader"]


def result_of(case: Case) -> str:
    return json.dumps(run(case, "isolation").as_json())


@pytest.mark.parametrize(
    ("folder", "files"), [("activation", 3), pytest.param(".", 40, marks=pytest.mark.slow)]
)
def test_a_library_scenario_has_the_same_result_after_others_as_in_a_fresh_process(
    folder: str, files: int
) -> None:
    """A server for forks loads the engine and runs nothing, so each of its children is fresh."""
    random = Random(files)
    paths = sorted((LIBRARY / folder).rglob("*.scenario.yaml"))
    cases = [random.choice(read(path)) for path in random.sample(paths, min(files, len(paths)))]
    fresh = get_context("forkserver")
    fresh.set_forkserver_preload(ENGINE)
    with ProcessPoolExecutor(2, mp_context=fresh, max_tasks_per_child=1) as processes:
        alone = list(processes.map(result_of, cases))
    order = list(range(len(cases)))
    random.shuffle(order)
    together = {number: result_of(cases[number]) for number in order}
    assert [together[number] for number in range(len(cases))] == alone
