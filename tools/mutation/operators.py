"""The mutation operators: small syntactic changes of one node.

Strings with a space are not changed: they are prose, and no test should depend on them.
"""

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Final, TypeVar

T = TypeVar("T")

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}

Change = tuple[str, ast.AST]
"""The name of the change, and the new node."""


def changes(node: ast.AST) -> Iterator[Change]:
    """All changes of this node, without those of its children."""
    yield from _of_statements(node)
    yield from _of_expressions(node)


def _of_statements(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            yield "condition never holds", _with(node, test=ast.Constant(value=False))
            if not isinstance(node, ast.While):
                yield "condition always holds", _with(node, test=ast.Constant(value=True))
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "returns None", _with(node, value=ast.Constant(None))
        case ast.Raise() | ast.Expr() | ast.Break() | ast.Continue() | ast.Assert():
            yield "statement removed", ast.Pass()
        case ast.comprehension():
            for index in range(len(node.ifs)):
                yield "filter dropped", _with(node, ifs=_without(node.ifs, index))
        case _:
            return


def _of_expressions(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            yield from _comparison(node)
        case ast.BoolOp():
            yield from _connective(node)
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
            yield "operator dropped", node.operand
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _ARITHMETIC:
            yield "operator swapped", _with(node, op=_ARITHMETIC[type(node.op)]())
        case ast.Constant():
            yield from _constant(node)
        case ast.Call():
            yield from _arguments(node)
        case ast.Set() | ast.List() | ast.Tuple(ctx=ast.Load()) | ast.Dict():
            yield from _fewer(node)
        case _:
            return


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _without(items: Sequence[T], index: int) -> list[T]:
    return [*items[:index], *items[index + 1 :]]


def _comparison(node: ast.Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            yield f"{type(operator).__name__} to {other.__name__}", _with(node, ops=ops)


def _connective(node: ast.BoolOp) -> Iterator[Change]:
    yield "and/or swapped", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        left = _without(node.values, index)
        yield f"operand {index} dropped", left[0] if len(left) == 1 else _with(node, values=left)


def _constant(node: ast.Constant) -> Iterator[Change]:
    match node.value:
        case bool(value):
            yield "truth inverted", ast.Constant(not value)
        case int(value):
            yield "one more", ast.Constant(value + 1)
        case str(value) if " " not in value:
            yield "text changed", ast.Constant(value + "X")
        case bytes(value):
            yield "bytes changed", ast.Constant(value + b"X")
        case _:
            return


def _arguments(node: ast.Call) -> Iterator[Change]:
    for index, argument in enumerate(node.args):
        if not _is_none(argument) and not isinstance(argument, ast.Starred):
            args = [*node.args[:index], ast.Constant(None), *node.args[index + 1 :]]
            yield f"argument {index} None", _with(node, args=args)
    for index, keyword in enumerate(node.keywords):
        keywords = _without(node.keywords, index)
        yield f"argument {keyword.arg} dropped", _with(node, keywords=keywords)


def _fewer(node: ast.Set | ast.List | ast.Tuple | ast.Dict) -> Iterator[Change]:
    if isinstance(node, ast.Dict):
        for index in range(len(node.keys)):
            keys, values = _without(node.keys, index), _without(node.values, index)
            yield f"entry {index} dropped", _with(node, keys=keys, values=values)
        return
    for index in range(len(node.elts)):
        left = _without(node.elts, index)
        if left or not isinstance(node, ast.Set):  # a set display cannot be empty
            yield f"element {index} dropped", _with(node, elts=left)
