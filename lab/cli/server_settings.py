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

from lab.cli import output
from lab.cli.lazy import deferred
from server_stub.settings import TABLE, Kind, Setting
from server_stub.settings_sources import CONFIG_OPTION, CONFIG_VARIABLE, SettingsError, read_settings

with deferred():
    from server_stub import configuration

Command = Callable[..., None]

_METAVARS: Final = {
    Kind.WHOLE: "<int>",
    Kind.NUMBER: "<float>",
    Kind.LIST: "<list>",
    Kind.TIME: "<time>",
    Kind.PATH: "<path>",
    Kind.TEXT: "<str>",
}
_CONFIG: Final = inspect.Parameter(
    "config",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Option(
            CONFIG_OPTION,
            metavar="<path>",
            help=f"TOML file of settings: port = 8443. [env var: {CONFIG_VARIABLE}]",
        ),
    ],
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
            try:
                loaded = read_settings(options, os.environ, arguments.pop("config"))
                configured = configuration.Configuration.load(loaded)
            except SettingsError as error:
                output.exit_with_error(str(error))
            command(configured, **arguments)

        own = list(inspect.signature(command).parameters.values())[1:]
        parameters = [*own, _CONFIG, *map(_parameter, settings)]
        vars(run)["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _parameter(setting: Setting) -> inspect.Parameter:
    """The parameter of an option, which accepts any text: `read_settings` validates it."""
    default = f"; default: {setting.default}" if setting.default else ""
    names, metavar = setting.options, _METAVARS.get(setting.kind)
    kind: Any = list[str] | None
    if setting.kind is Kind.FLAG:
        names, kind = (f"{names[0]}/--no-{names[0][2:]}",), bool | None
    option = typer.Option(
        *names,
        metavar=metavar,
        rich_help_panel=setting.group,
        help=f"{setting.description} [env var: {setting.variable}{default}]",
    )
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


class SettingsCommand(TyperCommand):
    """A command whose help lists options under the heading of their group."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the options of this command."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for option in self.get_params(ctx):
            if record := option.get_help_record(ctx):
                sections.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
