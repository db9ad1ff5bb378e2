"""The shipped policy over the product of everything that a rule may look at, and the loader's errors."""

from itertools import product
from typing import Any

import pytest

from server_stub.attestation.appraisal import Identity
from server_stub.policies import shipped
from server_stub.policy.document import CampaignState
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Activation, Policy, PolicyInput
from server_stub.territory.judgement import Judgement, JudgementStatus
from server_stub.verdicts.claims import VerdictContext, build_verdict
from tests.support.server_phone import AFTER, DURING, NOW
from wire.codes import Decision, Intent, MessageKey, Reason, TrustTier

POLICY = shipped()
PROHIBITED = ("CU", "IR", "SY", "KP", "SD", "UA-43", "UA-40")
PLACES = (*PROHIBITED, "FR", "US", "UA", "SS", "RU", None, "contradictory")
ACTIVATIONS = (None, Activation(NOW - 9000, "CU"), Activation(NOW - 9000, "FR"), Activation(NOW - 9000, None))
BEARINGS = VerdictContext("iss", "aud", "d-1", "A" * 43, "A" * 44, "jti", 1, "SLV-AAAAA-BBBBB")


def case(
    place: str | None,
    intent: Intent = Intent.ACTIVATE,
    activation: Activation | None = None,
    *,
    identity: Identity = Identity.ATTESTED,
    trust: TrustTier = TrustTier.AFFIRMING,
    now: int = NOW,
    sale_region: str = "global",
    roaming: bool = False,
) -> PolicyInput:
    if place == "contradictory":
        judgement = Judgement(JudgementStatus.CONTRADICTORY, None, "They disagree.")
    elif place is None:
        judgement = Judgement(JudgementStatus.UNKNOWN, None, "Nothing tells.")
    else:
        judgement = Judgement(JudgementStatus.RESOLVED, place, "It is said.")
    return PolicyInput(judgement, intent, activation, identity, trust, "2021-06", now, sale_region, roaming)


def of(*each: Any) -> PolicyInput:
    """The case of one element of the product."""
    place, intent, activation, identity, trust, now = each
    return case(place, intent, activation, identity=identity, trust=trust, now=now)


PRODUCT = list(product(PLACES, Intent, ACTIVATIONS, Identity, TrustTier, (NOW, DURING, AFTER)))


def expected(
    place: str | None, intent: Intent, activation: Activation | None, identity: Identity, now: int
) -> Decision:
    """The policy in the words of the event, written apart from the document."""
    if identity is Identity.UNATTESTED:
        return Decision.DEFER
    here = place in PROHIBITED
    if here and intent is Intent.ACTIVATE:
        return Decision.DENY
    if activation and activation.territory == "CU":
        return Decision.DENY if now == DURING else Decision.ALLOW
    if here and (activation is None or activation.territory is None):
        return Decision.DENY
    if place == "contradictory":
        return Decision.DEFER
    return Decision.ALLOW


def test_every_case_is_decided_as_the_event_was() -> None:
    """All of the product, not a sample: a gap between rules is a phone locked by mistake."""
    for place, intent, activation, identity, trust, now in PRODUCT:
        rule = POLICY.decide(of(place, intent, activation, identity, trust, now))
        wanted = expected(place, intent, activation, identity, now)
        assert rule.decision is wanted, (place, intent, activation, identity, now, rule.id)


def test_every_case_gives_a_complete_verdict() -> None:
    """The wire contract refuses a verdict that lacks a claim or contradicts itself."""
    for each in PRODUCT:
        decided = of(*each)
        verdict = build_verdict(BEARINGS, decided, POLICY, POLICY.decide(decided))
        assert verdict.policy.rule in {rule.id for rule in POLICY.document.rules}
        assert all(verdict.message.args.values()) if verdict.message else True


def test_every_rule_decides_some_case() -> None:
    """A rule that can never match is a sentence that nobody checked."""
    used = {POLICY.decide(of(*each)).id for each in PRODUCT}
    assert used == {rule.id for rule in POLICY.document.rules}


@pytest.mark.parametrize("place", PROHIBITED)
@pytest.mark.parametrize("now", [NOW, DURING, AFTER])
def test_an_activation_in_a_prohibited_territory_is_denied_at_all_times(place: str, now: int) -> None:
    """The campaign is about check-ins; its lifting does not open the shop."""
    decided = case(place, now=now)
    rule = POLICY.decide(decided)
    verdict = build_verdict(BEARINGS, decided, POLICY, rule)
    assert (verdict.decision, verdict.reason) == (Decision.DENY, Reason.TERRITORY_PROHIBITED)
    assert verdict.message is not None
    assert verdict.message.key is MessageKey.NOT_SOLD_HERE
    assert verdict.message.args == {"territory": place, "case": BEARINGS.case}


def test_the_delayed_lock_comes_with_the_campaign_and_goes_with_it() -> None:
    """Activated in Cuba: at peace before, locked during, unlocked after."""
    activation = Activation(NOW - 9000, "CU")
    told = [
        POLICY.decide(case("CU", Intent.CHECK_IN, activation, now=now)).reason for now in (NOW, DURING, AFTER)
    ]
    assert told == [
        Reason.OPERATOR_DECISION,
        Reason.ACTIVATED_IN_PROHIBITED_TERRITORY,
        Reason.CAMPAIGN_LIFTED,
    ]


def test_a_phone_activated_elsewhere_is_spared_where_it_is_carried() -> None:
    """The tourist's phone in Havana."""
    rule = POLICY.decide(case("CU", Intent.CHECK_IN, Activation(1, "FR"), now=DURING))
    assert (rule.id, rule.decision) == ("carried-in", Decision.ALLOW)


def test_no_official_presence_is_allowed_by_a_rule_of_its_own() -> None:
    """It is a fact about the vendor and not about the phone."""
    assert POLICY.decide(case("US")).id == "no-official-presence"


def test_unknown_is_allowed_and_asked_again_soon() -> None:
    """Unknown is not ineligible."""
    unknown, known = POLICY.decide(case(None)), POLICY.decide(case("FR"))
    assert unknown.decision is Decision.ALLOW
    assert (unknown.check_in or 0) < (known.check_in or 0)


@pytest.mark.parametrize(
    ("offset", "state"),
    [(-1, CampaignState.RUNNING), (0, CampaignState.LIFTED), (-999_999, CampaignState.AHEAD)],
)
def test_a_campaign_ends_on_the_second(offset: int, state: CampaignState) -> None:
    """`until` is not within the campaign."""
    end = int(POLICY.document.campaigns[0].ends.timestamp())
    assert POLICY.campaign_state("investigation-2021", end + offset) is state


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
def test_a_document_that_cannot_be_used_is_refused_by_line_and_key(
    old: str, new: str, line: int, key: str
) -> None:
    """A policy is found wrong when it is loaded and not when it meets a phone."""
    assert old in MINIMAL
    with pytest.raises(PolicyError) as caught:
        Policy.parse(MINIMAL.replace(old, new, 1), "p.toml")
    assert (caught.value.source, caught.value.line, caught.value.key) == ("p.toml", line, key)
    assert f"p.toml:{line}: " in str(caught.value)


def test_conditions_on_age_terms_and_trust_are_obeyed() -> None:
    """The shipped policy does not use them; other documents will."""
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
