"""Fuzzing of the reader of scenario files."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from fuzz.cost import BoundedTarget, CostBudget, repeated
from fuzz.fault import hold
from lab.scenario.files.errors import ERRORS_MAX, ScenarioError
from lab.scenario.files.parameters import combinations
from lab.scenario.files.reader import SUFFIX, read_text
from lab.scenario.files.yaml_positions import Tree, parse

_LIBRARY: Final = Path(__file__).parents[1] / "scenarios"
_NAME: Final = "draft.scenario.yaml"


def read(document: bytes) -> None:
    """Read the file. It has scenarios with different ids, or errors with lines."""
    text = document.decode("utf-8", "replace")
    try:
        found = read_text(text, _NAME)
    except ScenarioError as error:
        hold("an error has a message", holds=0 < len(error.errors) <= ERRORS_MAX)
        lines = len(text.splitlines()) + 2
        hold("an error has a line of the file", holds=all(1 <= each.line <= lines for each in error.errors))
        return
    hold("each scenario has an id of its own", holds=len({case.id for case in found}) == len(found) > 0)


def work(document: bytes) -> int:
    """The length of all combinations together: each is a scenario of its own."""
    tree = Tree(_NAME)
    with suppress(ScenarioError):
        tree = parse(document.decode("utf-8", "replace"), _NAME)
    count = sum(1 for _ in combinations(tree)) if isinstance(tree.value, dict) else 0
    return len(document) * max(1, count)


fuzz_one: Final = BoundedTarget(read, CostBudget(0.05, 40e-6, 4_000_000, 1_500), work=work, work_max=200_000)


def seeds() -> Iterator[bytes]:
    """The smallest scenarios of the library, and units of each kind of statement."""
    files = sorted(_LIBRARY.rglob(f"*{SUFFIX}"), key=lambda file: (file.stat().st_size, str(file)))
    for file in files[:12]:
        yield b"1" + file.read_bytes()
    head = b"name: x\nabout: y\nhandsets: {phone: {profile: official-global, place: paris}}\n"
    units = (
        (b"", b"- ", b""),
        (b"", b"m\0: 1\n", b""),
        (b"name: x\nparameters:\n", b"  p\0: [1, 2]\n", b"steps: []\n"),
        (head + b"steps:\n", b"- set-up: phone\n", b"- expect: {of: phone, lock: open}\n"),
        (head + b"steps:\n", b"- expct: phone\n", b""),
        (b"name: x\nparameters: {p: [", b"\0, ", b"x]}\nsteps: []\n"),
        (head + b"examples:\n", b"- {q: \0}\n", b"steps:\n- expect: {of: phone, lock: open}\n"),
        (head + b"parameters: {p: [1, 2]}\nexclude:\n", b"- {p: 1}\n", b"steps: []\n"),
        (b"a: '", b"''", b"'\n"),
        (b"a: ", b"${p}", b"\n"),
    )
    yield from repeated(units)
