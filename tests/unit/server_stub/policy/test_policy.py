"""The shipped policy over the product of all inputs, and the errors of invalid documents."""

from collections.abc import Iterable
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest

from lab.manufacturer.policies import BEFORE, DAILY_CHECK_IN, LANTERN
from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.attestation.deviations import Deviation
from server_stub.policies import names, read
from server_stub.policies.loading import shipped
from server_stub.policy.document import CampaignState
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Activation, Policy, PolicyInput
from server_stub.policy.space import Space
from server_stub.territory.judgement import Judgement, JudgementStatus
from server_stub.verdicts.claims import VerdictContext, build_verdict
from tests.support.server_phone import AFTER, DURING, NOW
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier

POLICY = shipped()
PROHIBITED = ("CU", "IR", "SY", "KP", "SD", "UA-43", "UA-40")
PLACES = (*PROHIBITED, "FR", "US", "UA", "SS", "RU", None, "contradictory")
ACTIVATIONS = (None, Activation(NOW - 9000, "CU"), Activation(NOW - 9000, "FR"), Activation(NOW - 9000, None))
CONTEXT = VerdictContext("iss", "aud", "d-1", "A" * 43, "A" * 44, "jti", 1, "SLV-AAAAA-BBBBB")


def case(
    place: str | None,
    intent: Intent = Intent.ACTIVATE,
    activation: Activation | None = None,
    *,
    identity: Identity = Identity.ATTESTED,
    trust: TrustTier = TrustTier.AFFIRMING,
    now: int = NOW,
    sale_region: str = "global",
    roaming: bool | None = False,
    boot_key: BootKey = BootKey.KNOWN,
    deviations: Iterable[Deviation] = (),
) -> PolicyInput:
    if place == "contradictory":
        judgement = Judgement(JudgementStatus.CONTRADICTORY, None, "They disagree.")
    elif place is None:
        judgement = Judgement(JudgementStatus.UNKNOWN, None, "No signal.")
    else:
        judgement = Judgement(JudgementStatus.RESOLVED, place, "It is said.")
    return PolicyInput(
        *(judgement, intent, activation, identity, trust, "2021-06", now, sale_region, roaming),
        boot_key,
        frozenset(deviations),
    )


def of(*each: Any) -> PolicyInput:
    """The input of one element of the product."""
    place, intent, activation, identity, trust, now = each
    return case(place, intent, activation, identity=identity, trust=trust, now=now)


PRODUCT = list(product(PLACES, Intent, ACTIVATIONS, Identity, TrustTier, (NOW, DURING, AFTER)))


def expected(place: str | None, activation: Activation | None, identity: Identity, now: int) -> Decision:
    """The rules of the event, written independently of the document."""
    if identity is Identity.UNATTESTED:
        return Decision.DEFER
    if place in PROHIBITED and (activation is None or activation.territory is None):
        return Decision.DENY
    if activation and activation.territory == "CU":
        return Decision.DENY if now == DURING else Decision.ALLOW
    if place == "contradictory":
        return Decision.DEFER
    return Decision.ALLOW


def test_each_input_is_decided_as_in_the_event() -> None:
    for place, intent, activation, identity, trust, now in PRODUCT:
        rule = POLICY.decide(of(place, intent, activation, identity, trust, now))
        wanted = expected(place, activation, identity, now)
        assert rule.decision is wanted, (place, intent, activation, identity, now, rule.id)


def test_each_input_gives_a_complete_verdict() -> None:
    for each in PRODUCT:
        decided = of(*each)
        verdict = build_verdict(CONTEXT, decided, POLICY, POLICY.decide(decided))
        assert verdict.policy.rule in {rule.id for rule in POLICY.document.rules}
        assert all(verdict.message.args.values()) if verdict.message else True


def test_each_rule_decides_an_input() -> None:
    used = {POLICY.decide(of(*each)).id for each in PRODUCT}
    assert used == {rule.id for rule in POLICY.document.rules}


