"""Mutants of the agent, generated from the tables, the updates, the effect order and the sealing rule."""

import ast
import copy
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from operator import attrgetter
from textwrap import dedent
from types import ModuleType
from typing import Any, Final

from agent import sealing
from agent.adapters import tuf_keys
from agent.core import states, timing, updates
from agent.core.effects import EffectKind
from agent.core.states import Attention, Exchange, Lock, Setup
from agent.core.table import MACHINES, Machine, Pair, Rejection, Transition
from agent.verification import bounds, verdict
from lab.model_check.memoized_step import COUNT, WRITE, AgentVariant, Replaced


class MutationSite(StrEnum):
    """The part of the agent that is mutated."""

    TABLE = "table"
    UPDATES = "updates"
    ORDER = "effect order"
    PERSIST = "persist"
    SEALING = "sealing rule"
    TIME = "trusted time"


@dataclass(frozen=True, slots=True)
class AgentMutant:
    """`id` is stable as long as the tables do not change; `concerns` is the pair of a table that it changes."""

    id: str
    site: MutationSite
    variant: AgentVariant
    machine: str = ""
    concerns: Pair | None = None


def all_mutants() -> tuple[AgentMutant, ...]:
    """All mutants, in a fixed order."""
    return (
        *_tables(),
        *_generated(MutationSite.UPDATES, _OFFLINE_LIMIT),
        *_effects(),
        *_generated(MutationSite.SEALING, _RECOVERY),
        *_generated(MutationSite.TIME, _TIME),
        *(
            AgentMutant(f"trusted time: {name}", MutationSite.TIME, AgentVariant(replaced=(part,)))
            for name, part in changes_of_time()
        ),
    )


def _tables() -> Iterator[AgentMutant]:
    for index, machine in enumerate(MACHINES):
        for pair, rows in machine.rows.items():
            for number, row in enumerate(rows):
                for what, changed in _row_changes(machine, row):
                    left = (*rows[:number], *changed, *rows[number + 1 :])
                    yield _table_mutant(index, pair, f"row {number + 1} {what}", left)
        for pair in machine.rejects:
            if pair not in machine.rows:
                for target in machine.states:
                    what = f"leads to {target} instead of being refused"
                    yield _table_mutant(index, pair, what, (Transition(_state(target)),))


def _row_changes(machine: Machine, row: Transition) -> Iterator[tuple[str, tuple[Transition, ...]]]:
    yield "dropped", ()
    for target in machine.states:
        if target != row.target:
            yield f"leads to {target}", (Transition(_state(target), row.do, row.guard),)
    for do in row.do:
        yield f"lacks {do}", (replace(row, do=tuple(d for d in row.do if d is not do)),)
    if (guard := row.guard) is not None:
        yield "unguarded", (replace(row, guard=None),)
        yield (
            "guarded by the contrary",
            (replace(row, guard=lambda state, context: not guard(state, context)),),
        )


def _state(target: StrEnum) -> Setup | Exchange | Lock | Attention:
    """A member of `Machine.states`, with its type narrowed."""
    if isinstance(target, Setup | Exchange | Lock | Attention):
        return target
    raise TypeError(f"{target!r} is a state of no machine")


def _table_mutant(index: int, pair: Pair, what: str, rows: tuple[Transition, ...]) -> AgentMutant:
    machine = MACHINES[index]
    changed: dict[Pair, tuple[Transition, ...]] = {**machine.rows, pair: rows}
    rejects: Mapping[Pair, Rejection] = {pair: Rejection.NOT_DUE, **machine.rejects}
    mutated: Machine = replace(machine, rows=changed, rejects=rejects)
    variant = AgentVariant(machines=(*MACHINES[:index], mutated, *MACHINES[index + 1 :]))
    name = f"{machine.name}: {pair[0]}, {pair[1]}: {what}"
    return AgentMutant(name, MutationSite.TABLE, variant, machine.name, pair)


def _effects() -> Iterator[AgentMutant]:
    for one, other in itertools.combinations(EffectKind, 2):
        swapped = {one: other, other: one}
        variant = AgentVariant(order=tuple(swapped.get(do, do) for do in EffectKind))
        yield AgentMutant(f"effect order: {one} and {other} swapped", MutationSite.ORDER, variant)
    for parts in ((COUNT, WRITE), (WRITE,), (COUNT,), (), (WRITE, COUNT, COUNT)):
        name = ", then ".join(parts) or "nothing"
        yield AgentMutant(f"persist: {name}", MutationSite.PERSIST, AgentVariant(persist=parts))


_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq, ast.GtE),
    ast.Is: (ast.IsNot,),
}
_RECOVERY: Final = ((sealing, "recover"), (sealing, "_continue_time"))
_OFFLINE_LIMIT: Final = (
    (updates, "_set_offline_limit"),
    (updates, "_renew_offline_limit"),
    (updates, "_mark_warned"),
    (updates, "_warning_share"),
)


_TIME: Final = (
    (bounds, "TimestampBounds.retracts"),
    (bounds, "TimestampBounds.rolls_back"),
    (bounds, "TimestampBounds.after"),
    (states, "Memory.policy_floor"),
    (timing, "set_time"),
    (tuf_keys, "TimelessUpdater.bounds"),
    (tuf_keys, "TimelessUpdater.check_expiry"),
    (verdict, "time_bounds"),
    (verdict, "check_times"),
)
"""Everything that decides how an exchange moves trusted time."""

