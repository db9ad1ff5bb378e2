"""Options that follow from the table of a server's settings."""

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import typer
from typer._click.core import Context
from typer._click.formatting import HelpFormatter
from typer.core import TyperCommand

from lab.cli.lazy import deferred
from lab.cli.options import Command, option, with_parameters
from server_stub.settings import TABLE, Kind, Setting
from server_stub.settings_sources import CONFIG_OPTION, CONFIG_VARIABLE, read_settings

with deferred():
    from server_stub import configuration

_METAVARS: Final = {
    Kind.WHOLE: "<int>",
    Kind.NUMBER: "<float>",
    Kind.LIST: "<list>",
    Kind.TIME: "<time>",
    Kind.PATH: "<path>",
    Kind.TEXT: "<str>",
}
_CONFIG: Final = option(
    "config",
    Annotated[
        str | None,
        typer.Option(
            CONFIG_OPTION,
            metavar="<path>",
            help=f"TOML file of settings: port = 8443. [env var: {CONFIG_VARIABLE}]",
        ),
    ],
    None,
)


def with_settings(names: Iterable[str] = TABLE) -> Callable[[Command], Command]:
    """Give a command an option for each of these settings, and `--config`.

    The command gets the `Configuration` as its first argument. A setting that cannot be used ends it with an error.
    """
    settings = [TABLE[name] for name in names]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**arguments: Any) -> None:
            given = {setting.name: arguments.pop(setting.name) for setting in settings}
            options = {name: value for name, value in given.items() if value not in (None, [])}
            loaded = read_settings(options, os.environ, arguments.pop("config"))
            command(configuration.Configuration.load(loaded), **arguments)

        own = list(inspect.signature(command).parameters.values())[1:]
        return with_parameters(run, [*own, _CONFIG, *map(_parameter, settings)])

    return decorate


def _parameter(setting: Setting) -> inspect.Parameter:
    """The parameter of an option, which accepts any text: `read_settings` validates it."""
    default = f"; default: {setting.default}" if setting.default else ""
    names, metavar = setting.options, _METAVARS.get(setting.kind)
    kind: Any = list[str] | None
    if setting.kind is Kind.FLAG:
        names, kind = (f"{names[0]}/--no-{names[0][2:]}",), bool | None
    help_ = f"{setting.description} [env var: {setting.variable}{default}]"
    declared = typer.Option(*names, metavar=metavar, rich_help_panel=setting.group, help=help_)
    return option(setting.name, Annotated[kind, declared], None)


class SettingsCommand(TyperCommand):
    """A command whose help lists options under the heading of their group."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the options of this command."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for each in self.get_params(ctx):
            if record := each.get_help_record(ctx):
                sections.setdefault(getattr(each, "rich_help_panel", None) or "Options", []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
