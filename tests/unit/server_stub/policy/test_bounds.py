"""A policy document that is hostile, or wrong in every line, costs little and gets a short list of errors."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from server_stub import policies
from server_stub.policy import lint
from server_stub.policy.diff import difference
from server_stub.policy.document import LIST_MAX
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Policy
from server_stub.policy.reading import parse
from server_stub.policy.space import ComparisonBudget, Space, TooManyCombinationsError
from text_input.documents import PROBLEMS_MAX

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
    assert [each.line for each in error.problems] == sorted(each.line or 0 for each in error.problems)
    assert (error.problems[-1].line or 0) > 1
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
    assert error.first.key == "territories.prohibited"


WORDS = {
    "territory": ["prohibited", "no-presence", "eligible", "unknown", "contradictory"],
    "activation": ["none", "prohibited", "no-presence", "eligible", "unknown"],
    "sale_region": ["in", "us", "eu", "cn", "la"],
    "identity": ["attested", "unattested"],
    "trust": ["none", "affirming", "warning", "contraindicated"],
    "terms": ["2020-01", "2021-06", "2021-09"],
}


def divided(rules: int, seed: int = 1) -> str:
    """A policy whose rules divide the devices into many groups: each has conditions on other facts than the last."""
    random = Random(seed)
    head, _, _ = EXAMPLE.partition("[[rules]]")
    text = head + "".join(
        f'[[campaigns]]\nid = "c{number}"\nfrom = 2021-01-01T00:00:00Z\nuntil = 2022-01-01T00:00:00Z\n'
        for number in range(rules // 2)
    )
    for number in range(rules):
        facts = random.sample(sorted(WORDS), 3)
        when = [f"{fact} = {json.dumps(random.sample(WORDS[fact], 1 + number % 2))}" for fact in facts]
        when.append(f'campaign = {{ id = "c{random.randrange(rules // 2)}", state = ["running"] }}')
        text += f'[[rules]]\nid = "x{number}"\nwhen = {{ {", ".join(when)} }}\n'
        text += 'decision = "defer"\nreason = "evidence-unattested"\n'
        text += 'message = { key = "try-later" }\nretry_after = 60\n'
    return text + EXAMPLE[EXAMPLE.rindex("[[rules]]") :]


@pytest.mark.slow
def test_warnings_of_a_policy_with_many_rules_cost_little() -> None:
    """Each rule is found to match by the first piece that it decides; 40 rules cost ten seconds before."""
    budget = ComparisonBudget()
    space = Space.of(Policy.parse(divided(40), "draft.toml"))
    with pytest.raises(TooManyCombinationsError):
        list(space.pieces(space.whole, budget))
    assert budget.left < 0
    start = time.process_time()
    lint.warnings(Policy.parse(divided(40), "draft.toml"), "draft.toml")
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(("name", "value"), [("COMPARISONS", 100), ("EVALUATIONS", 100)])
def test_rules_that_are_not_examined_are_named(
    name: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "COMPARISONS":
        monkeypatch.setattr(lint, "ComparisonBudget", lambda: ComparisonBudget(value))
    else:
        monkeypatch.setattr("server_stub.policy.space.EVALUATIONS_MAX", value)
    policy = Policy.parse(divided(40), "draft.toml")
    [problem] = [each for each in lint.warnings(policy, "draft.toml") if "is not checked" in each.text]
    assert problem.key.startswith("rules")
    assert "use fewer rules or conditions" in problem.text


@pytest.mark.slow
def test_difference_of_policies_with_too_many_combinations_is_refused() -> None:
    old, new = (Policy.parse(text, "draft.toml") for text in (divided(40), divided(41)))
    with pytest.raises(TooManyCombinationsError):
        difference(old, new)


@pytest.mark.parametrize(
    ("member", "moment", "allowed"),
    [
        ("from", "0001-01-01T00:00:00+14:00", False),
        ("from", "0001-01-01T00:00:00Z", True),
        ("until", "9999-12-31T23:59:59-14:00", False),
        ("until", "9999-12-31T23:59:59Z", True),
    ],
)
def test_a_date_that_is_not_in_the_calendar_of_utc_is_an_error_with_its_line(
    member: str, moment: str, *, allowed: bool
) -> None:
    """A comparison shows dates in UTC."""
    text = policies.read("export-2021-09")
    [old] = [line for line in text.splitlines() if line.startswith(f"{member} = ")]
    changed = text.replace(old, f"{member} = {moment}")
    if allowed:
        assert difference(Policy.parse(text, "a"), Policy.parse(changed, "b")).decisions
    else:
        [problem] = rejected(changed).problems
        assert (problem.line, member in problem.key) == (text.splitlines().index(old) + 1, True)
