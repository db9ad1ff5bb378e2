"""Decisions by policy: the first rule whose conditions hold. The last rule has none, so there is always a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from types import MappingProxyType
from typing import Final

from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.attestation.deviations import Deviation
from server_stub.policy.document import CampaignState, PolicyDocument, Rule, TerritoryClass
from server_stub.policy.facts import ActivationFact, Facts, Predicate, predicates_of
from server_stub.policy.reading import parse
from server_stub.territory.judgement import Judgement, JudgementStatus
from wire.codes import Intent, TrustTier

UNKNOWN_REGION: Final = "unknown"
"""The sale region of a device for which none is known."""

_NO_PERIODS: Final[Mapping[str, "Period"]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Activation:
    """Time and territory of the first activation of a device. `territory` is None if it was unknown."""

    at: int
    territory: str | None


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """Everything that a policy decides by. `now` is in seconds since the epoch.

    `sale_region` is where the device was sold; `roaming` is whether its network is not its home network, None if that
    is not known. `trust` and `boot_key` are those of an appraisal that knows the boot keys of the policy.
    """

    judgement: Judgement
    intent: Intent
    activation: Activation | None
    identity: Identity
    trust: TrustTier
    terms: str
    now: int
    sale_region: str
    roaming: bool | None
    boot_key: BootKey = BootKey.UNKNOWN
    deviations: frozenset[Deviation] = frozenset()


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a campaign: from `begins` until before `ends`, seconds since the epoch; None for no end yet."""

    begins: int
    ends: int | None

    def state(self, now: int) -> CampaignState:
        """The state of the campaign at `now`."""
        if self.ends is not None and now >= self.ends:
            return CampaignState.LIFTED
        return CampaignState.RUNNING if now >= self.begins else CampaignState.AHEAD


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that is ready to decide. `text` is the source of the document.

    `declared` are periods of campaigns that an operator has set; they take precedence over those of the document.

    >>> Policy.parse(text, "export.toml").decide(inputs).id  # doctest: +SKIP
    'prohibited-at-activation'
    """

    document: PolicyDocument
    text: str = field(default="", repr=False)
    declared: Mapping[str, Period] = field(default_factory=lambda: _NO_PERIODS)
    predicates: tuple[tuple[Rule, tuple[Predicate, ...]], ...] = field(init=False, repr=False, compare=False)
    periods: Mapping[str, Period] = field(init=False, repr=False, compare=False)
    boot_keys: frozenset[str] = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "boot_keys", frozenset(self.document.boot_keys))

    @classmethod
    @lru_cache(maxsize=32)
    def parse(cls, text: str, source: str) -> "Policy":
        """The policy of a TOML document. Raises PolicyError.

        Cached, because the same document is read at each start, and by each server on which it is in force.
        """
        return cls(parse(text, source), text)

    def during(self, declared: Mapping[str, Period]) -> "Policy":
        """The same policy with these periods of campaigns; unknown campaigns are ignored."""
        if declared == self.declared:
            return self
        return Policy(self.document, self.text, MappingProxyType(dict(declared)))

    def decide(self, inputs: PolicyInput) -> Rule:
        """The first rule that matches; the last one always does."""
        return self.decide_by(self.facts(inputs))

    def decide_by(self, facts: Facts) -> Rule:
        """The first rule that matches these facts."""
        return next(
            rule
            for rule, predicates in self.predicates
            if all(predicate.accepts(facts.value(predicate.fact)) for predicate in predicates)
        )

    def facts(self, inputs: PolicyInput) -> Facts:
        """The facts that the rules compare."""
        activation = None
        if inputs.activation:
            # A clock that was set back must not give a negative age.
            age = max(0, inputs.now - inputs.activation.at)
            activation = ActivationFact(self.classify_activation(inputs.activation), age)
        return Facts(
            territory=self.classify_judgement(inputs.judgement),
            activation=activation,
            sale_region=inputs.sale_region,
            roaming=inputs.roaming,
            intent=inputs.intent,
            identity=inputs.identity,
            trust=inputs.trust,
            boot_key=inputs.boot_key,
            deviations=inputs.deviations,
            terms=inputs.terms,
            campaigns={name: period.state(inputs.now) for name, period in self.periods.items()},
        )

    def classify(self, territory: str) -> TerritoryClass:
        """The class of a territory. A subdivision that is not listed has the class of its country."""
        territories = self.document.territories
        for code in (territory, territory.partition("-")[0]):
            if code in territories.prohibited:
                return TerritoryClass.PROHIBITED
            if code in territories.no_presence:
                return TerritoryClass.NO_PRESENCE
        return TerritoryClass.ELIGIBLE

    def classify_judgement(self, judgement: Judgement) -> TerritoryClass:
        """The class of the territory in a judgement."""
        if judgement.status is JudgementStatus.CONTRADICTORY:
            return TerritoryClass.CONTRADICTORY
        return self.classify(judgement.territory) if judgement.territory else TerritoryClass.UNKNOWN

    def classify_activation(self, activation: Activation | None) -> TerritoryClass:
        """The class of the territory of an activation."""
        if activation is None:
            return TerritoryClass.NONE
        return self.classify(activation.territory) if activation.territory else TerritoryClass.UNKNOWN
