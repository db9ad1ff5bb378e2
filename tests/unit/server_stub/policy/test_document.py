"""Policy documents: error messages, warnings, comparison, the published schema."""

import json
import tomllib
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError, validate

from server_stub.attestation.deviations import Deviation
from server_stub.policies import names, read
from server_stub.policies.schema import FILE, schema
from server_stub.policy.diff import difference
from server_stub.policy.document import BOOT_KEYS_MAX, Conditions
from server_stub.policy.errors import PolicyError
from server_stub.policy.explain import explain
from server_stub.policy.lint import notes, warnings
from server_stub.policy.policy import Policy
from server_stub.policy.space import Space
from server_stub.reference_data.territory_codes import known_territories
from tests.support.server_phone import DURING
from tests.unit.server_stub.policy.test_policy import MINIMAL, case
from wire.codes import Decision, Intent

EXPORT = read("export-2021-09")


def policy(*changes: tuple[str, str], text: str = EXPORT) -> Policy:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return Policy.parse(text, "p.toml")


def problems(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, "p.toml")
    return [(each.line, each.key, each.text) for each in caught.value.problems]


def test_all_errors_are_reported_together_in_the_order_of_lines() -> None:
    text = MINIMAL.replace("version = 1", "versoin = 1").replace('"CU"', '"CU", "Cuba"')
    text = text.replace('territory = ["prohibited"]', 'territory = ["prohibted"], trust = []')
    assert problems(text) == [
        (2, "versoin", "unknown key; did you mean 'version'?"),
        (
            5,
            "territories.prohibited.1",
            "is 'Cuba'; write a territory by its ISO 3166 code, as in CU or UA-43",
        ),
        (12, "rules.0.when.territory.0", "is 'prohibted'; did you mean 'prohibited'?"),
        (12, "rules.0.when.trust", "is empty; at least one is required"),
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
        ('territory = ["prohibited"]', 'roaming = "yes"', 12, "rules.0.when.roaming", "true or false"),
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
def test_contradictory_document_is_rejected_with_its_place(
    old: str, new: str, line: int, key: str, words: str
) -> None:
    assert old in MINIMAL
    ((found_line, found_key, text),) = problems(MINIMAL.replace(old, new, 1))
    assert (found_line, found_key) == (line, key)
    assert words in text


def test_conditions_on_sale_region_and_roaming_are_evaluated() -> None:
    """The shipped policy does not use them."""
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
def test_shipped_policy_has_no_warnings(name: str) -> None:
    assert not warnings(Policy.parse(read(name), name), name, known=known_territories())


def test_shadowed_rule_gives_a_warning_with_the_earlier_rules() -> None:
    text = EXPORT.replace(
        '[[rules]]\nid = "eligible"',
        '[[rules]]\nid = "never"\nwhen = { territory = ["contradictory", "unknown"] }\ndecision = "defer"\n'
        'reason = "territory-unknown"\nretry_after = 60\n\n[[rules]]\nid = "eligible"',
    )
    line = text.splitlines().index('id = "never"')
    (warning,) = warnings(Policy.parse(text, "p.toml"), "p.toml")
    assert (warning.source, warning.line, warning.key) == ("p.toml", line, "rules.9")
    assert "rule never never matches" in warning.text
    assert "contradictory-signals, territory-unknown" in warning.text


def test_unmatched_rule_unused_campaign_and_unknown_code_give_warnings() -> None:
    changed = policy(('no_presence = ["US"]', "no_presence = []"), ('"CU"', '"CX", "XX"'))
    assert [
        (each.line, each.key) for each in warnings(changed, "p.toml", known={"CX"} | known_territories())
    ] == [
        (10, "territories.prohibited"),
        (103, "rules.8.when.territory"),
    ]
    unused = policy(
        ('intent = ["activate"], territory = ["prohibited"]', 'intent = ["activate"]'), text=MINIMAL
    )
    assert [each.text for each in warnings(unused, "p.toml")] == [
        "no rule uses campaign c; remove it or add a rule"
    ]


def test_explanation_has_the_failed_conditions_of_each_rule() -> None:
    shipped = policy()
    explanation = explain(shipped, shipped.facts(case("FR", Intent.CHECK_IN, now=DURING)))
    first = {
        trial.rule.id: [one for one in trial.conditions if not one.holds] for trial in explanation.evaluations
    }
    assert [(one.key, one.wanted, one.found) for one in first["prohibited-at-activation"]] == [
        ("territory", "prohibited", "eligible"),
    ]
    assert [(one.key, one.found) for one in first["activated-in-prohibited-territory"]] == [
        ("activation", "none")
    ]
    assert explanation.rule.id == "eligible"
    assert not explanation.untried


def test_longer_campaign_changes_only_the_added_days() -> None:
    found = difference(policy(), policy(("until = 2021-09-15", "until = 2021-09-20")))
    words = {words for change in found.changes for words in change.where["campaign investigation-2021"]}
    assert words == {"lifted -> running (from 2021-09-15T00:00:00Z until 2021-09-20T00:00:00Z)"}
    assert {(change.old.id, change.new.id) for change in found.changes} == {
        ("campaign-lifted", "activated-in-prohibited-territory")
    }


def test_campaign_states_that_never_coincide_give_no_change() -> None:
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


def test_version_and_title_give_no_difference() -> None:
    assert not difference(policy(), policy(("version = 2", "version = 9"))).changes


def test_published_schema_equals_the_generated_one() -> None:
    """`python -m server_stub.policies.schema` writes it."""
    assert FILE.read_text(encoding="utf-8") == schema()
    Draft202012Validator.check_schema(json.loads(schema()))


def as_json(text: str) -> Any:
    """A TOML document as an editor's validator sees it."""
    return json.loads(json.dumps(tomllib.loads(text), default=datetime.isoformat))


@pytest.mark.parametrize("name", names())
def test_shipped_policy_is_valid_by_the_published_schema(name: str) -> None:
    assert list(Draft202012Validator(json.loads(schema())).iter_errors(as_json(read(name)))) == []


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
def test_schema_rejects_what_the_loader_rejects(old: str, new: str) -> None:
    """Only errors in a single value; a schema cannot express the others."""
    text = MINIMAL.replace(old, new, 1)
    assert text != MINIMAL
    assert problems(text)
    with pytest.raises(ValidationError):
        validate(as_json(text), json.loads(schema()))


KEYS = ("0a" * 32, "0b" * 32)


def with_keys(*keys: str, text: str = MINIMAL) -> str:
    return text.replace('title = "P"\n', f'title = "P"\nboot_keys = {json.dumps(keys)}\n', 1)


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        (["0a"], "boot_keys.0", "64 hexadecimal digits"),
        ([KEYS[0], "zz" * 32], "boot_keys.1", "64 hexadecimal digits"),
        ([KEYS[0], KEYS[0].upper()], "boot_keys", "twice"),
        ([f"{number:064x}" for number in range(BOOT_KEYS_MAX + 1)], "boot_keys", "at most"),
    ],
)
def test_boot_key_that_is_no_hash_or_one_too_many_is_rejected(keys: list[str], key: str, words: str) -> None:
    ((line, found_key, text),) = problems(with_keys(*keys))
    assert (line, found_key) == (4, key)
    assert words in text


