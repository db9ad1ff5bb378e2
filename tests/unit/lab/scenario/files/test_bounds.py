"""A scenario file that is hostile, or wrong in every line, costs little and gets a short list of errors."""

import os
import time
from pathlib import Path

import pytest

from lab.scenario.files.discovery import cases, each_case
from lab.scenario.files.errors import ERRORS_MAX, ScenarioError
from lab.scenario.files.parameters import COMBINATIONS_MAX
from lab.scenario.files.reader import read, read_text
from lab.scenario.files.yaml_positions import BYTES_MAX

DEEP = "is nested too deep; use fewer levels"


def rejected(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        read_text(text, "x.scenario.yaml")
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "a: " + "[" * 5000 + "]" * 5000,
        "a: " + "{b: " * 5000,
        "- " * 200_000,
        "? " * 100_000,
        "".join(" " * level + "a:\n" for level in range(1000)),
        "a:\t" + "[" * 5000,
    ],
    ids=["flow", "closed flow", "mappings", "sequences", "keys", "blocks", "a tab"],
)
def test_nesting_is_bounded_before_the_file_is_composed(text: str) -> None:
    """libyaml recurses for each level, and would end the process."""
    error = rejected(text)
    assert [each.message for each in error.errors] == [DEEP] or "\t" in text


def test_combinations_are_counted_before_they_are_made() -> None:
    parameters = "".join(f"  p{number}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n" for number in range(9))
    error = rejected(f"name: x\nparameters:\n{parameters}steps: []\n")
    message = f"give 1000000000 combinations; at most {COMBINATIONS_MAX} are allowed: split the file"
    assert message in [each.message for each in error.errors]


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nabout: y\nhandsets: {}\nsteps:\n" + "- expct: phone\n" * 500,
        "".join(f"m{number}: 1\n" for number in range(500)),
        "a: 1\n" * 500,
    ],
    ids=["unknown steps", "unknown members", "duplicate members"],
)
def test_an_error_in_each_of_500_lines_gives_50_errors_with_lines(text: str) -> None:
    error = rejected(text)
    assert len(error.errors) == ERRORS_MAX
    assert error.errors[-1].message == "there are more errors; correct these first"
    assert [each.line for each in error.errors] == sorted(each.line for each in error.errors)
    assert error.errors[-1].line > 1


def cost(text: str) -> float:
    """The least processor time of three runs, in seconds."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        rejected(text)
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.mark.parametrize(
    "unit",
    ["- expct: phone\n", "m#: 1\n", "a: 1\n", "# x\n", "a#: ${b}\n", "- [1, 2, 3]\n"],
)
def test_cost_grows_in_proportion_to_the_size(unit: str) -> None:
    def text(size: int) -> str:
        return "name: x\nsteps:\n" * unit.startswith("-") + "".join(
            unit.replace("#", str(number), 1) for number in range(size)
        )

    assert cost(text(1_000)) < 2.5 * cost(text(500)) + 0.05


def test_many_values_of_a_parameter_cost_in_proportion() -> None:
    def text(size: int) -> str:
        return f"name: x\nparameters:\n  p: [{', '.join(map(str, range(size)))}]\n"

    assert cost(text(8_000)) < 2.5 * cost(text(4_000)) + 0.05


def test_a_longer_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "long.scenario.yaml"
    with file.open("wb") as stream:
        stream.truncate(BYTES_MAX * 1000)  # sparse
    with pytest.raises(ScenarioError) as caught:
        read(file)
    assert "longer than a million characters" in str(caught.value)


def test_a_file_name_that_is_not_utf_8_is_an_error_of_that_file(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"sc\xffen.scenario.yaml")).write_text("name: x\n")
    found, errors = cases([tmp_path])
    assert found == []
    [line] = errors[0].lines()
    assert line.isprintable()
    assert "has a name that is not UTF-8; rename it" in line


def test_files_with_nearly_the_right_name_are_named_in_warnings(tmp_path: Path) -> None:
    near = (
        *("a.scenario.yml", "b.scenarios.yaml", "c.Scenario.YAML", "d_scenario.yaml", "e.scenario.yaml.txt"),
        *("f.scenaro.yaml", "g.scenarioyaml", "scenario.yaml", "h.senario.yaml", "i.scenario.yaml.yml"),
    )
    others = (
        "j.yaml",
        "steps.yaml",
        "k.scenario.yaml~",
        "policy.toml",
        "notes.txt",
        "cases.csv",
        "l.steps.yaml",
    )
    for name in (*near, *others):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.scenario.yml").mkdir()
    warnings: list[str] = []
    assert list(each_case([tmp_path], lambda _: None, warnings.append)) == []
    assert {Path(each.split(" is not run")[0]).name for each in warnings} == set(near)
