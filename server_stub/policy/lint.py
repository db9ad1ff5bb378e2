"""Warnings and notes about a valid policy.

A warning is about a likely mistake: a rule that never matches, a campaign that no rule uses, an unknown territory.
A note is about a choice with a consequence that the author should know: no rule asks for trust, or one for the intent.
"""

from collections.abc import Container, Iterator
from itertools import chain, groupby
from operator import itemgetter

from server_stub.policy.facts import CAMPAIGN
from server_stub.policy.policy import Policy
from server_stub.policy.space import Box, ComparisonBudget, Space, TooManyCombinationsError
from text_input.documents import DocumentProblem, located
from text_input.toml import Path


def warnings(
    policy: Policy, source: str, *, known: Container[str] | None = None
) -> tuple[DocumentProblem, ...]:
    """Likely mistakes in `policy`, in the order of lines.

    `known` are the territories that exist; without it codes are not checked.
    """
    document = policy.document
    found = list(_unmatched_rules(policy))
    used = {rule.when.campaign.id for rule in document.rules if rule.when.campaign}
    for index, campaign in enumerate(document.campaigns):
        if campaign.id not in used:
            problem = f"no rule uses campaign {campaign.id}; remove it or add a rule"
            found.append((("campaigns", index), problem))
    territories = document.territories
    for key, codes in (("prohibited", territories.prohibited), ("no_presence", territories.no_presence)):
        found += [
            (("territories", key), f"{code} is not a code of ISO 3166; correct it")
            for code in codes
            if known is not None and code not in known
        ]
    return tuple(sorted(located(policy.text, source, found), key=lambda each: each.line or 0))


def notes(policy: Policy, source: str) -> tuple[DocumentProblem, ...]:
    """Choices in `policy` whose consequences the document does not show, in the order of lines."""
    found: list[tuple[Path, str]] = []
    rules = policy.document.rules
    if not any(rule.when.trust or rule.when.boot_key for rule in rules):
        problem = (
            "no rule asks for trust: a device whose attestation is contraindicated, and which could falsify its "
            "place, is decided like any other; add a rule with `trust` or `boot_key`"
        )
        found.append((("rules",), problem))
    for index, rule in enumerate(rules):
        if rule.when.intent:
            problem = (
                f"rule {rule.id} asks for the intent: after a factory reset a device asks to be activated, and the "
                "same facts can give another decision; a condition on `activation` does not have this effect"
            )
            found.append((("rules", index, "when", "intent"), problem))
    return tuple(sorted(located(policy.text, source, found), key=lambda each: each.line or 0))


def _unmatched_rules(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Rules that decide nothing, over the finite product of facts, as far as it can be examined."""
    budget, index = ComparisonBudget(), 0
    try:
        space = Space.of(policy)
        for index, alternatives in groupby(space.boxes[0], key=itemgetter(0)):
            if problem := _unmatched(space, index, [box for _, box in alternatives], budget):
                yield problem
    except TooManyCombinationsError as error:
        yield ("rules", index), f"whether this rule and later ones ever match is not checked: {error}"


def _unmatched(
    space: Space, index: int, boxes: list[Box], budget: ComparisonBudget
) -> tuple[Path, str] | None:
    """Why the rule of these boxes decides nothing, None if it decides something. Raises TooManyCombinationsError."""
    rule = space.rule(0, index)
    # Alternatives differ only in the deviation, which a device can always have.
    if empty := [d.fact for d, mask in zip(space.dimensions, boxes[0], strict=True) if not mask]:
        fact = "campaign" if empty[0].startswith(CAMPAIGN) else empty[0]
        advice = (
            "check them and `territories`"
            if fact in ("territory", "activation")
            else "correct or remove them"
        )
        problem = f"rule {rule.id} never matches: no device meets its conditions on {fact}; {advice}"
        return ("rules", index, "when", fact), problem
    winners = set()
    for _, (winner,) in chain.from_iterable(space.pieces(box, budget) for box in boxes):
        if winner == index:
            return None
        winners.add(winner)
    names = ", ".join(space.rule(0, winner).id for winner in sorted(winners))
    return (
        ("rules", index),
        f"rule {rule.id} never matches: earlier rules decide every device that it matches ({names}); "
        "move it up or remove it",
    )