def test_boot_keys_are_read_in_either_case_up_to_their_limit() -> None:
    keys = [f"{number:064X}" for number in range(BOOT_KEYS_MAX)]
    assert Policy.parse(with_keys(*keys), "p.toml").boot_keys == {key.lower() for key in keys}


def test_misspelt_deviation_is_reported_with_the_nearest_name() -> None:
    text = MINIMAL.replace('territory = ["prohibited"]', 'deviations = ["certificate-expird"]')
    ((line, key, words),) = problems(text)
    assert (line, key) == (12, "rules.0.when.deviations.0")
    assert "did you mean 'certificate-expired'" in words


def test_boot_key_that_is_removed_changes_the_key_and_the_trust_that_rules_see() -> None:
    asking = MINIMAL.replace(
        'intent = ["activate"], territory = ["prohibited"]', 'trust = ["affirming"], boot_key = ["known"]'
    )
    both, one = (Policy.parse(with_keys(*keys, text=asking), "p.toml") for keys in (KEYS, KEYS[:1]))
    (change,) = difference(both, one).changes
    assert change.where == {
        "trust": ("affirming -> warning",),
        "boot_key": ("0b0b0b0b… (known -> unknown)",),
    }
    assert (change.old.id, change.new.id) == ("first", "rest")
    assert not difference(both, both).changes
    for condition in ('trust = ["contraindicated"]', 'trust = ["none"]', "roaming = true"):
        text = MINIMAL.replace('intent = ["activate"], territory = ["prohibited"]', condition)
        olds, news = (Policy.parse(with_keys(*keys, text=text), "p.toml") for keys in (KEYS, KEYS[:1]))
        assert not difference(olds, news).changes, condition


