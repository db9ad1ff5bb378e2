"""Defects for the exploration to find, generated from the tables, the effect order and the sealing rule."""

import ast
import copy
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from agent import sealing
from agent.core.effects import EffectKind
from agent.core.events import EventKind
from agent.core.states import Attention, Exchange, Lock, Setup, State
from agent.core.table import MACHINES, Guard, Machine, Pair, Rejection, Transition
from agent.core.timing import Context
from lab.model_check.variant import COUNT, WRITE, AgentVariant, Recover


class Site(StrEnum):
    """Where a defect is planted."""

    TABLE = "table"
    ORDER = "effect order"
    PERSIST = "persist"
    SEALING = "sealing rule"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect. `id` names it as long as the tables stand; `concerns` is the pair that it changes, if it is one."""

    id: str
    site: Site
    plan: AgentVariant
    machine: str = ""
    concerns: Pair | None = None


def all_mutants() -> tuple[Mutant, ...]:
    """Every defect that the generators below can think of, in a fixed order."""
    return (*_tables(), *_orders(), *_persists(), *_sealings())


# --- tables -----------------------------------------------------------------------------------------------------------


def _tables() -> Iterator[Mutant]:
    for index, machine in enumerate(MACHINES):
        for pair, rows in machine.rows.items():
            for number, row in enumerate(rows):
                yield from _rows(index, pair, number, row)
        for pair in machine.rejects:
            if pair not in machine.rows:
                yield from _moves(index, pair)


def _rows(index: int, pair: Pair, number: int, row: Transition) -> Iterator[Mutant]:
    machine = MACHINES[index]
    rows = machine.rows[pair]

    def planted(what: str, *changed: Transition) -> Mutant:
        left = (*rows[:number], *changed, *rows[number + 1 :])
        return _planted(index, pair, f"row {number + 1} {what}", left)

    yield planted("dropped")
    for target in machine.states:
        if target != row.target:
            yield planted(f"leads to {target}", Transition(_state(target), row.do, row.guard))
    for do in row.do:
        yield planted(f"lacks {do}", replace(row, do=tuple(d for d in row.do if d is not do)))
    if row.guard is not None:
        yield planted("unguarded", replace(row, guard=None))
        yield planted("guarded by the contrary", replace(row, guard=_contrary(row.guard)))


def _moves(index: int, pair: Pair) -> Iterator[Mutant]:
    for target in MACHINES[index].states:
        yield _planted(
            index, pair, f"leads to {target} instead of being refused", (Transition(_state(target)),)
        )


def _state(target: StrEnum) -> Setup | Exchange | Lock | Attention:
    """A state of one of the machines, which is what `Machine.states` holds."""
    if isinstance(target, Setup | Exchange | Lock | Attention):
        return target
    raise TypeError(f"{target!r} is a state of no machine")


def _contrary(guard: Guard) -> Guard:
    def contrary(state: State, context: Context) -> bool:
        return not guard(state, context)

    return contrary


def _planted(index: int, pair: Pair, what: str, rows: tuple[Transition, ...]) -> Mutant:
    machine = MACHINES[index]
    changed: dict[Pair, tuple[Transition, ...]] = {**machine.rows, pair: rows}
    rejects: Mapping[Pair, Rejection] = {pair: Rejection.NOT_DUE, **machine.rejects}
    mutated: Machine = replace(machine, rows=changed, rejects=rejects)
    machines = (*MACHINES[:index], mutated, *MACHINES[index + 1 :])
    state, kind = pair
    name = f"{machine.name}: {state}, {kind}: {what}"
    return Mutant(name, Site.TABLE, AgentVariant(machines=machines), machine.name, pair)


def kind_of(mutant: Mutant) -> EventKind | None:
    """The kind of event that a mutant of a table concerns."""
    return mutant.concerns[1] if mutant.concerns else None


# --- effects ----------------------------------------------------------------------------------------------------------


def _orders() -> Iterator[Mutant]:
    for one, other in itertools.combinations(EffectKind, 2):
        swapped = {one: other, other: one}
        order = tuple(swapped.get(do, do) for do in EffectKind)
        yield Mutant(f"effect order: {one} and {other} swapped", Site.ORDER, AgentVariant(order=order))


def _persists() -> Iterator[Mutant]:
    for parts in ((COUNT, WRITE), (WRITE,), (COUNT,), (), (WRITE, COUNT, COUNT)):
        told = ", then ".join(parts) or "nothing"
        yield Mutant(f"persist: {told}", Site.PERSIST, AgentVariant(persist=parts))


# --- the sealing rule -------------------------------------------------------------------------------------------------

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Eq: (ast.NotEq, ast.GtE),
    ast.Is: (ast.IsNot,),
}
_RULE: Final = ("recover", "_go_on")


def _sealings() -> Iterator[Mutant]:
    for function in _RULE:
        tree = ast.parse(inspect.getsource(getattr(sealing, function)))
        for number, node in enumerate(ast.walk(tree)):
            for what, change in _changes(node):
                mutated = copy.deepcopy(tree)
                change(next(itertools.islice(ast.walk(mutated), number, None)))
                line = getattr(node, "lineno", 0)
                name = f"sealing: {function}, line {line}: {ast.unparse(node).splitlines()[0]}: {what}"
                yield Mutant(name, Site.SEALING, AgentVariant(recover=_compiled(mutated)))


Edit = Callable[[Any], None]


def _changes(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    """What can be done to one node of the rule."""
    match node:
        case ast.Compare(ops=[op]):
            for other in _COMPARISONS.get(type(op), ()):
                yield f"{type(op).__name__} becomes {other.__name__}", _comparing(other)
        case ast.If():
            yield "never taken", _never
        case ast.IfExp():
            yield "the other branch", _other_branch
        case ast.Constant(value=int()):
            yield "one more", _adding(1)
            yield "one less", _adding(-1)
        case ast.Name(id="max"):
            yield "becomes min", _minimum


def _comparing(other: type[ast.cmpop]) -> Edit:
    def edit(node: ast.Compare) -> None:
        node.ops = [other()]

    return edit


def _never(node: ast.If) -> None:
    node.test = ast.copy_location(ast.Constant(value=False), node.test)


def _other_branch(node: ast.IfExp) -> None:
    node.body, node.orelse = node.orelse, node.body


def _adding(amount: int) -> Edit:
    def edit(node: ast.Constant) -> None:
        if isinstance(node.value, int):
            node.value += amount

    return edit


def _minimum(node: ast.Name) -> None:
    node.id = "min"


def _compiled(tree: ast.Module) -> Recover:
    """The rule with one function of it replaced, in a namespace of its own."""
    namespace: dict[str, Any] = dict(vars(sealing))
    for function in _RULE:
        source = ast.parse(inspect.getsource(getattr(sealing, function)))
        exec(compile(source, "sealing", "exec"), namespace)  # noqa: S102 - the project's own source, one node changed
    exec(compile(ast.fix_missing_locations(tree), "mutant", "exec"), namespace)  # noqa: S102 - as above
    rule: Recover = namespace["recover"]
    return rule
