"""What is allowed in a policy document and is hardly meant: rules that never match, campaigns that nobody asks for."""

from collections.abc import Container, Iterator

from server_stub.policy.errors import PolicyProblem, located
from server_stub.policy.facts import CAMPAIGN
from server_stub.policy.policy import Policy
from server_stub.policy.space import Space
from text_input.toml_positions import Path


def warnings(
    policy: Policy, source: str, *, known: Container[str] | None = None
) -> tuple[PolicyProblem, ...]:
    """What the writer of `policy` should look at again, in the order of lines.

    `known` are the territories that exist; without it codes are not judged.
    """
    found = [*_unmatched(policy), *_unused(policy), *_unknown(policy, known)]
    return tuple(sorted(located(policy.text, source, found), key=lambda each: each.line))


def _unmatched(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Rules that decide nothing, over the finite product of facts."""
    space = Space.of(policy)
    for index, box in enumerate(space.boxes[0]):
        rule = policy.document.rules[index]
        empty = [
            _key(dimension.fact) for dimension, mask in zip(space.dimensions, box, strict=True) if not mask
        ]
        if empty:
            yield ("rules", index, "when", *empty[:1]), f"rule {rule.id} never matches: {_nothing(empty)}"
            continue
        winners = sorted({winner[0] for _, winner in space.pieces(box)})
        if index not in winners:
            names = ", ".join(policy.document.rules[winner].id for winner in winners)
            yield (
                ("rules", index),
                f"rule {rule.id} never matches: all that it could decide is decided before, by {names}; "
                "move it up or remove it",
            )


def _nothing(facts: list[str]) -> str:
    if facts[0] in ("territory", "activation"):
        return f"no phone meets its conditions on {facts[0]}; look at them and at `territories`"
    return f"no phone meets its conditions on {facts[0]}; correct or remove them"


def _key(fact: str) -> str:
    return "campaign" if fact.startswith(CAMPAIGN) else fact


def _unused(policy: Policy) -> Iterator[tuple[Path, str]]:
    asked = {rule.when.campaign.id for rule in policy.document.rules if rule.when.campaign}
    for index, campaign in enumerate(policy.document.campaigns):
        if campaign.id not in asked:
            yield ("campaigns", index), f"no rule asks for campaign {campaign.id}; remove it or add a rule"


def _unknown(policy: Policy, known: Container[str] | None) -> Iterator[tuple[Path, str]]:
    if known is None:
        return
    territories = policy.document.territories
    for key, codes in (("prohibited", territories.prohibited), ("no_presence", territories.no_presence)):
        for code in codes:
            if code not in known:
                yield ("territories", key), f"{code} is no code of ISO 3166; correct it"
