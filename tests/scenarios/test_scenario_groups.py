"""Groups of handsets: they act side by side, in the order of their names, and are counted together."""

import json
import re
from collections.abc import Iterator
from itertools import groupby

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lab.handset.assembly import Jitter
from lab.handset.timeline import Timeline
from lab.scenario.engine import engine
from lab.scenario.engine.context import ScenarioContext, ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.handset_results import BRIEF_ENTRIES_MAX, COMPLETE_MAX
from lab.scenario.engine.opening import open_context
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.files.errors import ScenarioError
from lab.scenario.output.cohorts import cohorts
from lab.scenario.output.explain import explain, first_failure
from lab.scenario.output.page_data import scenario
from tests.support.profiles import examples
from tests.support.scenarios import SEED, cases, played, text, wrong

STEPS = (
    "- power-on: fleet",
    "- power-off: fleet",
    "- set-up: fleet",
    "- set-up: fleet\n  language: fr",
    "- retry: fleet",
    "- network-down: fleet",
    "- network-up: fleet",
    "- factory-reset: fleet",
    "- move: fleet\n  to: havana",
    "- insert-sim: fleet\n  operator: 310-260",
    "- lock: fleet",
    "- issue-code: fleet",
    "- enter-code: fleet",
    "- break-storage: fleet\n  how: full-disk",
    "- mend-storage: fleet",
    "- fault: unavailable\n  of: fleet\n  for: 2 min\n  retry-after: 50 s",
    "- fault: reset\n  on-request: 3",
    "- cut-power: fleet\n  at-effect: 2\n  during: {set-up: }",
    "- cut-power: fleet\n  at-effect: 3\n  during: {wait: 1 day}",
    "- wait: 15 s",
    "- wait: 2 days",
    "- wait-for: fleet\n  see: {screen: home}\n  at-most: 1 day",
    "- expect: fleet\n  outcome: activated",
)
PROGRAMS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=8).map("\n".join)


def program(steps: str, count: int | None) -> ScenarioResult:
    """The result of steps after the first start of a group, or of a single handset."""
    of = "" if count is None else f", count: {count}"
    steps = f"- power-on\n- set-up\n{steps}\n- expect: fleet\n  outcome: activated"
    return run(cases(text(steps, handsets=f"fleet: {{profile: official-global{of}}}"))[0], SEED)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(steps=PROGRAMS)
def test_group_of_one_equals_a_single_handset_up_to_its_name(steps: str) -> None:
    alone, group = (json.dumps(program(steps, count).as_json()) for count in (None, 1))
    assert group.replace("fleet-1", "fleet") == alone


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(steps=PROGRAMS, count=st.integers(2, 12))
def test_members_do_each_thing_at_the_same_instant_in_the_order_of_their_names(
    steps: str, count: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jitter, "fraction", lambda _: 0.5, raising=False)
        patch.setattr(Jitter, "__init__", lambda *_: None)
        check_side_by_side(steps, count)


