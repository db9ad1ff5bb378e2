"""Policy documents as their writers see them: every fault told at once, warnings, the published schema."""

import json
import tomllib
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError, validate

from server_stub.policies import names, read
from server_stub.policies.schema import FILE, schema
from server_stub.policy.diff import difference
from server_stub.policy.errors import PolicyError
from server_stub.policy.explain import explain
from server_stub.policy.lint import warnings
from server_stub.policy.policy import Policy
from server_stub.policy.space import Space
from server_stub.reference_data.territory_codes import known_territories
from tests.support.server_phone import DURING
from tests.unit.server_stub.policy.test_policy import MINIMAL, case
from wire.codes import Intent

EXPORT = read("export-2021-09")


def policy(*changes: tuple[str, str], text: str = EXPORT) -> Policy:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return Policy.parse(text, "p.toml")


def told(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, "p.toml")
    return [(each.line, each.key, each.text) for each in caught.value.problems]


def test_all_faults_are_told_at_once_in_the_order_of_lines() -> None:
    """Whoever corrects one and meets the next one loses patience."""
    text = MINIMAL.replace("version = 1", "versoin = 1").replace('"CU"', '"CU", "Cuba"')
    text = text.replace('territory = ["prohibited"]', 'territory = ["prohibted"], trust = []')
    assert told(text) == [
        (2, "versoin", "unknown key; did you mean 'version'?"),
        (
            5,
            "territories.prohibited.1",
            "'Cuba' is not a territory; write a code of ISO 3166 such as CU or UA-43",
        ),
        (12, "rules.0.when.territory.0", "'prohibted' is not allowed here; did you mean 'prohibited'?"),
        (12, "rules.0.when.trust", "empty list; write at least one element"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ('"CU"', '"CU", "CU"', 5, "territories.prohibited", "twice"),
        ('["CU"]', '["CU"]\nno_presence = ["CU"]', 4, "territories", "two classes"),
        ('territory = ["prohibited"]', 'territory = ["none"]', 12, "rules.0.when.territory", "`unknown`"),
        (
            'territory = ["prohibited"]',
            'activation = ["contradictory"]',
            12,
            "rules.0.when.activation",
            "remove it",
        ),
        (
            'territory = ["prohibited"]',
            "activation_age_min = 9, activation_age_max = 8",
            12,
            "rules.0.when",
            "is above",
        ),
        ('territory = ["prohibited"]', 'roaming = "yes"', 12, "rules.0.when.roaming", "boolean"),
        ('territory = ["prohibited"]', "sale_region = []", 12, "rules.0.when.sale_region", "at least one"),
        (
            'territory = ["prohibited"]',
            'campaign = { id = "C", state = ["running"] }',
            12,
            "rules.0.when.campaign.id",
            "add it to `campaigns`",
        ),
        (
            "[[rules]]",
            '[[campaigns]]\nid = "c"\nfrom = 2021-01-01T00:00:00Z\nuntil = 2021-02-01T00:00:00Z\n[[rules]]',
            11,
            "campaigns.1.id",
            "two campaigns",
        ),
    ],
)
def test_what_could_not_be_meant_is_refused(old: str, new: str, line: int, key: str, words: str) -> None:
    """Each contradiction by its place, with what to do."""
    assert old in MINIMAL
    ((found_line, found_key, text),) = told(MINIMAL.replace(old, new, 1))
    assert (found_line, found_key) == (line, key)
    assert words in text


def test_sale_region_and_roaming_are_obeyed() -> None:
    """The shipped policy does not ask for them; the example does."""
    asking = policy(
        ('intent = ["activate"], territory = ["prohibited"]', 'sale_region = ["in", "cn"], roaming = false'),
        text=MINIMAL,
    )
    decided = [
        asking.decide(case("FR", sale_region=region, roaming=roaming)).id
        for region, roaming in (("in", False), ("cn", False), ("in", True), ("eea", False))
    ]
    assert decided == ["first", "first", "rest", "rest"]


@pytest.mark.parametrize("name", names())
def test_a_shipped_policy_has_nothing_to_warn_about(name: str) -> None:
    """Every rule can match, every campaign is asked for, every territory exists."""
    assert not warnings(Policy.parse(read(name), name), name, known=known_territories())


def test_a_shadowed_rule_is_warned_about_by_name_and_line_with_what_shadows_it() -> None:
    """Two rules that together leave nothing are as bad as one."""
    text = EXPORT.replace(
        '[[rules]]\nid = "eligible"',
        '[[rules]]\nid = "never"\nwhen = { territory = ["contradictory", "unknown"] }\ndecision = "defer"\n'
        'reason = "territory-unknown"\nretry_after = 60\n\n[[rules]]\nid = "eligible"',
    )
    line = text.splitlines().index('id = "never"')
    (warning,) = warnings(Policy.parse(text, "p.toml"), "p.toml")
    assert (warning.source, warning.line, warning.key) == ("p.toml", line, "rules.10")
    assert "rule never never matches" in warning.text
    assert "contradictory-signals, territory-unknown" in warning.text


