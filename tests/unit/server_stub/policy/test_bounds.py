"""A policy document that is hostile, or wrong in every line, costs little and gets a short list of errors."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from server_stub import policies
from server_stub.policy.document import LIST_MAX
from server_stub.policy.errors import PROBLEMS_MAX, PolicyError
from server_stub.policy.reading import parse

EXAMPLE = (Path(policies.__file__).parent / "example.toml").read_text("utf-8")


def rejected(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse(text, "draft.toml")
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"kee{number} = 1\n" for number in range(500)) + EXAMPLE,
        EXAMPLE + "".join(f'[[rules]]\nid = "r{n}"\ndecison = "alow"\nreason = "x"\n' for n in range(125)),
        EXAMPLE + '[[rules]]\nid = "same"\ndecision = "allow"\nreason = "territory-eligible"\n' * 125,
    ],
)
def test_an_error_in_each_of_500_lines_gives_50_errors_with_lines(text: str) -> None:
    error = rejected(text)
    assert len(error.problems) == PROBLEMS_MAX
    assert [each.line for each in error.problems] == sorted(each.line for each in error.problems)
    assert error.problems[-1].line > 1
    assert error.problems[-1].text == "there are more errors; correct these first"


def cost(size: int, make: Callable[[int], str]) -> float:
    """The least processor time of three runs, in seconds."""
    seconds = []
    for run in range(3):
        text = f"# {run}\n" + make(size)  # documents are cached by their text
        start = time.process_time()
        rejected(text)
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.mark.parametrize(
    "make",
    [
        lambda size: "a = [\n" + "['x'],\n" * size + "]\n",
        lambda size: "".join(f"key{number} = 1\n" for number in range(size)),
        lambda size: "[[rules]]\n" * size,
        lambda size: EXAMPLE.replace('["CU"]', str(["CU"] * size)),
        lambda size: "a = '''\n" + "]\n'''\nb = '''\n" * size,
        lambda size: 'a = """' + '"\n' * size,
        lambda size: "a.b" * size + " = 1",
    ],
    ids=["open arrays", "unknown keys", "empty rules", "one territory", "strings", "quotes", "dots"],
)
def test_cost_grows_in_proportion_to_the_size(make: Callable[[int], str]) -> None:
    assert cost(4_000, make) < 2.5 * cost(2_000, make) + 0.05


def test_lists_are_bounded() -> None:
    error = rejected(EXAMPLE.replace('["CU"]', str(["CU"] * (LIST_MAX + 1))))
    assert error.key == "territories.prohibited"
