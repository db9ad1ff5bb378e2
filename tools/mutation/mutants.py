"""The mutants of a source file."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Final

from tools.mutation.operators import changes

Place = tuple[tuple[str, int | None], ...]
"""The path from the module to a node: field names, with an index where the field is a list."""

_NOT_MUTATED: Final = frozenset({"annotation", "returns", "decorator_list", "type_comment", "ctx"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `function` is the qualified name of the outermost function around it, None outside functions."""

    path: Path
    line: int
    function: str | None
    what: str
    place: Place
    ordinal: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what} #{self.ordinal}"

    def module(self) -> ast.Module:
        """The file's tree with the change made."""
        tree = ast.parse(self.path.read_text())
        node: ast.AST = tree
        for step in self.place[:-1]:
            node = _child(node, step)
        target = _child(node, self.place[-1])
        _, changed = list(changes(target))[self.ordinal]
        changed = ast.copy_location(deepcopy(changed), target)
        name, index = self.place[-1]
        if index is None:
            setattr(node, name, changed)
        else:
            getattr(node, name)[index] = changed
        return ast.fix_missing_locations(tree)

    def code(self) -> CodeType:
        """The whole module, compiled."""
        return compile(self.module(), str(self.path.resolve()), "exec")

    def function_code(self) -> CodeType:
        """The function that holds the change, compiled."""
        return next(code for code in _nested(self.code()) if code.co_qualname == self.function)


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of `path`, in source order."""
    yield from _below(path, ast.parse(path.read_text()), (), (), None)


def _below(
    path: Path, node: ast.AST, place: Place, names: tuple[str, ...], function: str | None
) -> Iterator[Mutant]:
    for step, child in _children(node):
        inner, here = names, function
        if isinstance(child, ast.ClassDef):
            inner = (*names, child.name)
        if isinstance(node, ast.FunctionDef) and step[0] == "body" and function is None:
            here = ".".join(names)
        if isinstance(child, ast.FunctionDef) and function is None:
            inner = (*names, child.name)
        for ordinal, (what, _) in enumerate(changes(child)):
            yield Mutant(path, getattr(child, "lineno", 0), here, what, (*place, step), ordinal)
        yield from _below(path, child, (*place, step), inner, here)


def _children(node: ast.AST) -> Iterator[tuple[tuple[str, int | None], ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in _NOT_MUTATED:
            continue
        if isinstance(value, list):
            for index, each in enumerate(value):
                is_docstring = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
                is_import = isinstance(each, (ast.Import, ast.ImportFrom))
                if isinstance(each, ast.AST) and not is_docstring and not is_import:
                    yield (name, index), each
        elif isinstance(value, ast.AST):
            yield (name, None), value


def _child(node: ast.AST, step: tuple[str, int | None]) -> ast.AST:
    name, index = step
    value = getattr(node, name)
    found = value if index is None else value[index]
    if not isinstance(found, ast.AST):
        raise TypeError(f"no node at {name}")
    return found


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)