def test_a_rule_on_a_class_without_territories_and_a_campaign_without_rules_are_warned_about() -> None:
    """Both are left over from something."""
    changed = policy(('no_presence = ["US"]', "no_presence = []"), ('"CU"', '"CX", "XX"'))
    assert [
        (each.line, each.key) for each in warnings(changed, "p.toml", known={"CX"} | known_territories())
    ] == [
        (10, "territories.prohibited"),
        (109, "rules.9.when.territory"),
    ]
    unused = policy(
        ('intent = ["activate"], territory = ["prohibited"]', 'intent = ["activate"]'), text=MINIMAL
    )
    assert [each.text for each in warnings(unused, "p.toml")] == [
        "no rule uses campaign c; remove it or add a rule"
    ]


def test_an_explanation_says_which_condition_failed_and_why() -> None:
    """Every rule tried, in order, with each condition's wish and fact."""
    shipped = policy()
    explanation = explain(shipped, shipped.facts(case("FR", Intent.CHECK_IN, now=DURING)))
    first = {
        trial.rule.id: [one for one in trial.conditions if not one.holds] for trial in explanation.evaluations
    }
    assert [(one.key, one.wanted, one.found) for one in first["prohibited-at-activation"]] == [
        ("intent", "activate", "check-in"),
        ("territory", "prohibited", "eligible"),
    ]
    assert [(one.key, one.found) for one in first["activated-in-prohibited-territory"]] == [
        ("activation", "none")
    ]
    assert explanation.rule.id == "eligible"
    assert not explanation.untried


def test_a_longer_campaign_changes_the_days_by_which_it_is_longer() -> None:
    """Dates are facts too: the row names the days."""
    found = difference(policy(), policy(("until = 2021-09-15", "until = 2021-09-20")))
    words = {words for change in found.changes for words in change.where["campaign investigation-2021"]}
    assert words == {"lifted -> running (from 2021-09-15T00:00:00Z until 2021-09-20T00:00:00Z)"}
    assert {(change.old.id, change.new.id) for change in found.changes} == {
        ("campaign-lifted", "activated-in-prohibited-territory")
    }


def test_states_of_two_campaigns_that_never_come_together_are_no_change() -> None:
    """Where dates differ they differ at one time, and another campaign's dates at another."""
    other = (
        '[[campaigns]]\nid = "d"\nfrom = 2022-01-01T00:00:00Z\nuntil = 2022-02-01T00:00:00Z\n[[rules]]\nid = "both"\n'
        'when = { campaign = { id = "c", state = ["running"] } }\ndecision = "defer"\nreason = "territory-unknown"\n'
        'retry_after = 9\n[[rules]]\nid = "d-runs"\nwhen = { campaign = { id = "d", state = ["running"] } }\n'
        'decision = "defer"\nreason = "territory-contradictory"\nretry_after = 9\n[[rules]]\nid = "first"'
    )
    old = policy(('[[rules]]\nid = "first"', other), text=MINIMAL)
    new = policy(
        ("until = 2021-02-01", "until = 2021-03-01"),
        ("until = 2022-02-01", "until = 2022-03-01"),
        text=old.text,
    )
    space = Space.of(old, new)
    changing = {
        dimension.fact: sum(
            1 << index
            for index, group in enumerate(dimension.groups)
            if all(value.spans is not None for value in group)
        )
        for dimension in space.dimensions
        if dimension.fact.startswith("campaign")
    }
    assert all(changing.values())
    impossible = tuple(changing.get(dimension.fact, dimension.full) for dimension in space.dimensions)
    assert not space.possible(impossible)
    assert impossible not in [box for box, _ in space.pieces(space.whole)]


def test_equal_policies_do_not_differ() -> None:
    """Version and title reach no phone's decision."""
    assert not difference(policy(), policy(("version = 1", "version = 9"))).changes


def test_the_published_schema_is_the_generated_one() -> None:
    """`python -m server_stub.policies.schema` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == schema()
    Draft202012Validator.check_schema(json.loads(schema()))


def as_json(text: str) -> Any:
    """A TOML document as an editor's validator sees it."""
    return json.loads(json.dumps(tomllib.loads(text), default=datetime.isoformat))


@pytest.mark.parametrize("name", names())
def test_a_shipped_policy_is_valid_by_the_published_schema(name: str) -> None:
    """An editor that knows the schema underlines nothing."""
    validate(as_json(read(name)), json.loads(schema()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "P"', 'titel = "P"'),
        ('intent = ["activate"]', 'intnet = ["activate"]'),
        ('intent = ["activate"]', "intent = []"),
        ('intent = ["activate"]', 'roaming = "no"'),
        ('"CU"', '"Cuba"'),
        ('decision = "allow"', 'decision = "perhaps"'),
        ("check_in = 60", "check_in = -1"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    """As far as a schema can: what stands in one place."""
    text = MINIMAL.replace(old, new, 1)
    assert text != MINIMAL
    assert told(text)
    with pytest.raises(ValidationError):
        validate(as_json(text), json.loads(schema()))