def test_every_deviation_can_be_mentioned() -> None:
    """Their sets are two to the power of their number, and are not built."""
    rule = (
        '[[rules]]\nid = "{0}"\nwhen = {{ deviations = ["{0}"] }}\ndecision = "defer"\n'
        'reason = "territory-unknown"\nretry_after = 60\n'
    )
    rules = "".join(rule.format(each) for each in Deviation)
    old = policy(('[[rules]]\nid = "first"', rules + '[[rules]]\nid = "first"'), text=MINIMAL)
    names = json.dumps([each.value for each in Deviation])
    at_once = rule.format("all").replace('["all"]', names)
    new = policy(('[[rules]]\nid = "first"', at_once + '[[rules]]\nid = "first"'), text=MINIMAL)
    assert not difference(old, new).decisions
    assert [warning.key for warning in warnings(new, "p.toml")] == ["campaigns.0"]
    without = policy((f', "{Deviation.SET_UNSORTED}"', ""), text=new.text)
    rows = [row for row in difference(new, without).rows if row.new[0].decision is Decision.ALLOW]
    assert rows
    for row in rows:
        found = {fact: words for fact, words in row.where.items() if fact.startswith("deviation")}
        assert found == {
            f"deviation {each}": ("yes" if each is Deviation.SET_UNSORTED else "no",) for each in Deviation
        }


def test_rule_on_deviations_that_earlier_rules_decide_never_matches() -> None:
    rule = (
        '[[rules]]\nid = "{0}"\nwhen = {{ deviations = [{1}] }}\ndecision = "defer"\n'
        'reason = "territory-unknown"\nretry_after = 60\n'
    )
    first, second = f'"{Deviation.SET_UNSORTED}"', f'"{Deviation.VERSION_LATER}"'
    rules = rule.format("both", f"{first}, {second}") + rule.format("one", second)
    shadowed = policy(('[[rules]]\nid = "first"', rules + '[[rules]]\nid = "first"'), text=MINIMAL)
    assert [each.text.split()[1] for each in warnings(shadowed, "p.toml") if "never" in each.text] == ["one"]


CONDITIONS: dict[str, Any] = {
    "territory": '["prohibited"]',
    "intent": '["activate"]',
    "activation": '["none"]',
    "activation_age_min": 9,
    "activation_age_max": 9,
    "sale_region": '["in"]',
    "roaming": "true",
    "identity": '["attested"]',
    "trust": '["affirming"]',
    "boot_key": '["known"]',
    "deviations": '["set-unsorted"]',
    "terms": '["t"]',
    "terms_not": '["t"]',
    "campaign": '{ id = "c", state = ["running"] }',
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_policy_is_noted_if_no_rule_asks_for_trust_or_one_for_the_intent(condition: str) -> None:
    assert set(CONDITIONS) == set(Conditions.model_fields)
    asking = policy(
        ('intent = ["activate"], territory = ["prohibited"]', f"{condition} = {CONDITIONS[condition]}"),
        text=MINIMAL,
    )
    noted = [each.text for each in notes(asking, "p.toml")]
    expected = [] if condition in ("trust", "boot_key") else ["no rule asks for trust"]
    if condition == "intent":
        expected.append("rule first asks for the intent")
    assert [text.partition(":")[0] for text in noted] == expected


def test_shipped_policies_are_noted_as_documented() -> None:
    """The one to copy asks for trust. The one of 2021 does not, as the measure did not."""
    noted = {name: bool(notes(Policy.parse(read(name), name), name)) for name in names()}
    assert noted == {"example": False, "export-2021-09": True}