def check_side_by_side(steps: str, count: int) -> None:
    """Check that a group whose members differ in nothing has equal lives, which no member begins out of order."""
    order: list[tuple[float, int]] = []
    note = Timeline.note

    def recorded(timeline: Timeline, *what: object, **detail: object) -> None:
        order.append((timeline._now(), id(timeline)))
        note(timeline, *what, **detail)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Timeline, "note", recorded)
        result = program(steps, count)
    lives = {tuple((e["at"], e["who"], e["what"]) for e in each.timeline) for each in result.handsets}
    names = [each.name for each in result.handsets]
    assert names == sorted(names) == list(dict.fromkeys(names))
    assert len(names) == count
    event(str(result.status))
    if all(step.status is not Status.ERROR for step in result.steps):  # else it stopped at the first member
        assert len(lives) == 1
        turns = [timeline for timeline, _ in groupby(order, key=lambda each: each[1])]
        assert turns == turns[:count] * (len(turns) // count)
        assert len(set(turns[:count])) == count


def test_handsets_of_a_group_are_set_up_at_the_same_instant() -> None:
    """One after the other they would need 400 seconds."""
    result = program("- wait: 1 day", 20)
    assert result.status is Status.PASSED, wrong(result)
    assert result.elapsed == 86_420
    assert len({tuple(entry["at"] for entry in each.timeline) for each in result.handsets}) == 1
    assert len({each.timeline[-1]["at"] for each in result.handsets}) == 1


COUNTED = "fleet: {profile: official-global, count: 10}\nphone: {profile: official-global}"
LOCKED = "- power-on\n- set-up\n- mark: sold\n- lock: [fleet-03, fleet-7, phone]\n- retry: [fleet-03, fleet-7, phone]\n"


@pytest.fixture(scope="module")
def two_locked() -> Iterator[ScenarioContext]:
    """A group of ten of which two are locked, and a single handset that is locked too."""
    case = cases(text(LOCKED, handsets=COUNTED))[0]
    with open_context(case, SEED, ServerTarget()) as context:
        engine.prepare_world(context)
        for line, step in case.steps:
            assert engine.run_step(context, line, step).status is Status.PASSED
        yield context


TALLIES: dict[str, str | None] = {
    "fleet\n  outcome: activated": "all 10: 8 of 10; not fleet-03 (outcome), fleet-07 (outcome)",
    "fleet\n  outcome: [activated, locked]": None,
    "fleet\n  all: true\n  usable: true": "all 10: 8 of 10; not fleet-03 (usable), fleet-07 (usable)",
    "fleet\n  none:\n  outcome: home": None,
    "fleet\n  none: true\n  outcome: locked": "none of 10: 2 of 10: fleet-03, fleet-07",
    "fleet\n  at-least: 8\n  outcome: activated": None,
    "fleet\n  at-least: 80 %\n  outcome: activated": None,
    "fleet\n  at-least: 80.1%\n  outcome: activated": "at least 9 of 10: 8 of 10; "
    "not fleet-03 (outcome), fleet-07 (outcome)",
    "fleet\n  at-most: 2\n  outcome: locked": None,
    "fleet\n  at-most: 19 %\n  outcome: locked": "at most 1 of 10: 2 of 10: fleet-03, fleet-07",
    "fleet\n  at-least: 2\n  at-most: 20 %\n  screen: locked": None,
    # The members of an expectation hold together: no handset is locked and usable.
    "fleet\n  at-least: 1\n  outcome: locked\n  usable: true": "at least 1 of 10: 0 of 10; "
    "not fleet-01 (outcome), fleet-02 (outcome), fleet-03 (usable), fleet-04 (outcome), fleet-05 (outcome) and 5 more",
    "\n  at-most: 3\n  outcome: locked": None,
    "\n  at-least: 9\n  outcome: activated": "at least 9 of 11: 8 of 11; "
    "not fleet-03 (outcome), fleet-07 (outcome), phone (outcome)",
    "fleet\n  none:\n  since: sold\n  never: {screen: locked}": "none of 10: 8 of 10: "
    "fleet-01, fleet-02, fleet-04, fleet-05, fleet-06 and 3 more",
    "[fleet-7, fleet-007]\n  none:\n  usable: true": None,
}


@pytest.mark.parametrize("expectation", TALLIES)
def test_expectation_of_a_group_counts_its_members(two_locked: ScenarioContext, expectation: str) -> None:
    step = f"- mark: sold\n- expect: {expectation}"
    _, (line, expect) = cases(text(step, handsets=COUNTED))[0].steps
    result = engine.run_step(two_locked, line, expect)
    found = [f"{each.expected}: {each.actual}" for check in result.judged for each in check.mismatches]
    assert found == [wanted for wanted in [TALLIES[expectation]] if wanted]
    assert result.status is (Status.FAILED if found else Status.PASSED)


INVALID: dict[str, tuple[str, str]] = {
    "count: 0": ("- power-on", "handsets.fleet.count: is 0; write at least 1"),
    "count: 1001": ("- power-on", "is 1001; write at most 1000"),
    "count: 990": ("- power-on", "are 1001 devices; at most 1000 are allowed in a scenario"),
    "count: 6": ("- power-on", "could be a member of the group 'fleet'; choose another name"),
    "count: 4": ("- power-on: fleet-5", "the members of 'fleet' are fleet-1 to fleet-4"),
    "count: 3": ("- power-on: flet", "no handset is called 'flet'; did you mean 'fleet'?"),
    "count: 20": ("- swap-sims: phone\n  with: fleet", "is a group; name one of fleet-01 to fleet-20"),
    "count: 21": ("- swap-sims: fleet\n  with: fleet-2", "is the same handset"),
    "count: 10": ("- expect: fleet\n  outcome: home\n  at-least: 101 %", "a share of them up to 100 %"),
    "count: 11": (
        "- expect: fleet\n  outcome: home\n  at-least: 12",
        "can never hold: the step has 11 handsets",
    ),
    "count: 12": (
        "- expect: fleet\n  outcome: home\n  at-most: 100 %",
        "always holds: the step has 12 handsets",
    ),
    "count: 13": (
        "- expect: fleet\n  outcome: home\n  all:\n  at-least: 3",
        "says twice for how many handsets",
    ),
    "count: 14": ("- expect: fleet\n  none:", "expects nothing"),
    "count: 15": ("- expect: fleet\n  none:\n  elapsed: {at-most: 3 s}", "expects nothing of them"),
    "count: 16": (
        "- expect: fleet\n  outcome: home\n  at-least: 99.5 %\n  at-most: 15",
        "can never hold: the step has 16 handsets",
    ),
    "count: 17": ("- wait-for: fleet\n  see: {screen: home}\n  at-least: 0 %", "always holds"),
}
"""By the count of a group in addition to the handsets `phone` and, from 990 on, nine others: a step, and the error."""


@pytest.mark.parametrize("count", INVALID)
def test_group_that_cannot_be_is_an_error_of_the_file(count: str) -> None:
    step, message = INVALID[count]
    names = ["phone", *(f"other-{number}" for number in range(10) if count == "count: 990")]
    names += ["fleet-06"] if count == "count: 6" else []
    handsets = "\n".join(f"{name}: {{profile: official-global}}" for name in names)
    with pytest.raises(ScenarioError, match=re.escape(message)):
        cases(text(step, handsets=f"{handsets}\nfleet: {{profile: official-global, {count}}}"))


def test_wait_for_ends_when_enough_members_show_it() -> None:
    """Without `at-least` it waits for all; the message names the first of those that showed nothing."""
    steps = f"{LOCKED}- unlock\n- wait-for: fleet\n  see: {{screen: home}}\n- expect: fleet\n  usable: true"
    assert (unlocked := played(steps, handsets=COUNTED)).status is Status.PASSED, wrong(unlocked)
    locked = f"{LOCKED}- wait-for: fleet\n  see: {{screen: locked}}\n  at-most: 1 min\n  at-least:"
    assert played(f"{locked} 2", handsets=COUNTED).status is Status.PASSED
    late = played(f"{locked} 3", handsets=COUNTED)
    assert late.status is Status.FAILED
    message = "at least 3 of 10' != '2 of 10; not fleet-01 (wait-for), fleet-02 (wait-for)"
    assert message in str(wrong(late)).replace('"', "'"), wrong(late)
    assert 'see within 1 min\n    expected  {"screen": "locked"}\n    actual    {"screen": "home"' in explain(
        late
    )


def test_power_cut_of_a_group_ends_when_every_member_is_off() -> None:
    """The single handset goes on; a member with fewer effects is named."""
    steps = (
        "- power-on\n- set-up\n- cut-power: fleet\n  at-effect: 2\n  during: {wait: 30 days}\n"
        "- expect: fleet\n  outcome: off\n- expect: phone\n  outcome: activated\n- power-on: fleet\n"
        "- power-off: fleet-04\n- cut-power: fleet\n  at-effect: 1\n  during: {wait: 30 days}"
    )
    result = played(steps, handsets=COUNTED)
    assert wrong(result) == ["wait had 0 effects on fleet-04, so the 1th never came"]
    assert result.handsets[-1].outcome == "activated"


def test_result_of_a_group_has_its_sum_and_the_members_that_failed() -> None:
    result = played(f"{LOCKED}- expect: fleet\n  outcome: activated", handsets=COUNTED)
    (group,) = result.groups
    assert (group.name, group.count, group.outcomes) == ("fleet", 10, {"activated": 8, "locked": 2})
    complete = [each.name for each in result.handsets if not each.brief]
    assert complete == ["fleet-01", "fleet-03", "fleet-07", "phone"]
    told = explain(result)
    for words in (
        "fleet: handsets\n    expected  all 10\n    actual    8 of 10; not fleet-03 (outcome), fleet-07 (outcome)",
        "fleet-07: outcome\n    expected  activated\n    actual    locked",
        "timeline of fleet-03 (official-global, paris)",
    ):
        assert words in told, told
    assert "expected all 10, actual 8 of 10; not fleet-03" in str(first_failure(result))
    page, axis = scenario(result), cohorts(result)["rows"]
    assert [each["name"] for each in page["handsets"]] == complete
    assert [(each["sum"], len(each["brief"])) for each in page["groups"]] == [
        ("10 handsets, 8 activated, 2 locked", 7)
    ]
    assert [(row["name"], len(row["bars"])) for row in axis] == [("fleet", 1), ("phone", 1)]


@pytest.mark.slow
def test_result_of_many_members_stays_small() -> None:
    """The members that did the same as another one have brief entries, or none if there are too many."""
    short, long = (program(steps, 12) for steps in ("- wait: 1 day", "- wait: 600 days\n" * 3))
    size, alone = (len(json.dumps(program("- wait: 1 day", count).as_json())) for count in (12, 1))
    assert size < 4 * alone
    assert sum(not each.brief for each in short.handsets) <= COMPLETE_MAX
    assert sum(len(each.timeline) for each in long.handsets if each.brief) <= BRIEF_ENTRIES_MAX
