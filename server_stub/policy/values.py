"""The values of each fact that one policy, or two policies, can distinguish: the axes of the finite product of facts.

Only few values of a fact matter: the members of an enumeration, the names that a rule mentions and one other name,
the ages between two bounds, the territories of one class. If two policies classify a territory or date a campaign
differently, each combination of what they see is a separate value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from server_stub.attestation.appraisal import Identity
from server_stub.policy.document import CampaignState, Conditions, TerritoryClass
from server_stub.policy.facts import CAMPAIGN, ActivationFact
from server_stub.policy.policy import Period, Policy
from wire.codes import Intent, TrustTier

OTHER: Final = "any other"
"""The label of the value for everything that no rule mentions."""

_ELSEWHERE: Final = "ZZ"
"""A user-assigned code of ISO 3166-1, for all territories that no policy lists."""


@dataclass(frozen=True, slots=True)
class Ages:
    """A span of seconds since the activation: from `low` until before `high`, None for no bound."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a fact. `sides` has the value that each policy sees.

    `ages` are those of an activation. `spans` are the times at which the policies see these values, None for any time:
    an operator can set the state of a campaign at any time, and then all policies see the same state.
    """

    label: str
    sides: tuple[Any, ...]
    ages: Ages | None = None
    spans: tuple[Ages, ...] | None = None


def values_of(policies: Sequence[Policy]) -> dict[str, tuple[Value, ...]]:
    """Every fact that these policies can compare, with its values."""
    whens = [rule.when for policy in policies for rule in policy.document.rules]
    territories = _territories(policies)
    axes = {
        "identity": _words(Identity, len(policies)),
        "intent": _words(Intent, len(policies)),
        "territory": (
            *territories,
            *_words([TerritoryClass.UNKNOWN, TerritoryClass.CONTRADICTORY], len(policies)),
        ),
        "activation": _activations(territories, whens, len(policies)),
        "sale_region": _names((when.sale_region for when in whens), len(policies)),
        "roaming": tuple(
            Value(label, (yes,) * len(policies)) for label, yes in (("yes", True), ("no", False))
        ),
        "trust": _words(TrustTier, len(policies)),
        "terms": _names((names for when in whens for names in (when.terms, when.terms_not)), len(policies)),
    }
    campaigns = sorted({name for policy in policies for name in policy.periods})
    return axes | {f"{CAMPAIGN}{name}": _campaign(name, policies) for name in campaigns}


def _words(words: Iterable[str], sides: int) -> tuple[Value, ...]:
    return tuple(Value(str(word), (word,) * sides) for word in words)


def _names(mentioned: Iterable[tuple[str, ...] | None], sides: int) -> tuple[Value, ...]:
    """The names that rules mention, and for all others the empty name, which no rule can mention."""
    names = sorted({name for names in mentioned for name in names or ()})
    return (*_words(names, sides), Value(OTHER, ("",) * sides))


def _territories(policies: Sequence[Policy]) -> tuple[Value, ...]:
    """One value for each combination of classes that the policies give a territory.

    An unlisted territory has the class of its country, which is listed or the class of all others, so this is complete.
    """
    listed = {
        code
        for policy in policies
        for code in (*policy.document.territories.prohibited, *policy.document.territories.no_presence)
    }
    members: dict[tuple[TerritoryClass, ...], list[str]] = {}
    for code in sorted({*listed, _ELSEWHERE}):
        members.setdefault(tuple(policy.classify(code) for policy in policies), []).append(code)
    values = []
    for classes, codes in sorted(members.items()):
        label = f"{', '.join(codes)} ({' -> '.join(classes)})"
        values.append(Value(classes[0].value if len(set(classes)) == 1 else label, classes))
    return tuple(values)


def _activations(territories: Iterable[Value], whens: Iterable[Conditions], sides: int) -> tuple[Value, ...]:
    bounds = {0}
    for when in whens:
        bounds |= {low for low in (when.activation_age_min,) if low is not None}
        bounds |= {high + 1 for high in (when.activation_age_max,) if high is not None}
    spans = [Ages(low, high) for low, high in pairwise([*sorted(bounds), None]) if low is not None]
    known = [*territories, *_words([TerritoryClass.UNKNOWN], sides)]
    return (
        Value(TerritoryClass.NONE.value, (None,) * sides),
        *(
            Value(one.label, tuple(ActivationFact(each, ages.low) for each in one.sides), ages)
            for one in known
            for ages in spans
        ),
    )


def _campaign(name: str, policies: Sequence[Policy]) -> tuple[Value, ...]:
    """The states that are equal in all policies, which an operator can set, and those that differ by their dates."""
    written = [policy.periods.get(name) for policy in policies]
    agreed = tuple(
        Value(state.value, tuple(state if period else None for period in written)) for state in CampaignState
    )
    spans: dict[tuple[CampaignState | None, ...], list[Ages]] = {}
    for span in moments(policies):
        states = tuple(period.state(span.low) if period else None for period in written)
        if len({state for state in states if state}) > 1:
            spans.setdefault(states, []).append(span)
    differing = []
    for states, at in spans.items():
        times = " and ".join(
            f"from {_date(span.low)}" + ("" if span.high is None else f" until {_date(span.high)}")
            for span in at
        )
        label = f"{' -> '.join(state.value if state else '-' for state in states)} ({times})"
        differing.append(Value(label, states, spans=tuple(at)))
    return (*agreed, *differing)


def moments(policies: Sequence[Policy]) -> list[Ages]:
    """The spans between the dates of all campaigns, in seconds since the epoch, with one before the first date."""
    periods: list[Period] = [period for policy in policies for period in policy.periods.values()]
    dates = {period.begins for period in periods} | {
        period.ends for period in periods if period.ends is not None
    }
    return [
        Ages(low, high)
        for low, high in pairwise([min(dates, default=0) - 1, *sorted(dates), None])
        if low is not None
    ]


def _date(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
