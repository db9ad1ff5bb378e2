"""The finite product of facts, split into boxes in each of which every policy decides by one rule.

A box has a set of values for each fact, as a bit mask, and contains all their combinations. The conditions of a rule
are also a box. Splitting along the rules finds what each rule decides without enumerating the combinations: the pieces
are disjoint and together cover the whole product. A rule with a condition on deviations is several boxes, one for each
deviation.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final

from server_stub.policy.document import Rule
from server_stub.policy.facts import Facts, Predicate, alternatives_of
from server_stub.policy.policy import Policy
from server_stub.policy.values import Ages, Value, moments, values_of

Box = tuple[int, ...]
"""One bit mask for each dimension of a space: the groups of the dimension that are in the box."""

Winners = tuple[int, ...]
"""The index of the deciding rule in each policy."""


COMPARISONS_MAX: Final = 300_000
"""Most comparisons of a piece with a rule for one examination of a policy: the pieces can multiply with each rule."""
EVALUATIONS_MAX: Final = 1_000_000
"""Most evaluations of a rule's conditions for the values of all facts."""


class TooManyCombinationsError(ValueError):
    """The rules distinguish too many combinations of facts to examine all of them."""

    def __init__(self) -> None:
        super().__init__(
            "the rules distinguish too many combinations of facts to examine all of them; "
            "use fewer rules or conditions"
        )


@dataclass(slots=True)
class ComparisonBudget:
    """How many comparisons are left."""

    left: int = COMPARISONS_MAX

    def spend(self, comparisons: int) -> None:
        """Raises TooManyCombinationsError if there are not so many left."""
        self.left -= comparisons
        if self.left < 0:
            raise TooManyCombinationsError


@dataclass(frozen=True, slots=True)
class RuleAlternative:
    """Conditions that are one box, of the `rule`-th rule of the policy `side`."""

    side: int
    rule: int
    predicates: tuple[Predicate, ...]

    @classmethod
    def all_of(cls, policies: Sequence[Policy]) -> "tuple[RuleAlternative, ...]":
        """Those of all rules, in the order of policies and rules."""
        return tuple(
            cls(side, number, predicates)
            for side, policy in enumerate(policies)
            for number, rule in enumerate(policy.document.rules)
            for predicates in alternatives_of(rule.when)
        )


@dataclass(frozen=True, slots=True)
class FactDimension:
    """A fact and its values, grouped so that no rule distinguishes values of a group. Each group has a signature."""

    fact: str
    groups: tuple[tuple[Value, ...], ...]
    signatures: tuple[tuple[bool, ...], ...]
    predicates: tuple[tuple[int, tuple[Predicate, ...]], ...]

    @classmethod
    def of(cls, fact: str, values: Iterable[Value], rules: Sequence[RuleAlternative]) -> "FactDimension":
        """The dimension of `fact` with all its `values`."""
        predicates = tuple(
            (rule.side, tuple(predicate for predicate in rule.predicates if predicate.fact == fact))
            for rule in rules
        )
        groups: dict[tuple[bool, ...], list[Value]] = {}
        for value in values:
            groups.setdefault(_signature(predicates, value.sides), []).append(value)
        return cls(fact, tuple(map(tuple, groups.values())), tuple(groups), predicates)

    @property
    def full(self) -> int:
        """The mask of all groups."""
        return (1 << len(self.groups)) - 1

    def locate(self, sides: Sequence[Any]) -> int:
        """The group of the values that the policies see. Raises ValueError if no group has them."""
        return self.signatures.index(_signature(self.predicates, sides))

    def mask(self, alternative: int) -> int:
        """The groups that the conditions of the `alternative`-th of all alternatives accept."""
        return sum(1 << group for group, accepted in enumerate(self.signatures) if accepted[alternative])

    def inside(self, mask: int) -> Iterator[Value]:
        """The values of the groups in `mask`."""
        for index in _bits(mask):
            yield from self.groups[index]

    def spans(self, mask: int) -> set[Ages] | None:
        """The times at which the policies can see one of the groups in `mask`, None for any time."""
        spans: set[Ages] = set()
        for value in self.inside(mask):
            if value.spans is None:
                return None
            spans.update(value.spans)
        return spans


