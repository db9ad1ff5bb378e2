"""The values of each fact that one policy, or two of them, can tell apart: the axes of the finite product of facts.

A fact has few values that matter: the words of a vocabulary, the names that a rule mentions and one that none
mentions, the ages between two bounds, the territories of one class. Where two policies classify a territory, or date a
campaign, differently, what each of them sees is a value of its own.
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
"""The label of the value that stands for all that no rule mentions."""

_ELSEWHERE: Final = "ZZ"
"""A code that ISO 3166-1 gives to users and that is no territory: it stands for all that no policy lists."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds since the activation: from `low` on and before `high`, None for no bound."""

    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a fact. `sides` is what each policy sees of it.

    `ages` are those of an activation. `spans` are the times at which the policies see it, None for any time: an
    operator can put a campaign into any state, but then it is the same for all policies.
    """

    label: str
    sides: tuple[Any, ...]
    ages: Ages | None = None
    spans: tuple[Ages, ...] | None = None


def values_of(policies: Sequence[Policy]) -> dict[str, tuple[Value, ...]]:
    """Every fact that these policies can look at, with its values."""
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
    """Names that rules mention, and the empty one, which no rule can mention, for all others."""
    names = sorted({name for names in mentioned for name in names or ()})
    return (*_words(names, sides), Value(OTHER, ("",) * sides))


def _territories(policies: Sequence[Policy]) -> tuple[Value, ...]:
    """One value for each way in which the policies classify a territory.

    A territory that nobody lists is classified like its country, which is listed or like any other; so these are all.
    """
    listed = {
        code
        for policy in policies
        for code in (*policy.document.territories.prohibited, *policy.document.territories.no_presence)
    }
    members: dict[tuple[TerritoryClass, ...], list[str]] = {}
    for code in sorted({*listed, _ELSEWHERE}):
        members.setdefault(tuple(policy.classify(code) for policy in policies), []).append(code)
    return tuple(Value(_class_label(classes, codes), classes) for classes, codes in sorted(members.items()))


def _class_label(classes: tuple[TerritoryClass, ...], codes: list[str]) -> str:
    if len(set(classes)) == 1:
        return classes[0].value
    return f"{', '.join(codes)} ({' -> '.join(classes)})"


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
    """The states that all policies agree on, which an operator can declare, and those that their dates make differ."""
    written = [policy.periods.get(name) for policy in policies]
    agreed = tuple(
        Value(state.value, tuple(state if period else None for period in written)) for state in CampaignState
    )
    spans: dict[tuple[CampaignState | None, ...], list[Ages]] = {}
    for span in moments(policies):
        states = tuple(period.state(span.low) if period else None for period in written)
        if len({state for state in states if state}) > 1:
            spans.setdefault(states, []).append(span)
    return (
        *agreed,
        *(Value(_span_label(states, at), states, spans=tuple(at)) for states, at in spans.items()),
    )


def moments(policies: Sequence[Policy]) -> list[Ages]:
    """The times between the dates of all campaigns, in seconds since the epoch, from before the first one."""
    periods: list[Period] = [period for policy in policies for period in policy.periods.values()]
    dates = {period.begins for period in periods} | {
        period.ends for period in periods if period.ends is not None
    }
    return [
        Ages(low, high)
        for low, high in pairwise([min(dates, default=0) - 1, *sorted(dates), None])
        if low is not None
    ]


def _span_label(states: tuple[CampaignState | None, ...], spans: Sequence[Ages]) -> str:
    times = " and ".join(f"from {_date(span.low)} until {_date(span.high)}" for span in spans)
    return f"{' -> '.join(state.value if state else '-' for state in states)} ({times})"


def _date(at: int | None) -> str:
    return "for ever" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
