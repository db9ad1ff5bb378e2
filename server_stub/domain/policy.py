"""Deciding by policy: the first rule whose conditions hold. A rule is found for every phone, by construction."""

from dataclasses import dataclass
from datetime import UTC, datetime

from server_stub.domain.appraisal import Identity
from server_stub.domain.policy_document import (
    CampaignCondition,
    CampaignState,
    Conditions,
    PolicyDocument,
    Rule,
    TerritoryClass,
    parse,
)
from server_stub.domain.territory import Judgement, Status
from wire.codes import Intent, TrustTier


@dataclass(frozen=True, slots=True)
class Activation:
    """When and where a phone was first activated. `territory` is None where that was unknown."""

    at: int
    territory: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at. `now` is in seconds since the epoch."""

    judgement: Judgement
    intent: Intent
    activation: Activation | None
    identity: Identity
    trust: TrustTier
    terms: str
    now: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that is ready to decide.

    >>> Policy.parse(text, "export.toml").decide(case).id  # doctest: +SKIP
    'prohibited-at-activation'
    """

    document: PolicyDocument

    @classmethod
    def parse(cls, text: str, source: str) -> "Policy":
        """The policy of a TOML document. Raises PolicyError."""
        return cls(parse(text, source))

    def decide(self, case: Case) -> Rule:
        """The first rule that matches; the last one always does."""
        return next(rule for rule in self.document.rules if self._matches(rule.when, case))

    def classify(self, territory: str) -> TerritoryClass:
        """The class of a territory; a part of a country has its country's unless it is listed itself."""
        territories = self.document.territories
        for name in (territory, territory.partition("-")[0]):
            if name in territories.prohibited:
                return TerritoryClass.PROHIBITED
            if name in territories.no_presence:
                return TerritoryClass.NO_PRESENCE
        return TerritoryClass.ELIGIBLE

    def classify_judgement(self, judgement: Judgement) -> TerritoryClass:
        """The class of where a phone is, as far as that is known."""
        if judgement.status is Status.CONTRADICTORY:
            return TerritoryClass.CONTRADICTORY
        return self.classify(judgement.territory) if judgement.territory else TerritoryClass.UNKNOWN

    def classify_activation(self, activation: Activation | None) -> TerritoryClass:
        """The class of where a phone was first activated."""
        if activation is None:
            return TerritoryClass.NONE
        return self.classify(activation.territory) if activation.territory else TerritoryClass.UNKNOWN

    def campaign_state(self, campaign_id: str, now: int) -> CampaignState:
        """Where in its life the campaign is at `now`. Raises StopIteration for one that does not exist."""
        campaign = next(each for each in self.document.campaigns if each.id == campaign_id)
        time = datetime.fromtimestamp(now, UTC)
        if time < campaign.begins:
            return CampaignState.AHEAD
        return CampaignState.RUNNING if time < campaign.ends else CampaignState.LIFTED

    def _matches(self, when: Conditions, case: Case) -> bool:
        return (
            _among(case.identity, when.identity)
            and _among(case.intent, when.intent)
            and _among(case.trust, when.trust)
            and _among(case.terms, when.terms)
            and not (when.terms_not and case.terms in when.terms_not)
            and (when.territory is None or self.classify_judgement(case.judgement) in when.territory)
            and (when.activation is None or self.classify_activation(case.activation) in when.activation)
            and _aged(case, when)
            and (when.campaign is None or self._in_campaign(when.campaign, case.now))
        )

    def _in_campaign(self, condition: CampaignCondition, now: int) -> bool:
        return self.campaign_state(condition.id, now) in condition.state


def _among(value: str, alternatives: tuple[str, ...] | None) -> bool:
    return alternatives is None or value in alternatives


def _aged(case: Case, when: Conditions) -> bool:
    if when.activation_age_min is None and when.activation_age_max is None:
        return True
    if case.activation is None:
        return False
    age = case.now - case.activation.at
    return (when.activation_age_min is None or age >= when.activation_age_min) and (
        when.activation_age_max is None or age <= when.activation_age_max
    )
