"""Deciding by policy: the first rule whose conditions hold. A rule is found for every phone, by construction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Final

from server_stub.attestation.appraisal import Identity
from server_stub.policy.document import CampaignState, PolicyDocument, Rule, TerritoryClass
from server_stub.policy.facts import ActivationFact, Facts, Predicate, classify, predicates_of
from server_stub.policy.reading import parse
from server_stub.territory.judgement import Judgement, JudgementStatus
from wire.codes import Intent, TrustTier

UNKNOWN_REGION: Final = "unknown"
"""The sale region of a phone of which nobody has told it."""

_NO_PERIODS: Final[Mapping[str, "Period"]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Activation:
    """When and where a phone was first activated. `territory` is None where that was unknown."""

    at: int
    territory: str | None


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """All that a rule may look at. `now` is in seconds since the epoch.

    `sale_region` is where the phone was sold, `roaming` whether its network is another one than its home network.
    """

    judgement: Judgement
    intent: Intent
    activation: Activation | None
    identity: Identity
    trust: TrustTier
    terms: str
    now: int
    sale_region: str
    roaming: bool


@dataclass(frozen=True, slots=True)
class Period:
    """When a campaign runs: from `begins` on and before `ends`, seconds since the epoch; None for no end yet."""

    begins: int
    ends: int | None

    def state(self, now: int) -> CampaignState:
        """Where in its life the campaign is."""
        if self.ends is not None and now >= self.ends:
            return CampaignState.LIFTED
        return CampaignState.RUNNING if now >= self.begins else CampaignState.AHEAD


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that is ready to decide. `text` is the document as it was written.

    `declared` are the periods that an operator gave to campaigns; they go before the document's own.

    >>> Policy.parse(text, "export.toml").decide(case).id  # doctest: +SKIP
    'prohibited-at-activation'
    """

    document: PolicyDocument
    text: str = field(default="", repr=False)
    declared: Mapping[str, Period] = field(default_factory=lambda: _NO_PERIODS)
    predicates: tuple[tuple[Rule, tuple[Predicate, ...]], ...] = field(init=False, repr=False, compare=False)
    periods: Mapping[str, Period] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "predicates", tuple((rule, predicates_of(rule.when)) for rule in self.document.rules)
        )
        written = {
            campaign.id: Period(ceil(campaign.begins.timestamp()), ceil(campaign.ends.timestamp()))
            for campaign in self.document.campaigns
        }
        periods = {name: self.declared.get(name, period) for name, period in written.items()}
        object.__setattr__(self, "periods", MappingProxyType(periods))

    @classmethod
    def parse(cls, text: str, source: str) -> "Policy":
        """The policy of a TOML document. Raises PolicyError."""
        return cls(parse(text, source), text)

    def during(self, declared: Mapping[str, Period]) -> "Policy":
        """The same policy with these periods of campaigns; those that it does not know do not matter."""
        return Policy(self.document, self.text, MappingProxyType(dict(declared)))

    def decide(self, case: PolicyInput) -> Rule:
        """The first rule that matches; the last one always does."""
        return self.decide_by(self.facts(case))

    def decide_by(self, facts: Facts) -> Rule:
        """The first rule that matches these facts."""
        return next(
            rule
            for rule, predicates in self.predicates
            if all(predicate.accepts(facts.value(predicate.fact)) for predicate in predicates)
        )

    def facts(self, case: PolicyInput) -> Facts:
        """What the rules see of a case."""
        return Facts(
            territory=self.classify_judgement(case.judgement),
            activation=self._activated(case),
            sale_region=case.sale_region,
            roaming=case.roaming,
            intent=case.intent,
            identity=case.identity,
            trust=case.trust,
            terms=case.terms,
            campaigns={name: period.state(case.now) for name, period in self.periods.items()},
        )

    def classify(self, territory: str) -> TerritoryClass:
        """The class of a territory; a part of a country has its country's unless it is listed itself."""
        return classify(self.document.territories, territory)

    def classify_judgement(self, judgement: Judgement) -> TerritoryClass:
        """The class of where a phone is, as far as that is known."""
        if judgement.status is JudgementStatus.CONTRADICTORY:
            return TerritoryClass.CONTRADICTORY
        return self.classify(judgement.territory) if judgement.territory else TerritoryClass.UNKNOWN

    def classify_activation(self, activation: Activation | None) -> TerritoryClass:
        """The class of where a phone was first activated."""
        if activation is None:
            return TerritoryClass.NONE
        return self.classify(activation.territory) if activation.territory else TerritoryClass.UNKNOWN

    def campaign_state(self, campaign_id: str, now: int) -> CampaignState:
        """Where in its life the campaign is at `now`. Raises KeyError for one that does not exist."""
        return self.periods[campaign_id].state(now)

    def _activated(self, case: PolicyInput) -> ActivationFact | None:
        """A clock that was set back makes no phone younger than new."""
        if case.activation is None:
            return None
        return ActivationFact(
            self.classify_activation(case.activation), max(0, case.now - case.activation.at)
        )