_FLOOR, _LATER = "max(known.floor, self.floor)", "max(bounds.floor, issued)"
_LISTED, _GREATER = "not frozenset(known.signers) <= frozenset(self.signers)", "self.clock > known.clock"
_CODE, _FETCH = "timing.advance(memory, context)", "info = _listed(updater)"
_EXPIRY = "updater.check_expiry(bounds.floor)"
_CHANGES_OF_TIME: Final = {
    "the floor never rises": (bounds, "TimestampBounds.after", _FLOOR, "known.floor"),
    "there is no ceiling": (verdict, "time_bounds", "LIFETIME_MAX, latest", "LIFETIME_MAX, None"),
    "no timestamp retracts": (bounds, "TimestampBounds.after", "if self.retracts(known)", "if False"),
    "a greater clock number does not retract": (bounds, "TimestampBounds.retracts", _GREATER, "False"),
    "a replaced key does not retract": (bounds, "TimestampBounds.retracts", _LISTED, "False"),
    "any other clock number retracts": (bounds, "TimestampBounds.retracts", _GREATER, "self.clock != known.clock"),
    "trusted time only advances": (
        timing, "set_time", _LATER, "max(bounds.floor, issued, advance(memory, context).time.epoch)",
    ),
    "trusted time is not bounded by the floor": (timing, "set_time", _LATER, "issued"),
    "an unlock code sets trusted time": (
        updates, "_apply_verdict", _CODE, "timing.set_time(memory, memory.bounds, claims.iat, context)",
    ),
    "an unlock code sets the floor": (
        updates, "_apply_verdict", _CODE,
        "timing.set_time(memory, replace(memory.bounds, floor=claims.iat), claims.iat, context)",
    ),
    "expiry is compared with the floor before the exchange": (
        tuf_keys, "TufKeys.keys", _EXPIRY, "updater.check_expiry(known.floor)",
    ),
    "expiry is not compared": (tuf_keys, "TufKeys.keys", _EXPIRY, "pass"),
    "the floor is taken before signatures are verified": (
        tuf_keys, "TufKeys.keys", _FETCH, f"bounds = updater.bounds(known); {_FETCH}",
    ),
    "the policy floor is never reset": (
        states, "Memory.policy_floor", "bounds.root > self.bounds.root", "False",
    ),
}  # fmt: skip
"""By what is wrong: module, function, the text that is exchanged, and the text in its place."""


def changes_of_time() -> Iterator[tuple[str, Replaced]]:
    """What is wrong with trusted time, by name, and the part of the project that is exchanged for it."""
    for name, (module, function, old, new) in _CHANGES_OF_TIME.items():
        source = ast.unparse(_tree(module, function))
        if old not in source:
            raise ValueError(f"{function} has no {old!r}")
        yield name, _exchanged(module, function, ast.parse(source.replace(old, new)))


def _generated(site: MutationSite, functions: tuple[tuple[ModuleType, str], ...]) -> Iterator[AgentMutant]:
    """The variants of functions of modules in which one node is changed."""
    for module, function in functions:
        for name, tree in _mutations(module, function):
            part = _exchanged(module, function, tree)
            yield AgentMutant(name, site, AgentVariant(replaced=(part,)))


def _exchanged(module: ModuleType, function: str, changed: ast.Module) -> Replaced:
    """`function` of `module`, as it must be exchanged wherever it is called."""
    namespace = dict(vars(module))
    exec(compile(ast.fix_missing_locations(changed), "mutant", "exec"), namespace)  # noqa: S102 - the project's own
    path, _, short = function.rpartition(".")
    return (getattr(module, path) if path else module, short, namespace[short])


def _tree(module: ModuleType, function: str) -> ast.Module:
    """The source of a function, or of a method as a function."""
    return ast.parse(dedent(inspect.getsource(attrgetter(function)(module))))


def _mutations(module: ModuleType, function: str) -> Iterator[tuple[str, ast.Module]]:
    """The name and the source of each variant of `function` in which one node is changed."""
    short, tree = module.__name__.rpartition(".")[2], _tree(module, function)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            mutated = copy.deepcopy(tree)
            change(next(itertools.islice(ast.walk(mutated), number, None)))
            line = getattr(node, "lineno", 0)
            yield f"{short}: {function}, line {line}: {ast.unparse(node).splitlines()[0]}: {what}", mutated


Edit = Callable[[Any], object]


def _changes(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    """The mutations of one node of the rule, as functions that edit the node in place."""
    match node:
        case ast.Compare(ops=[op]):
            for other in _COMPARISONS.get(type(op), ()):
                yield f"{type(op).__name__} becomes {other.__name__}", partial(_set, ops=[other()])
        case ast.If():
            yield "never taken", partial(_set, test=ast.Constant(value=False))
        case ast.IfExp(body=body, orelse=orelse):
            yield "the other branch", partial(_set, body=orelse, orelse=body)
        case ast.Constant(value=int(value)):
            yield "one more", partial(_set, value=value + 1)
            yield "one less", partial(_set, value=value - 1)
        case ast.Name(id="max"):
            yield "becomes min", partial(_set, id="min")
        case ast.Return(value=ast.Call(func=ast.Name(id="replace"), args=[unchanged])):
            yield "changes nothing", partial(_set, value=unchanged)


def _set(node: ast.AST, **fields: object) -> None:
    for name, value in fields.items():
        setattr(node, name, value)
