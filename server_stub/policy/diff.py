"""The differences between two policies: every combination of facts that they decide differently, in readable rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from server_stub.policy.document import Rule
from server_stub.policy.facts import duration
from server_stub.policy.policy import Policy
from server_stub.policy.space import Box, FactDimension, Space, Winners, merged, overlapping
from server_stub.policy.values import OTHER, Ages, Value

_OUTCOME: Final = (
    "decision",
    "reason",
    "message",
    "case",
    "check_in",
    "offline_limit",
    "not_before_lock",
    "retry_after",
)
"""The members of a rule that a verdict is made from."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Combinations that the old policy decides by rule `old` and the new one by rule `new`.

    `where` maps each relevant fact to its alternatives; an absent fact can have any value. `differs` has the members
    that differ: `decision`, or only `reason`, `check_in` and so on. `combinations` is the number in the box.
    """

    box: Box
    where: Mapping[str, tuple[str, ...]]
    old: Rule
    new: Rule
    differs: tuple[str, ...]
    combinations: int


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """Combinations that change from one decision to another, with all old and new rules that decide them."""

    box: Box
    where: Mapping[str, tuple[str, ...]]
    old: tuple[Rule, ...]
    new: tuple[Rule, ...]
    combinations: int


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes between two policies, changed decisions first. `combinations` is the size of the whole product."""

    space: Space
    changes: tuple[RuleChange, ...]
    combinations: int

    @property
    def decisions(self) -> tuple[RuleChange, ...]:
        """The changes in which the decision differs."""
        return tuple(change for change in self.changes if "decision" in change.differs)

    @property
    def rows(self) -> tuple[DifferenceRow, ...]:
        """The changed decisions in as few rows as possible, independent of the deciding rules."""
        pairs: dict[tuple[str, str], list[RuleChange]] = {}
        for change in self.decisions:
            pairs.setdefault((change.old.decision, change.new.decision), []).append(change)
        rows = []
        for changes in pairs.values():
            for box in merged(change.box for change in changes):
                parts = [change for change in changes if overlapping(box, change.box)]
                old = tuple({part.old.id: part.old for part in parts}.values())
                new = tuple({part.new.id: part.new for part in parts}.values())
                where, combinations = described(self.space, box), self.space.count(box)
                rows.append(DifferenceRow(box, where, old, new, combinations))
        return tuple(rows)


def difference(old: Policy, new: Policy) -> Difference:
    """Compare two policies over the finite product of facts. Raises TooManyCombinationsError.

    >>> [c.where for c in difference(first, second).decisions]  # doctest: +SKIP
    [{'territory': ('prohibited',), 'intent': ('check-in',)}]
    """
    space = Space.of(old, new)
    boxes: dict[Winners, list[Box]] = {}
    for box, winners in space.pieces(space.whole):
        boxes.setdefault(winners, []).append(box)
    changes = []
    for winners in sorted(boxes):
        old_rule, new_rule = space.rule(0, winners[0]), space.rule(1, winners[1])
        differs = tuple(name for name in _OUTCOME if getattr(old_rule, name) != getattr(new_rule, name))
        for box in merged(boxes[winners]) if differs else ():
            where, combinations = described(space, box), space.count(box)
            changes.append(RuleChange(box, where, old_rule, new_rule, differs, combinations))
    changes.sort(key=lambda change: "decision" not in change.differs)
    return Difference(space, tuple(changes), space.count(space.whole))


def described(space: Space, box: Box) -> dict[str, tuple[str, ...]]:
    """The alternatives of each fact in a box, as text; a fact that can have any value is left out."""
    return {
        dimension.fact: _labels(dimension, mask)
        for dimension, mask in zip(space.dimensions, box, strict=True)
        if mask != dimension.full
    }


def _labels(dimension: FactDimension, mask: int) -> tuple[str, ...]:
    """The labels of the values in `mask`; `any but` and the labels outside if `any other` is in it."""
    inside, outside = list(dimension.inside(mask)), list(dimension.inside(dimension.full & ~mask))
    if any(value.ages for value in (*inside, *outside)):
        return _activations(inside, outside)
    if any(value.label == OTHER for value in inside):
        return (f"any but {', '.join(value.label for value in outside)}",)
    return tuple(value.label for value in inside)


def _activations(inside: list[Value], outside: list[Value]) -> tuple[str, ...]:
    """Classes of activation, each with its ages if not every age is inside. Adjacent spans are joined."""
    partly = {value.label for value in outside}
    labels = []
    for label in dict.fromkeys(value.label for value in inside):
        if label not in partly:
            labels.append(label)
            continue
        joined: list[Ages] = []
        spans = [value.ages for value in inside if value.label == label and value.ages]
        for span in sorted(spans, key=lambda each: each.low):
            if joined and joined[-1].high == span.low:
                joined[-1] = Ages(joined[-1].low, span.high)
            else:
                joined.append(span)
        labels += [f"{label}, {_age_text(span)}" for span in joined]
    return tuple(labels)


def _age_text(span: Ages) -> str:
    """A span as text. TimestampBounds in documents are inclusive, so the upper one is one second below `high`."""
    low = f"{duration(span.low)} ago or longer"
    if span.high is None:
        return low
    high = f"{duration(span.high - 1)} ago or less"
    return f"{low}, {high}" if span.low else high