@dataclass(frozen=True, slots=True)
class Space:
    """The product of all facts for one policy, or for several policies together.

    `boxes` has the boxes of each policy in the order of its rules, each with the index of its rule.
    """

    policies: tuple[Policy, ...]
    dimensions: tuple[FactDimension, ...]
    boxes: tuple[tuple[tuple[int, Box], ...], ...]
    moments: tuple[Ages, ...]

    @classmethod
    def of(cls, *policies: Policy) -> "Space":
        """The product of all values that these policies can distinguish. Raises TooManyCombinationsError."""
        rules, axes = RuleAlternative.all_of(policies), values_of(policies)
        if len(rules) * sum(map(len, axes.values())) > EVALUATIONS_MAX:
            raise TooManyCombinationsError
        dimensions = tuple(FactDimension.of(fact, values, rules) for fact, values in axes.items())
        boxes: list[list[tuple[int, Box]]] = [[] for _ in policies]
        for number, each in enumerate(rules):
            boxes[each.side].append((each.rule, tuple(d.mask(number) for d in dimensions)))
        return cls(policies, dimensions, tuple(map(tuple, boxes)), tuple(moments(policies)))

    @property
    def whole(self) -> Box:
        """All combinations."""
        return tuple(dimension.full for dimension in self.dimensions)

    def pieces(self, box: Box, budget: ComparisonBudget | None = None) -> Iterator[tuple[Box, Winners]]:
        """Split `box` until each policy decides each piece by one rule. Leaves out pieces that cannot occur.

        Raises TooManyCombinationsError.
        """
        waiting, budget = [box], budget or ComparisonBudget()
        while waiting:
            piece = waiting.pop()
            winners = []
            for rules in self.boxes:
                winner, halves = _first_match(piece, rules, budget)
                if halves:
                    waiting += halves
                    break
                winners.append(winner)
            else:
                if part := self.possible(piece):
                    yield part, tuple(winners)

    def possible(self, box: Box) -> Box | None:
        """The part of a box whose trust tiers and boot keys can occur together; None if no part can occur.

        It can only if the policies see its campaign states at the same time.
        """
        times = [d.spans(mask) for d, mask in zip(self.dimensions, box, strict=True)]
        limits = [spans for spans in times if spans is not None]
        if limits and not any(all(moment in spans for spans in limits) for moment in self.moments):
            return None
        tiers, keys = self._position("trust"), self._position("boot_key")
        fitting = list(self._fitting(box[tiers], box[keys]))
        if not fitting:
            return None
        part = list(box)
        part[tiers] = reduce(or_, (1 << tier for tier, _ in fitting))
        part[keys] = reduce(or_, (1 << key for _, key in fitting))
        return tuple(part)

    def _fitting(self, tiers: int, keys: int) -> Iterator[tuple[int, int]]:
        """The groups of trust tiers and of boot keys inside the two masks that can occur together."""
        trust, known = (self.dimensions[self._position(fact)] for fact in ("trust", "boot_key"))
        sides = {key: {value.sides for value in known.groups[key]} for key in _bits(keys)}
        for tier in _bits(tiers):
            for key, found in sides.items():
                if any(not value.excludes(found) for value in trust.groups[tier]):
                    yield tier, key

    def _position(self, fact: str) -> int:
        return next(index for index, each in enumerate(self.dimensions) if each.fact == fact)

    def locate(self, facts: Sequence[Facts]) -> Box:
        """The box of one combination; `facts` has the facts that each policy sees."""
        return tuple(1 << d.locate([one.value(d.fact) for one in facts]) for d in self.dimensions)

    def count(self, box: Box) -> int:
        """The number of combinations of groups in a box."""
        total = 1
        for mask in box:
            total *= mask.bit_count()
        return total

    def rule(self, side: int, index: int) -> Rule:
        """A rule by the index of its policy and its own index."""
        return self.policies[side].document.rules[index]


def overlapping(one: Box, other: Box) -> bool:
    """Whether two boxes have a combination in common."""
    return all(mine & its for mine, its in zip(one, other, strict=True))


def merged(boxes: Iterable[Box]) -> list[Box]:
    """Fewer boxes for the same combinations: boxes that differ in only one dimension are united."""
    found = list(boxes)
    while found:
        before = len(found)
        for dimension in range(len(found[0])):
            masks: dict[tuple[Box, Box], int] = {}
            for box in found:
                rest = (box[:dimension], box[dimension + 1 :])
                masks[rest] = masks.get(rest, 0) | box[dimension]
            found = [(*head, mask, *tail) for (head, tail), mask in masks.items()]
        if len(found) == before:
            break
    return found


def _bits(mask: int) -> Iterator[int]:
    return (index for index in range(mask.bit_length()) if mask >> index & 1)


def _first_match(
    box: Box, rules: tuple[tuple[int, Box], ...], budget: ComparisonBudget
) -> tuple[int, list[Box]]:
    """The rule that decides the whole box, or two halves of the box, split by the first rule that decides a part."""
    for index, rule in rules:
        budget.spend(1)
        overlap = tuple(mine & its for mine, its in zip(box, rule, strict=True))
        if overlap == box:
            return index, []
        if all(overlap):
            at = next(place for place, mask in enumerate(overlap) if mask != box[place])
            return index, [
                (*box[:at], box[at] & ~rule[at], *box[at + 1 :]),
                (*box[:at], overlap[at], *box[at + 1 :]),
            ]
    raise ValueError("the last rule of a policy matches every device")


def _signature(
    predicates: Sequence[tuple[int, tuple[Predicate, ...]]], sides: Sequence[Any]
) -> tuple[bool, ...]:
    return tuple(all(predicate.accepts(sides[side]) for predicate in own) for side, own in predicates)
