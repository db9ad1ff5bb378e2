"""The values of each fact that one policy, or two policies, can distinguish: the axes of the finite product of facts.

Only few values of a fact matter: the members of an enumeration, the names that a rule mentions and one other name,
the ages between two bounds, the territories of one class. Each deviation that a rule mentions is a fact of its own,
present or absent: a device can have any of them, and their sets would be too many to build. If two policies
classify a territory, date a campaign or know boot keys differently, each combination of what they see is a separate
value. A boot key that only one of them knows changes the trust tier too: `Value.boot_keys` connects the two facts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.policy.document import CampaignState, Conditions, TerritoryClass
from server_stub.policy.facts import CAMPAIGN, DEVIATION, ActivationFact
from server_stub.policy.policy import Period, Policy
from wire.codes import Intent, TrustTier

BootKeys = tuple[BootKey, ...]
"""Whether each policy knows the boot key of a device."""

OTHER: Final = "any other"
"""The label of the value for everything that no rule mentions."""

_KEY_SHOWN: Final = 8
"""How many digits of a boot key a label shows."""

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
    an operator can set the state of a campaign at any time, and then all policies see the same state. `boot_keys` are
    the values of the fact `boot_key` with which this value occurs, None for all of them.
    """

    label: str
    sides: tuple[Any, ...]
    ages: Ages | None = None
    spans: tuple[Ages, ...] | None = None
    boot_keys: frozenset[BootKeys] | None = None

    def excludes(self, boot_keys: Iterable[BootKeys]) -> bool:
        """Whether this value occurs with none of these values of the fact `boot_key`."""
        return self.boot_keys is not None and self.boot_keys.isdisjoint(boot_keys)


def values_of(policies: Sequence[Policy]) -> dict[str, tuple[Value, ...]]:
    """Every fact that these policies can compare, with its values."""
    whens = [rule.when for policy in policies for rule in policy.document.rules]
    territories = _territories(policies)
    boot_keys = _boot_keys(policies)
    axes = {
        "identity": _words(Identity, len(policies)),
        "intent": _words(Intent, len(policies)),
        "territory": (
            *territories,
            *_words([TerritoryClass.UNKNOWN, TerritoryClass.CONTRADICTORY], len(policies)),
        ),
        "activation": _activations(territories, whens, len(policies)),
        "sale_region": _names((when.sale_region for when in whens), len(policies)),
        "roaming": _flags({"yes": True, "no": False, "unknown": None}, len(policies)),
        "trust": _tiers(boot_keys, len(policies)),
        "boot_key": boot_keys,
        "terms": _names((names for when in whens for names in (when.terms, when.terms_not)), len(policies)),
    }
    mentioned = sorted({name for when in whens for name in when.deviations or ()})
    deviations = {
        f"{DEVIATION}{name}": _flags({"yes": True, "no": False}, len(policies)) for name in mentioned
    }
    campaigns = sorted({name for policy in policies for name in policy.periods})
    return axes | deviations | {f"{CAMPAIGN}{name}": _campaign(name, policies) for name in campaigns}


def _flags(flags: dict[str, bool | None], sides: int) -> tuple[Value, ...]:
    return tuple(Value(label, (flag,) * sides) for label, flag in flags.items())


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


def _boot_keys(policies: Sequence[Policy]) -> tuple[Value, ...]:
    """One value for each combination of policies that know a key. The manufacturer's key is known to all of them."""
    members: dict[BootKeys, list[str]] = {(known,) * len(policies): [] for known in BootKey}
    for key in sorted({key for policy in policies for key in policy.boot_keys}):
        sides = tuple(BootKey.KNOWN if key in policy.boot_keys else BootKey.UNKNOWN for policy in policies)
        members.setdefault(sides, []).append(f"{key[:_KEY_SHOWN]}…")
    return tuple(
        Value(
            sides[0].value if len({*sides}) == 1 else f"{', '.join(keys)} ({' -> '.join(sides)})",
            sides,
        )
        for sides, keys in members.items()
    )


def _tiers(boot_keys: Iterable[Value], sides: int) -> tuple[Value, ...]:
    """The tiers, and for a boot key that only some policies know, the tier that each of them sees.

    Without the key the tier is at least `warning`. If all else is affirmed the tiers differ, otherwise they do not.
    """
    agreed = frozenset((known,) * sides for known in BootKey)
    low = (TrustTier.NONE, TrustTier.AFFIRMING)
    values = [
        Value(tier.value, (tier,) * sides, boot_keys=agreed if tier in low else None) for tier in TrustTier
    ]
    for known in [value.sides for value in boot_keys if value.sides not in agreed]:
        tiers = tuple(TrustTier.AFFIRMING if side is BootKey.KNOWN else TrustTier.WARNING for side in known)
        values.append(Value(" -> ".join(tiers), tiers, boot_keys=frozenset({known})))
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
