"""Policy comparison, warnings and explanations, compared with an evaluation of every case."""

from hypothesis import HealthCheck, given, settings

from server_stub.policy.diff import difference
from server_stub.policy.explain import explain
from server_stub.policy.lint import warnings
from server_stub.policy.space import Space, overlapping
from tests.support.policies import Pair, pairs, worlds
from tests.support.profiles import examples

SETTINGS = settings(
    max_examples=examples(50),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
OUTCOME = ("decision", "reason", "message", "case", "check_in", "offline_limit", "retry_after")


@SETTINGS
@given(pairs())
def test_difference_contains_each_changed_combination_exactly_once(pair: Pair) -> None:
    found = difference(pair.old, pair.new)
    rows_of = found.rows
    met = set()
    for world in worlds(pair.used):
        facts = (world.facts(pair.old), world.facts(pair.new))
        place = found.space.locate(facts)
        old, new = pair.old.decide_by(facts[0]), pair.new.decide_by(facts[1])
        rows = [index for index, row in enumerate(found.changes) if overlapping(row.box, place)]
        changed = any(getattr(old, name) != getattr(new, name) for name in OUTCOME)
        assert len(rows) == changed, (world, old, new, rows)
        for index in rows:
            row = found.changes[index]
            assert (row.old, row.new) == (old, new)
            assert ("decision" in row.differs) == (old.decision is not new.decision)
        met.update(rows)
        summed = [row for row in rows_of if overlapping(row.box, place)]
        assert len(summed) == (old.decision is not new.decision)
        assert all(old in row.old and new in row.new for row in summed)
    assert met == set(range(len(found.changes))), "a row that no case is in"


@SETTINGS
@given(pairs())
def test_warnings_name_exactly_the_rules_that_decide_no_case(pair: Pair) -> None:
    policy = pair.old
    deciding = {policy.decide_by(world.facts(policy)).id for world in worlds(pair.used)}
    warned = {
        problem.text.split()[1] for problem in warnings(policy, "p.toml") if problem.text.startswith("rule ")
    }
    assert warned == {rule.id for rule in policy.document.rules} - deciding


@SETTINGS
@given(pairs())
def test_explanation_ends_with_the_deciding_rule(pair: Pair) -> None:
    policy = pair.old
    for world in list(worlds(pair.used))[:500]:
        facts = world.facts(policy)
        told = explain(policy, facts)
        assert told.rule is policy.decide_by(facts)
        assert [trial.matches for trial in told.evaluations] == [False] * (len(told.evaluations) - 1) + [True]
        rules = (*(trial.rule for trial in told.evaluations), *told.untried)
        assert rules == policy.document.rules


@SETTINGS
@given(pairs())
def test_boxes_of_the_space_are_disjoint_and_complete(pair: Pair) -> None:
    space = Space.of(pair.old)
    pieces = [box for box, _ in space.pieces(space.whole)]
    assert sum(map(space.count, pieces)) == space.count(space.whole)
    for index, box in enumerate(pieces):
        for other in pieces[:index]:
            assert not overlapping(box, other)
