"""Settings from options, environment variables and a TOML file. An option precedes a variable, and a variable the file.

Every problem is reported with the place where the value was set: an option, a variable, or a line of the file. Nothing
that is not a setting is ignored, except variables that orchestrators inject for a service called `activation-server`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from server_stub.settings import PREFIX, PUBLIC_SEED, TABLE, Kind, Setting, Settings
from text_input.files import (
    UnusableFileError,
    UserInputError,
    may_be_read_by_others,
    read_text,
)
from text_input.model_errors import TOML, advice
from text_input.printable import shortened
from text_input.suggestions import suggestion
from text_input.toml import FILE_MAX, TomlError, TomlPositions, parse_toml

CONFIG_OPTION: Final = "--config"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"

_LINK: Final = re.compile(r"_SERVICE_|_PORT_")
_LINK_URL: Final = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_GIVE: Final = "give a value, or remove it"
_EMPTY: Final = {
    "host": "name an address, such as 127.0.0.1, or 0.0.0.0 for all",
    "database": "name a file, or postgresql://user:password@host/name",
}

_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.FLAG: (bool,),
    Kind.WHOLE: (int,),
    Kind.NUMBER: (int, float),
    Kind.LIST: (list,),
    Kind.TIME: (str, int, datetime),
    Kind.PATH: (str,),
    Kind.TEXT: (str,),
}


OptionValue = Sequence[str] | bool
"""The texts that were given for an option, or a flag."""


class SettingsError(UserInputError, ValueError):
    """Settings cannot be used. The message has a line for each problem, with its place."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A value as it was written, and where: `--port`, `ACTIVATION_SERVER_PORT` or `server.toml:3: port`.

    `folder` is what relative paths are relative to, None for the current folder.
    """

    written: Any = field(repr=False)
    place: str
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, where each was set, and the names of variables of other programs that were ignored."""

    settings: Settings = field(default_factory=Settings)
    values: Mapping[str, SettingValue] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    sources: tuple[Mapping[str, OptionValue], Mapping[str, str], str | None] = field(
        default=({}, {}, None), repr=False
    )
    """The options, the variables and the file: the arguments of `read_settings`."""

    def read_again(self) -> "LoadedSettings":
        """The settings as they are now: the file may have changed. Raises SettingsError."""
        return read_settings(*self.sources)

    def place(self, name: str) -> str:
        """Where the setting called `name` was set; its option if it has its default."""
        return self.values[name].place if name in self.values else TABLE[name].options[0]

    def error(self, name: str, problem: object) -> SettingsError:
        """The error for a setting whose value cannot be used because of `problem`."""
        return SettingsError(f"{self.place(name)}: {problem}")


def read_settings(
    options: Mapping[str, OptionValue], environment: Mapping[str, str], config: str | None = None
) -> LoadedSettings:
    """The settings from `options` by name, from `environment`, and from the file `config`.

    Without `config`, the variable `ACTIVATION_SERVER_CONFIG` may name the file. Raises SettingsError.
    """
    variables, ignored = _variables(environment)
    file = SettingValue(config, CONFIG_OPTION) if config is not None else variables.pop(CONFIG_VARIABLE, None)
    values = _file_values(_path(_cleaned(file), file), file.place) if file else {}
    values |= {
        setting.name: variables[setting.variable]
        for setting in TABLE.values()
        if setting.variable in variables
    }
    values |= {name: _option_value(TABLE[name], given) for name, given in options.items()}
    problems, read, settings = [], {}, None
    for name, value in values.items():
        try:
            read[name] = _value_of(TABLE[name], value)
        except SettingsError as error:
            problems.append(str(error))
    try:
        settings = Settings.model_validate(read)
    except ValidationError as error:
        problems += [shortened(_described(each, values)) for each in error.errors(include_url=False)]
    if settings is None or problems:
        raise SettingsError("\n".join(problems))
    loaded = LoadedSettings(settings, values, ignored, (options, dict(environment), config))
    _check_combinations(loaded)
    return loaded


def _variables(environment: Mapping[str, str]) -> tuple[dict[str, SettingValue], tuple[str, ...]]:
    """The variables of settings, and the names of link variables. Raises SettingsError for any other with the prefix.

    Orchestrators describe a service called `activation-server` to all containers: `ACTIVATION_SERVER_SERVICE_HOST`,
    `ACTIVATION_SERVER_PORT_80_TCP_ADDR`, and `ACTIVATION_SERVER_PORT=tcp://10.0.0.1:80`.
    """
    known = {CONFIG_VARIABLE, *(setting.variable for setting in TABLE.values())}
    found, ignored, problems = {}, [], []
    for name, text in environment.items():
        if not name.upper().startswith(PREFIX):
            continue
        if name.endswith("_PORT") and _LINK_URL.match(text):
            ignored.append(name)
        elif name in known:
            found[name] = SettingValue(text, name)
        elif _LINK.search(name):
            ignored.append(name)
        else:
            near = suggestion(name.upper(), known, "see `activation serve --help`")
            problems.append(f"{name}: this variable is no setting; {near}")
    if problems:
        raise SettingsError("\n".join(problems))
    return found, tuple(sorted(ignored))


