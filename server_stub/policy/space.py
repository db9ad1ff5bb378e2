"""The finite product of facts, cut into boxes in each of which every policy decides by one rule.

A box is a set of values for each fact, as a bit mask, and stands for all their combinations. A rule's conditions are
a box too. Cutting along the rules finds what each rule decides without going through the combinations one by one, and
leaves none out: the pieces of a cut are disjoint and together the whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from server_stub.policy.document import Rule
from server_stub.policy.facts import Facts, Predicate
from server_stub.policy.policy import Policy
from server_stub.policy.values import Ages, Value, moments, values_of

Box = tuple[int, ...]
"""One bit mask for each dimension of a space: which of its groups belong to the box."""

Winners = tuple[int, ...]
"""For each policy, the index of the rule that decides."""


@dataclass(frozen=True, slots=True)
class FactDimension:
    """A fact and its values, in groups that no rule tells apart. `signatures` are what rules say of each group."""

    fact: str
    groups: tuple[tuple[Value, ...], ...]
    signatures: tuple[tuple[bool, ...], ...]
    predicates: tuple[tuple[int, tuple[Predicate, ...]], ...]

    @property
    def full(self) -> int:
        """The mask of all groups."""
        return (1 << len(self.groups)) - 1

    def locate(self, sides: Sequence[Any]) -> int:
        """The group of what each policy sees. Raises ValueError for what no group has."""
        return self.signatures.index(_signature(self.predicates, sides))

    def mask(self, rule: int) -> int:
        """The groups that the conditions of the `rule`-th of all rules accept."""
        return sum(1 << group for group, accepted in enumerate(self.signatures) if accepted[rule])


@dataclass(frozen=True, slots=True)
class Space:
    """The product for one policy, or for several side by side."""

    policies: tuple[Policy, ...]
    dimensions: tuple[FactDimension, ...]
    boxes: tuple[tuple[Box, ...], ...]
    moments: tuple[Ages, ...]

    @classmethod
    def of(cls, *policies: Policy) -> "Space":
        """The product of everything that these policies can tell apart."""
        dimensions = tuple(_dimension(fact, values, policies) for fact, values in values_of(policies).items())
        boxes: list[tuple[Box, ...]] = []
        first = 0
        for policy in policies:
            numbers = range(first, first + len(policy.predicates))
            boxes.append(tuple(tuple(d.mask(rule) for d in dimensions) for rule in numbers))
            first = numbers.stop
        return cls(policies, dimensions, tuple(boxes), tuple(moments(policies)))

    @property
    def whole(self) -> Box:
        """All combinations."""
        return tuple(dimension.full for dimension in self.dimensions)

    def pieces(self, box: Box) -> Iterator[tuple[Box, Winners]]:
        """Cut `box` until each policy decides each piece by one rule. Pieces that cannot happen are left out."""
        for piece, winners in _cut(box, self.boxes):
            if self.possible(piece):
                yield piece, winners

    def possible(self, box: Box) -> bool:
        """Whether there is a time at which the policies see the states of campaigns that the box demands."""
        demands = [
            spans
            for dimension, mask in zip(self.dimensions, box, strict=True)
            if (spans := _spans(dimension, mask)) is not None
        ]
        return not demands or any(all(moment in spans for spans in demands) for moment in self.moments)

    def locate(self, facts: Sequence[Facts]) -> Box:
        """The box of one combination; `facts` is what each policy sees of it."""
        return tuple(1 << d.locate([_value(one, d.fact) for one in facts]) for d in self.dimensions)

    def count(self, box: Box) -> int:
        """How many combinations of groups a box stands for."""
        total = 1
        for mask in box:
            total *= mask.bit_count()
        return total

    def rule(self, side: int, index: int) -> Rule:
        """A rule by its policy and its place there."""
        return self.policies[side].document.rules[index]


def overlapping(one: Box, other: Box) -> bool:
    """Whether two boxes have a combination in common."""
    return all(mine & its for mine, its in zip(one, other, strict=True))


def merged(boxes: Iterable[Box]) -> list[Box]:
    """Fewer boxes for the same combinations: those that differ in one dimension alone become one."""
    found = list(boxes)
    while found:
        before = len(found)
        for dimension in range(len(found[0])):
            found = _merged_along(dimension, found)
        if len(found) == before:
            break
    return found


def _merged_along(dimension: int, boxes: Iterable[Box]) -> list[Box]:
    masks: dict[tuple[Box, Box], int] = {}
    for box in boxes:
        rest = (box[:dimension], box[dimension + 1 :])
        masks[rest] = masks.get(rest, 0) | box[dimension]
    return [(*before, mask, *after) for (before, after), mask in masks.items()]


def _cut(box: Box, policies: tuple[tuple[Box, ...], ...]) -> Iterator[tuple[Box, Winners]]:
    waiting = [box]
    while waiting:
        box = waiting.pop()
        winners = []
        for rules in policies:
            winner, halves = _first(box, rules)
            if halves:
                waiting += halves
                break
            winners.append(winner)
        else:
            yield box, tuple(winners)


def _first(box: Box, rules: tuple[Box, ...]) -> tuple[int, list[Box]]:
    """The rule that decides all of a box, or two halves of it along the first rule that decides some of it."""
    for index, rule in enumerate(rules):
        overlap = tuple(mine & its for mine, its in zip(box, rule, strict=True))
        if overlap == box:
            return index, []
        if all(overlap):
            at = next(place for place, mask in enumerate(overlap) if mask != box[place])
            return index, [
                (*box[:at], box[at] & ~rule[at], *box[at + 1 :]),
                (*box[:at], overlap[at], *box[at + 1 :]),
            ]
    raise ValueError("a policy's last rule matches every phone")


def _dimension(fact: str, values: Iterable[Value], policies: Sequence[Policy]) -> FactDimension:
    predicates = tuple(
        (side, tuple(predicate for predicate in predicates if predicate.fact == fact))
        for side, policy in enumerate(policies)
        for _, predicates in policy.predicates
    )
    groups: dict[tuple[bool, ...], list[Value]] = {}
    for value in values:
        groups.setdefault(_signature(predicates, value.sides), []).append(value)
    return FactDimension(fact, tuple(map(tuple, groups.values())), tuple(groups), predicates)


def _signature(
    predicates: Sequence[tuple[int, tuple[Predicate, ...]]], sides: Sequence[Any]
) -> tuple[bool, ...]:
    return tuple(all(predicate.accepts(sides[side]) for predicate in own) for side, own in predicates)


def _value(facts: Facts, fact: str) -> Any:
    """What a policy sees. It sees nothing of a campaign that it does not know."""
    try:
        return facts.value(fact)
    except KeyError:
        return None


def _spans(dimension: FactDimension, mask: int) -> set[Ages] | None:
    """The times at which one of these groups can be, None for any time."""
    spans: set[Ages] = set()
    for index, group in enumerate(dimension.groups):
        for value in group if mask >> index & 1 else ():
            if value.spans is None:
                return None
            spans.update(value.spans)
    return spans
