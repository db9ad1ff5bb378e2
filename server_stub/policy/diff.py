"""What changes between two policies: every combination of facts that is decided differently, in readable rows."""

from collections.abc import Iterable, Mapping
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
"""What of a rule reaches a phone."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Combinations that the old policy decides by rule `old` and the new one by rule `new`.

    `where` maps each fact that matters to its alternatives; a fact that is not there may be anything. `differs` names
    what differs: `decision`, or only `reason`, `check_in` and so on. `combinations` counts what the box stands for.
    """

    box: Box
    where: Mapping[str, tuple[str, ...]]
    old: Rule
    new: Rule
    differs: tuple[str, ...]
    combinations: int


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """Combinations that change from one decision to another, with all rules that decide them, old and new."""

    box: Box
    where: Mapping[str, tuple[str, ...]]
    old: tuple[Rule, ...]
    new: tuple[Rule, ...]
    combinations: int


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes between two policies, those of the decision first. `combinations` counts the whole product."""

    space: Space
    changes: tuple[RuleChange, ...]
    combinations: int

    @property
    def decisions(self) -> tuple[RuleChange, ...]:
        """The changes of a decision."""
        return tuple(change for change in self.changes if "decision" in change.differs)

    @property
    def rows(self) -> tuple[DifferenceRow, ...]:
        """The changes of a decision in as few rows as may be: whichever rules decide."""
        pairs: dict[tuple[str, str], list[RuleChange]] = {}
        for change in self.decisions:
            pairs.setdefault((change.old.decision, change.new.decision), []).append(change)
        return tuple(
            _row(self.space, box, changes)
            for changes in pairs.values()
            for box in merged(change.box for change in changes)
        )


def difference(old: Policy, new: Policy) -> Difference:
    """Compare two policies over the finite product of facts.

    >>> [c.where for c in difference(first, second).decisions]  # doctest: +SKIP
    [{'territory': ('prohibited',), 'intent': ('check-in',)}]
    """
    space = Space.of(old, new)
    boxes: dict[Winners, list[Box]] = {}
    for box, winners in space.pieces(space.whole):
        boxes.setdefault(winners, []).append(box)
    changes = [
        _change(space, box, winners, differs)
        for winners in sorted(boxes)
        if (differs := _differs(space.rule(0, winners[0]), space.rule(1, winners[1])))
        for box in merged(boxes[winners])
    ]
    changes.sort(key=lambda change: "decision" not in change.differs)
    return Difference(space, tuple(changes), space.count(space.whole))


def _row(space: Space, box: Box, changes: list[RuleChange]) -> DifferenceRow:
    within = [change for change in changes if overlapping(box, change.box)]
    return DifferenceRow(
        box=box,
        where=described(space, box),
        old=_once(change.old for change in within),
        new=_once(change.new for change in within),
        combinations=space.count(box),
    )


def _once(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple({rule.id: rule for rule in rules}.values())


def _change(space: Space, box: Box, winners: Winners, differs: tuple[str, ...]) -> RuleChange:
    return RuleChange(
        box=box,
        where=described(space, box),
        old=space.rule(0, winners[0]),
        new=space.rule(1, winners[1]),
        differs=differs,
        combinations=space.count(box),
    )


def _differs(old: Rule, new: Rule) -> tuple[str, ...]:
    return tuple(name for name in _OUTCOME if getattr(old, name) != getattr(new, name))


def described(space: Space, box: Box) -> dict[str, tuple[str, ...]]:
    """What a box demands of each fact, in words; a fact that may be anything is left out."""
    return {
        dimension.fact: _words(dimension, mask)
        for dimension, mask in zip(space.dimensions, box, strict=True)
        if mask != dimension.full
    }


def _words(dimension: FactDimension, mask: int) -> tuple[str, ...]:
    """The values in words; by what is missing, where `any other` is among them and fewer are missing."""
    inside = [value for i, group in enumerate(dimension.groups) if mask >> i & 1 for value in group]
    outside = [value for i, group in enumerate(dimension.groups) if not mask >> i & 1 for value in group]
    if any(value.ages for value in (*inside, *outside)):
        return _activations(inside, outside)
    if any(value.label == OTHER for value in inside):
        return (f"any but {', '.join(value.label for value in outside)}",)
    return tuple(value.label for value in inside)


def _activations(inside: list[Value], outside: list[Value]) -> tuple[str, ...]:
    """Classes of activation, each with its ages where not every age is inside."""
    partly = {value.label for value in outside}
    words = []
    for label in dict.fromkeys(value.label for value in inside):
        ages = [value.ages for value in inside if value.label == label and value.ages]
        words += [f"{label}, {_told(span)}" for span in _joined(ages)] if label in partly else [label]
    return tuple(words)


def _joined(spans: list[Ages]) -> list[Ages]:
    """Neighbouring spans as one."""
    joined: list[Ages] = []
    for span in sorted(spans, key=lambda each: each.low):
        if joined and joined[-1].high == span.low:
            joined[-1] = Ages(joined[-1].low, span.high)
        else:
            joined.append(span)
    return joined


def _told(span: Ages) -> str:
    """An age in words; bounds of documents are included, so that the upper one is one second below `high`."""
    low = f"{duration(span.low)} ago or longer"
    if span.high is None:
        return low
    high = f"{duration(span.high - 1)} ago or less"
    return f"{low}, {high}" if span.low else high