def _file_values(file: Path, place: str) -> dict[str, SettingValue]:
    """The members of a configuration file, which `place` names.

    Raises SettingsError if it cannot be used or others can read a secret.
    """
    try:
        text = read_text(file, FILE_MAX)
        document = parse_toml(text)
    except UnusableFileError as error:
        raise SettingsError(f"{place}: {error}") from error
    except TomlError as error:
        raise SettingsError(f"{file}:{error.line}: {error.detail}") from error
    lines = TomlPositions(text)
    places = {name: f"{file}:{lines.line_of((name,))}: {name}" for name in document}
    problems = [
        f"{places[name]}: this is no setting; {suggestion(name, TABLE, 'see docs/developers/settings.md')}"
        for name in document
        if name not in TABLE
    ]
    if problems:
        raise SettingsError("\n".join(problems))
    for name, value in document.items():
        if isinstance(value, str) and TABLE[name].is_secret(value) and may_be_read_by_others(file):
            raise SettingsError(f"{places[name]}: others can read this secret; run chmod 600 {file}")
    return {name: SettingValue(value, places[name], file.parent) for name, value in document.items()}


def _option_value(setting: Setting, given: OptionValue) -> SettingValue:
    place = setting.options[0]
    if isinstance(given, bool):
        return SettingValue(given, place)
    return SettingValue(",".join(given) if setting.kind is Kind.LIST else given[-1], place)


def _value_of(setting: Setting, value: SettingValue) -> Any:
    """The value to validate. Raises SettingsError if it has the wrong type or is empty."""
    written = value.written
    if value.folder is not None:  # from the file
        types = _TYPES[setting.kind]
        if not isinstance(written, types) or (isinstance(written, bool) and bool not in types):
            raise SettingsError(f"{value.place}: write {setting.kind}")
        if isinstance(written, list):
            return [_cleaned(SettingValue(each, value.place)) for each in written]
    elif setting.kind is Kind.LIST:
        return [each.strip() for each in written.split(",") if each.strip()]
    if not isinstance(written, str):
        return written
    text = _cleaned(value, _EMPTY.get(setting.name, _GIVE))
    return str(_path(text, value)) if setting.is_path(text) else text


def _path(text: str, value: SettingValue) -> Path:
    try:
        return (value.folder or Path()) / Path(text).expanduser()
    except RuntimeError:
        raise SettingsError(f"{value.place}: {text} names the home of a user that does not exist") from None


def _cleaned(value: SettingValue, advice: str = _GIVE) -> str:
    """The text without spaces around it: secrets that are mounted as files end with a line feed."""
    if not isinstance(value.written, str):
        raise SettingsError(f"{value.place}: write {Kind.LIST}")
    text = value.written.strip()
    if not text:
        raise SettingsError(f"{value.place} is empty; {advice}")
    if _CONTROL.search(text):
        raise SettingsError(f"{value.place}: the value has a control character or is not UTF-8")
    return text


def _described(error: ErrorDetails, values: Mapping[str, SettingValue]) -> str:
    """One line for an error of the model."""
    setting = TABLE[str(error["loc"][0])]
    value = values[setting.name]
    written = value.written
    if setting.words:
        noun = "value" if "_" in setting.name else setting.name
        return f"{value.place}: no {noun} is called {written!r}; {suggestion(str(written), setting.words)}"
    if error["type"] == "value_error":
        return f"{value.place}: {error['ctx']['error']}"
    return f"{value.place}: {written!r} cannot be used: {advice(error, TOML)}"


def _check_combinations(loaded: LoadedSettings) -> None:
    settings = loaded.settings
    for name, missing in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if getattr(settings, name) and not getattr(settings, missing):
            raise loaded.error(name, f"set {TABLE[missing].options[0]} ({TABLE[missing].variable}) too")
    if settings.lab and settings.reachable and settings.admin_token_file is None:
        raise loaded.error(
            "host",
            f"--lab gives evidence for every device, and {settings.host} is an address that other machines may reach; "
            f"set a token of your own with {TABLE['admin_token_file'].options[0]}",
        )
    if settings.reachable and settings.seed == PUBLIC_SEED and not settings.allow_public_seed:
        raise loaded.error(
            "host",
            f"the verdict keys of --seed {settings.seed} are public, and {settings.host} is an address that other "
            f"machines may reach; choose another --seed, or add --allow-public-seed ({TABLE['seed'].variable}, "
            f"{TABLE['allow_public_seed'].variable})",
        )
