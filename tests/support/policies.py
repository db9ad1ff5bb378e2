"""Small random policies, and every case that they can distinguish, for tests of comparisons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Any

from hypothesis import strategies as st

from server_stub.attestation.appraisal import BootKey, Identity
from server_stub.attestation.deviations import Deviation
from server_stub.policy.document import CampaignState, PolicyDocument
from server_stub.policy.facts import Facts
from server_stub.policy.policy import Activation, Period, Policy, PolicyInput
from server_stub.territory.judgement import Judgement, JudgementStatus
from wire.codes import Intent, TrustTier

DAY = 86_400
FIRST = 1_630_454_400
"""1 September 2021."""

KEYS = {"a": "0a" * 32, "b": "0b" * 32, "c": "0c" * 32}
"""Boot keys that policies list, and the last that none of them lists."""

DEVIATIONS = (Deviation.CERTIFICATE_EXPIRED, Deviation.SET_UNSORTED, Deviation.VERSION_LATER)

PLACES = ("CU", "UA", "UA-43", "US-HI", "FR", "unknown", "contradictory")
_SEVERITY = list(TrustTier).index
AGES = (0, 10, 11, 20, 21)
CAMPAIGNS = ("a", "b")
MOMENTS = tuple(FIRST + DAY * days for days in range(-1, 5))

CONDITIONS: dict[str, Any] = {
    "territory": ["prohibited", "no-presence", "eligible", "unknown", "contradictory"],
    "activation": ["prohibited", "no-presence", "eligible", "unknown", "none"],
    "sale_region": ["eea", "china"],
    "trust": [tier.value for tier in TrustTier],
    "boot_key": [known.value for known in BootKey],
    "deviations": [each.value for each in DEVIATIONS],
    "identity": [identity.value for identity in Identity],
    "intent": [intent.value for intent in Intent],
    "terms": ["t1", "t2"],
    "terms_not": ["t1", "t2"],
}
FACTS = {
    "territory": ["territory"],
    "activation": ["activation", "activation_age_min", "activation_age_max"],
    "sale_region": ["sale_region"],
    "roaming": ["roaming"],
    "trust": ["trust", "boot_key"],
    "deviations": ["deviations"],
    "identity": ["identity"],
    "intent": ["intent"],
    "terms": ["terms", "terms_not"],
    "campaigns": ["campaign"],
}
"""The conditions that use a fact."""

OUTCOMES: list[dict[str, Any]] = [
    {"decision": "allow", "reason": "territory-eligible", "check_in": 60, "offline_limit": 60},
    {"decision": "allow", "reason": "territory-eligible", "check_in": 90, "offline_limit": 60},
    {"decision": "defer", "reason": "territory-unknown", "retry_after": 60},
]


@dataclass(frozen=True)
class Pair:
    """Two policies with conditions only on the facts in `used`."""

    used: tuple[str, ...]
    old: Policy
    new: Policy


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    used = tuple(draw(st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=3, unique=True)))
    return Pair(used, draw(policies(used)), draw(policies(used)))


@st.composite
def policies(draw: st.DrawFn, used: Sequence[str]) -> Policy:
    classes = {code: draw(st.sampled_from([0, 1, 2])) for code in ("CU", "UA", "UA-43", "US")}
    begins = {name: draw(st.integers(0, 2)) for name in CAMPAIGNS}
    ends = {name: begins[name] + draw(st.integers(1, 2)) for name in CAMPAIGNS}
    document = {
        "id": "p",
        "version": 1,
        "title": "P",
        "boot_keys": draw(st.lists(st.sampled_from([KEYS["a"], KEYS["b"]]), unique=True)),
        "territories": {
            "prohibited": [code for code, kind in classes.items() if kind == 1],
            "no_presence": [code for code, kind in classes.items() if kind == 2],
        },
        "campaigns": [
            {"id": name, "from": _time(begins[name]), "until": _time(ends[name])} for name in CAMPAIGNS
        ],
        "rules": [
            {"id": f"r{number}", "when": when, **outcome}
            for number, (when, outcome) in enumerate(
                draw(st.lists(st.tuples(conditions(used), st.sampled_from(OUTCOMES)), max_size=4))
            )
        ]
        + [{"id": "rest", **draw(st.sampled_from(OUTCOMES))}],
    }
    return Policy(PolicyDocument.model_validate(document))


def _time(days: int) -> Any:
    return datetime.fromtimestamp(FIRST + DAY * days, UTC)


@st.composite
def conditions(draw: st.DrawFn, used: Sequence[str]) -> dict[str, Any]:
    keys = [key for fact in used for key in FACTS[fact]]
    when: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(keys), min_size=1, unique=True)):
        if key in CONDITIONS:
            when[key] = draw(st.lists(st.sampled_from(CONDITIONS[key]), min_size=1, max_size=3, unique=True))
        elif key == "campaign":
            states = [state.value for state in CampaignState]
            chosen = draw(st.lists(st.sampled_from(states), min_size=1, max_size=2, unique=True))
            when[key] = {"id": draw(st.sampled_from(CAMPAIGNS)), "state": chosen}
        elif key == "roaming":
            when[key] = draw(st.booleans())
        else:
            when[key] = draw(st.sampled_from([10, 20]))
    if when.get("activation_age_min", 0) > when.get("activation_age_max", 99):
        del when["activation_age_min"]
    return when


@dataclass(frozen=True)
class World:
    """One case, with the campaign periods set by operators.

    `key` is the boot key of another party's image, and then `case.trust` is the trust that all else deserves. It is
    None where no policy matters: an image of the manufacturer, or an unlocked bootloader.
    """

    case: PolicyInput
    declared: Mapping[str, Period]
    key: str | None

    def facts(self, policy: Policy) -> Facts:
        """The facts, with the trust that the appraisal has if the policy knows the boot key or does not."""
        case = self.case
        if self.key is not None:
            known = BootKey.KNOWN if self.key in policy.boot_keys else BootKey.UNKNOWN
            trust = (
                case.trust if known is BootKey.KNOWN else max(case.trust, TrustTier.WARNING, key=_SEVERITY)
            )
            case = replace(case, boot_key=known, trust=trust)
        return policy.during(self.declared).facts(case)


def worlds(used: Sequence[str]) -> Iterator[World]:
    """Every case that policies with conditions on `used` can distinguish, and more; other facts are constant."""
    values: dict[str, Sequence[Any]] = {
        "territory": PLACES,
        "activation": [None, *product(PLACES[:-1], AGES)],
        "sale_region": ["eea", "china", "elsewhere"],
        "roaming": [True, False, None],
        "trust": [
            *product(TrustTier, BootKey),
            *product((TrustTier.AFFIRMING, TrustTier.WARNING, TrustTier.CONTRAINDICATED), KEYS.values()),
        ],
        "deviations": [
            frozenset(names)
            for size in range(len(DEVIATIONS) + 1)
            for names in combinations(DEVIATIONS, size)
        ],
        "identity": list(Identity),
        "intent": list(Intent),
        "terms": ["t1", "t2", "t3"],
        "campaigns": list(product(MOMENTS, *[[None, *CampaignState]] * len(CAMPAIGNS))),
    }
    for chosen in product(*(values[fact] if fact in used else values[fact][:1] for fact in values)):
        yield _world(dict(zip(values, chosen, strict=True)))


def _world(chosen: dict[str, Any]) -> World:
    now, *states = chosen["campaigns"]
    place, activated = chosen["territory"], chosen["activation"]
    tier, boot = chosen["trust"]
    if place == "contradictory":
        judgement = Judgement(JudgementStatus.CONTRADICTORY, None, "Signals disagree.")
    elif place == "unknown":
        judgement = Judgement(JudgementStatus.UNKNOWN, None, "No signal.")
    else:
        judgement = Judgement(JudgementStatus.RESOLVED, place, "One signal.")
    activation = None
    if activated:
        activation = Activation(now - activated[1], None if activated[0] == "unknown" else activated[0])
    case = PolicyInput(
        judgement=judgement,
        intent=chosen["intent"],
        activation=activation,
        identity=chosen["identity"],
        trust=tier,
        terms=chosen["terms"],
        now=now,
        sale_region=chosen["sale_region"],
        roaming=chosen["roaming"],
        boot_key=boot if isinstance(boot, BootKey) else BootKey.UNKNOWN,
        deviations=chosen["deviations"],
    )
    periods = {
        CampaignState.AHEAD: Period(now + 1, None),
        CampaignState.RUNNING: Period(now, None),
        CampaignState.LIFTED: Period(now - 1, now),
    }
    declared = {name: periods[state] for name, state in zip(CAMPAIGNS, states, strict=True) if state}
    return World(case, declared, None if isinstance(boot, BootKey) else boot)
