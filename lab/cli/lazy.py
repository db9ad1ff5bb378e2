"""Fast start: a command is imported when it is called, and a heavy module when it is first used.

`LazyGroup` knows its commands by name, so that `--help` and shell completion import none of them. A file of commands
imports the modules that take long to load in a `with deferred():` block. They load when one of their attributes is
read, so a wrong argument is reported before that. Such a block has statements `from package import module` only:
`from module import name` reads an attribute and would load the module immediately.
"""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

Entry = tuple[str, str] | TyperGroup
"""Where a command is defined (`module:function`, or `module:app` for a group), and its line in its group's help."""


class LazyGroup(TyperGroup):
    """A group of commands, each of which is imported when it is called or asked for its help."""

    def __init__(self, entries: Mapping[str, Entry], *, example: str = "", **attributes: Any) -> None:
        attributes.setdefault("epilog", f"Example: {example}")
        attributes.update(rich_markup_mode=None, no_args_is_help=True)
        super().__init__(**attributes)
        self._targets: dict[str, str] = {}
        for name, entry in entries.items():
            if isinstance(entry, TyperGroup):
                self.add_command(entry, name)
            else:
                self._targets[name], line = entry
                self.add_command(TyperCommand(name, help=line))

    def targets(self) -> list[str]:
        """Where the commands of this group and of its groups are defined, as `module:attribute`."""
        groups = [each for each in self.commands.values() if isinstance(each, LazyGroup)]
        return [*self._targets.values(), *(target for group in groups for target in group.targets())]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The name of the command that `args` begin with, the command itself, and the other arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in self._targets:
            return name, command, rest
        module, _, attribute = self._targets[name].partition(":")
        target = getattr(import_module(module), attribute)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if not isinstance(target, typer.Typer):
            function, target = target, typer.Typer(rich_markup_mode=None, add_completion=False)
            target.command(name)(function)
        return name, typer.main.get_command(target), rest


@contextmanager
def deferred(*, enabled: bool = True) -> Iterator[None]:
    """What the block imports is loaded at its first use."""
    before, _FINDER.enabled = _FINDER.enabled, enabled
    try:
        yield
    finally:
        _FINDER.enabled = before


class _Finder(MetaPathFinder):
    enabled = False

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if target is None and name in sys.modules:
            return ModuleSpec(name, _Present(sys.modules[name]))
        spec = PathFinder.find_spec(name, path, target) if self.enabled else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = LazyLoader(_SourceLoader(name, spec.loader.path))
        return spec


class _Present(Loader):
    """Gives a module that its package has imported when it was loaded, which was after the import of the module began.

    Otherwise the import system would make a second module.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - the base class has it
        """The module that is there."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own specification again."""
        module.__spec__ = self._spec


class _SourceLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Load the module. SIGINT waits for the end: half a module would stay, and the next use of it would fail."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with deferred(enabled=False):  # imports of the module itself are not deferred
                super().exec_module(module)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


_FINDER: Final = _Finder()
sys.meta_path.insert(0, _FINDER)