SCENARIOS = Path(__file__).parents[4] / "scenarios"
DOCUMENTS = {
    **{name: read(name) for name in names()},
    "lantern-open": LANTERN,
    "open-2021-08": BEFORE,
    "short-leash": DAILY_CHECK_IN,
    **{
        file.name: text
        for file in SCENARIOS.rglob("*.toml")
        if "[[rules]]" in (text := file.read_text("utf-8"))
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_same_facts_give_the_same_decision_whatever_the_intent(name: str) -> None:
    """After a factory reset a device asks to be activated. Over the whole product of facts."""
    space = Space.of(Policy.parse(DOCUMENTS[name], name))
    intent = [dimension.fact for dimension in space.dimensions].index("intent")
    for box, _ in space.pieces(space.whole):
        assert box[intent] == space.whole[intent]


@pytest.mark.parametrize("place", [*PROHIBITED, "US", "FR", None])
@pytest.mark.parametrize("activated", ["FR", "US"])
@pytest.mark.parametrize("now", [NOW, DURING, AFTER])
def test_factory_reset_of_an_eligible_device_is_followed_by_an_allow(
    place: str | None, activated: str, now: int
) -> None:
    reset = case(place, Intent.ACTIVATE, Activation(NOW - 9000, activated), now=now)
    assert POLICY.decide(reset).decision is Decision.ALLOW


@pytest.mark.parametrize("place", PROHIBITED)
@pytest.mark.parametrize("now", [NOW, DURING, AFTER])
def test_activation_in_a_prohibited_territory_is_always_denied(place: str, now: int) -> None:
    """The campaign is only about devices that have an activation."""
    decided = case(place, now=now)
    rule = POLICY.decide(decided)
    verdict = build_verdict(CONTEXT, decided, POLICY, rule)
    assert (verdict.decision, verdict.reason) == (Decision.DENY, Reason.TERRITORY_PROHIBITED)
    assert verdict.message is not None
    assert verdict.message.key is MessageKey.NOT_SOLD_HERE
    assert verdict.message.args == {"territory": place, "case": CONTEXT.case}


def test_device_activated_in_cuba_is_locked_only_during_the_campaign() -> None:
    activation = Activation(NOW - 9000, "CU")
    reasons = [
        POLICY.decide(case("CU", Intent.CHECK_IN, activation, now=now)).reason for now in (NOW, DURING, AFTER)
    ]
    assert reasons == [
        Reason.OPERATOR_DECISION,
        Reason.ACTIVATED_IN_PROHIBITED_TERRITORY,
        Reason.CAMPAIGN_LIFTED,
    ]


def test_device_activated_elsewhere_is_allowed_in_a_prohibited_territory() -> None:
    rule = POLICY.decide(case("CU", Intent.CHECK_IN, Activation(1, "FR"), now=DURING))
    assert (rule.id, rule.decision) == ("carried-in", Decision.ALLOW)


def test_territory_without_official_presence_is_allowed_by_its_own_rule() -> None:
    assert POLICY.decide(case("US")).id == "no-official-presence"


def test_unknown_territory_is_allowed_with_an_early_check_in() -> None:
    unknown, known = POLICY.decide(case(None)), POLICY.decide(case("FR"))
    assert unknown.decision is Decision.ALLOW
    assert (unknown.check_in or 0) < (known.check_in or 0)


@pytest.mark.parametrize(
    ("offset", "state"),
    [(-1, CampaignState.RUNNING), (0, CampaignState.LIFTED), (-999_999, CampaignState.AHEAD)],
)
def test_campaign_ends_at_the_second_of_until(offset: int, state: CampaignState) -> None:
    end = int(POLICY.document.campaigns[0].ends.timestamp())
    assert POLICY.periods["investigation-2021"].state(end + offset) is state


MINIMAL = """\
id = "p"
version = 1
title = "P"
[territories]
prohibited = ["CU"]
[[campaigns]]
id = "c"
from = 2021-01-01T00:00:00Z
until = 2021-02-01T00:00:00Z
[[rules]]
id = "first"
when = { intent = ["activate"], territory = ["prohibited"] }
decision = "defer"
reason = "territory-unknown"
retry_after = 60
[[rules]]
id = "rest"
decision = "allow"
reason = "territory-eligible"
check_in = 60
offline_limit = 60
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('title = "P"', 'titel = "P"', 3, "titel"),
        ('title = "P"', "", 1, "title"),
        ('title = "P"', 'title = "P"\ncolour = 1', 4, "colour"),
        ("retry_after = 60", "", 10, "rules.0"),
        ("retry_after = 60", "retry_after = 60\ncheck_in = 5", 10, "rules.0"),
        ("retry_after = 60", 'retry_after = "60"', 15, "rules.0.retry_after"),
        ('decision = "defer"', 'decision = "perhaps"', 13, "rules.0.decision"),
        ('reason = "territory-unknown"', 'reason = "mood"', 14, "rules.0.reason"),
        ('intent = ["activate"]', 'intnet = ["activate"]', 12, "rules.0.when.intnet"),
        ('"CU"', '"Cuba"', 5, "territories.prohibited.0"),
        ("until = 2021-02-01T00:00:00Z", "until = 2020-02-01T00:00:00Z", 6, "campaigns.0"),
        ("until = 2021-02-01T00:00:00Z", "until = 2021-02-01T00:00:00", 9, "campaigns.0.until"),
        ('id = "rest"', 'id = "first"', 17, "rules.1.id"),
        (
            'intent = ["activate"]',
            'campaign = { id = "x", state = ["lifted"] }',
            12,
            "rules.0.when.campaign.id",
        ),
        ('id = "rest"', 'id = "rest"\nwhen = { intent = ["activate"] }', 18, "rules.1.when"),
        ('when = { intent = ["activate"], territory = ["prohibited"] }', "", 10, "rules.0"),
        (
            "retry_after = 60",
            'retry_after = 60\nmessage = { key = "try-later", args = { c = "case" } }',
            10,
            "rules.0",
        ),
        (
            'reason = "territory-eligible"',
            'reason = "territory-eligible"\nmessage = { key = "activated", args = { t = "territory" } }',
            16,
            "rules.1",
        ),
        ("version = 1", "version = ", 2, ""),
        ("offline_limit = 60\n", "offline_limit = [", 21, ""),
    ],
)
def test_invalid_document_is_rejected_with_line_and_key(old: str, new: str, line: int, key: str) -> None:
    assert old in MINIMAL
    with pytest.raises(PolicyError) as caught:
        Policy.parse(MINIMAL.replace(old, new, 1), "p.toml")
    assert (caught.value.first.source, caught.value.first.line, caught.value.first.key) == (
        "p.toml",
        line,
        key,
    )
    assert f"p.toml:{line}: " in str(caught.value)


def test_conditions_on_age_terms_and_trust_are_evaluated() -> None:
    """The shipped policy does not use them."""
    text = MINIMAL.replace(
        'intent = ["activate"], territory = ["prohibited"]',
        'activation_age_min = 10, activation_age_max = 20, terms_not = ["2021-06"], trust = ["warning"]',
    )
    policy = Policy.parse(text, "p.toml")

    def decided(age: int | None, terms: str, trust: TrustTier) -> str:
        activation = None if age is None else Activation(NOW - age, "FR")
        judged = Judgement(JudgementStatus.RESOLVED, "FR", "It is said.")
        return policy.decide(
            PolicyInput(
                judged,
                Intent.CHECK_IN,
                activation,
                Identity.ATTESTED,
                trust,
                terms,
                NOW,
                "eea",
                roaming=False,
            )
        ).id

    assert decided(15, "2020-01", TrustTier.WARNING) == "first"
    assert decided(9, "2020-01", TrustTier.WARNING) == "rest"
    assert decided(21, "2020-01", TrustTier.WARNING) == "rest"
    assert decided(None, "2020-01", TrustTier.WARNING) == "rest"
    assert decided(15, "2021-06", TrustTier.WARNING) == "rest"
    assert decided(15, "2020-01", TrustTier.AFFIRMING) == "rest"


def asking(condition: str) -> Policy:
    """A policy whose first rule has only this condition."""
    return Policy.parse(
        MINIMAL.replace('intent = ["activate"], territory = ["prohibited"]', condition), "p.toml"
    )


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("roaming", [True, False, None])
def test_unknown_roaming_meets_no_condition(*, wanted: bool, roaming: bool | None) -> None:
    decided = asking(f"roaming = {str(wanted).lower()}").decide(case("FR", roaming=roaming))
    assert decided.id == ("first" if roaming is wanted else "rest")


@pytest.mark.parametrize("known", BootKey)
@pytest.mark.parametrize("wanted", [["known"], ["unknown"], ["known", "unknown"]])
def test_boot_key_is_compared(wanted: list[str], known: BootKey) -> None:
    condition = f"boot_key = {wanted}".replace("'", '"')
    assert asking(condition).decide(case("FR", boot_key=known)).id == ("first" if known in wanted else "rest")


SUBSETS = list(chain.from_iterable(combinations(list(Deviation)[:5], size) for size in range(6)))


def test_one_of_the_deviations_is_enough() -> None:
    """Every set that a rule can mention against every set that a device can have."""
    for wanted in SUBSETS[1:]:
        policy = asking(f"deviations = {[each.value for each in wanted]}".replace("'", '"'))
        for found in SUBSETS:
            met = bool({*wanted} & {*found})
            assert policy.decide(case("FR", deviations=found)).id == ("first" if met else "rest")
