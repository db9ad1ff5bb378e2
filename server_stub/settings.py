"""The table of all settings of a server.

Options of commands, variables, members of the configuration file, `--help` and docs/developers/settings.md follow from
`Settings`; `settings_sources` reads them. This module imports nothing that takes long to load: a wrong setting
is reported before anything heavy is imported.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from ipaddress import ip_address
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork
from pydantic.fields import FieldInfo

from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.attestation.deviations import DeviationTreatment
from server_stub.policies import DEFAULT
from server_stub.reference_data.status_list import DAY, WhenUnusable
from server_stub.signing import Algorithm

PREFIX: Final = "ACTIVATION_SERVER_"
"""Of the variables of all settings: `ACTIVATION_SERVER_PORT=8443`."""

PUBLIC_SEED: Final = "2021"
"""The default seed. Its keys are public: they derive from it."""

KEEP_DAYS: Final = 184
"""Six months: so long may a person complain about a decision (Regulation (EU) 2022/2065, article 20(1))."""

KEEP_DAYS_MAX: Final = 36_500

WORKERS_MAX: Final = 64

_PASSWORD: Final = re.compile(r"://[^/@]*:[^/]*@|[?&]password=")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_LIMITS: Final = ServerLimits()
T = TypeVar("T")


class Group(StrEnum):
    """Headings of the table."""

    ADDRESS = "Address and TLS"
    RECORDS = "Records and keys"
    JUDGEMENT = "Judgement"
    RATES = "Rates (30/minute or 5 per 2 hour; off removes one)"
    LIMITS = "Time-outs in seconds, and connections"


class Reload(Enum):
    """Marks a setting that a running server can change."""

    AT_RUN_TIME = auto()


@dataclass(frozen=True, slots=True)
class IsPath:
    """Marks a text that is the path of a file if `of` says so."""

    of: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class IsSecret:
    """Marks a text that is not shown, and that others must not be able to read in the file, if `of` says so."""

    of: Callable[[str], bool]


def _check_rate(text: str) -> str:
    read_rate(text)
    return text


def _check_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(f"{text!r} is not a host; write verdict.example or [::1], without scheme and port")
    return text


RELOAD: Final = Reload.AT_RUN_TIME
Rate = Annotated[str, AfterValidator(_check_rate), Group.RATES, RELOAD]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False), Group.LIMITS, RELOAD]
Connections = Annotated[int, Field(ge=1, le=100_000), Group.LIMITS, RELOAD]
HostName = Annotated[str, AfterValidator(_check_host)]


def _field(default: T, description: str) -> T:
    field: T = Field(default, description=description)
    return field


class Settings(BaseModel):
    """Settings of one server, each with its type, its bounds, its group and its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Group.ADDRESS] = _field("127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: Annotated[int, Field(ge=0, le=65535), Group.ADDRESS] = _field(
        8021, "Port to listen on; 0 selects a free one."
    )
    tls_cert: Annotated[Path | None, Group.ADDRESS, RELOAD] = _field(
        None, "Certificate for HTTPS in PEM, followed by those of its issuers."
    )
    tls_key: Annotated[Path | None, Group.ADDRESS, RELOAD] = _field(
        None, "Private key of that certificate in PEM; others must not be able to read it."
    )
    hosts: Annotated[tuple[HostName, ...], Group.ADDRESS, RELOAD] = _field(
        (), "Hosts that are served, without ports: verdict.example,[::1]; by default every host."
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], Group.ADDRESS] = _field(
        (), "Addresses and networks whose X-Forwarded-For is used: 10.0.0.7,fd00::/8."
    )
    database: Annotated[
        str,
        Field(repr=False),
        Group.RECORDS,
        IsPath(lambda text: "://" not in text),
        IsSecret(lambda text: bool(_PASSWORD.search(text))),
    ] = _field("activation.sqlite", "Database of the records: SQLite file, or postgresql://…")
    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX), Group.RECORDS] = _field(
        1, "Processes that serve, with PostgreSQL only."
    )
    keys: Annotated[Path | None, Group.RECORDS] = _field(
        None, "Folder for the roots of the key repository, which images pin; by default next to the database."
    )
    algorithm: Annotated[Algorithm, Group.RECORDS] = _field(
        Algorithm.ED25519, "Signature algorithm of verdicts: Ed25519, ES256 or ML-DSA-65."
    )
    seed: Annotated[str, Field(repr=False), Group.RECORDS, IsSecret(lambda text: text != PUBLIC_SEED)] = (
        _field(PUBLIC_SEED, "Selects the manufacturer's keys; devices need the same seed.")
    )
    allow_public_seed: Annotated[bool, Group.RECORDS] = _field(
        default=False,
        description="Listen on an address that other machines reach although the keys of this seed are public.",
    )
    lab: Annotated[bool, Group.RECORDS] = _field(
        default=False,
        description="Serve /lab/v1 too, for tests of clients: attested keys, and a test clock. Needs a new database.",
    )
    admin_token_file: Annotated[Path | None, Group.RECORDS] = _field(
        None, "File with the admin token, which replaces the one in the database."
    )
    keep_days: Annotated[int, Field(ge=1, le=KEEP_DAYS_MAX), Group.RECORDS] = _field(
        KEEP_DAYS, "Days for which inputs of verdicts and audit entries are kept."
    )
    policy: Annotated[
        str, Group.JUDGEMENT, RELOAD, IsPath(lambda text: "/" in text or text.endswith(".toml"))
    ] = _field(DEFAULT, "Policy: TOML file, or a name of `activation policy list`.")
    source_countries: Annotated[Path | None, Group.JUDGEMENT, RELOAD] = _field(
        None, "Table of the countries of IP addresses."
    )
    attestation_deviations: Annotated[DeviationTreatment, Group.JUDGEMENT, RELOAD] = _field(
        DeviationTreatment.WARN,
        "Treatment of attestations that deviate from their standards: warn or refuse.",
    )
    status_list: Annotated[Path | None, Group.JUDGEMENT, RELOAD] = _field(
        None, "Revocation status list of attestation certificates; read again whenever it changes."
    )
    status_list_max_age: Annotated[int, Field(gt=0, lt=2**31), Group.JUDGEMENT, RELOAD] = _field(
        DAY, "Seconds since the list last changed after which it is too old."
    )
    status_list_unusable: Annotated[WhenUnusable, Group.JUDGEMENT, RELOAD] = _field(
        WhenUnusable.REFUSE,
        "While the list is missing, malformed or too old: refuse answers 503, accept uses the last one.",
    )
    status_list_fetched_at: Annotated[datetime | None, Group.JUDGEMENT, RELOAD] = _field(
        None, "When the list that is there at first was fetched: seconds or ISO 8601, UTC."
    )
    rate_per_address: Rate = _field("3000/minute", "Requests of one address, except for the next two.")
    rate_operations: Rate = _field("600/minute", "Requests of one address for health and metrics.")
    rate_admin: Rate = _field("600/minute", "Requests of one address for the admin API.")
    rate_per_device: Rate = _field("30/minute", "Verdicts of one attested device.")
    rate_unattested: Rate = _field(
        "300/minute", "Evidence of one address that is rejected or attests no device."
    )
    headers_seconds: Seconds = _field(
        _LIMITS.headers_seconds, "From the first byte, or the connection, to the end of the headers."
    )
    body_seconds: Seconds = _field(_LIMITS.body_seconds, "From the headers to the end of the body.")
    idle_seconds: Seconds = _field(_LIMITS.idle_seconds, "Silence on a kept connection.")
    grace_seconds: Seconds = _field(
        _LIMITS.grace_seconds, "To finish accepted requests after SIGTERM or SIGINT."
    )
    connections_max: Connections = _field(_LIMITS.connections_max, "Open connections.")
    connections_per_address: Connections = _field(
        _LIMITS.connections_per_address, "Open connections of one address."
    )

    @property
    def limits(self) -> ServerLimits:
        """The limits with these settings, and defaults for all others."""
        values: dict[str, Any] = {
            name: read_rate(getattr(self, name)) if setting.group is Group.RATES else getattr(self, name)
            for name, setting in TABLE.items()
            if setting.group in (Group.RATES, Group.LIMITS)
        }
        proxies = tuple(map(str, self.trusted_proxies))
        return ServerLimits(**values, trusted_proxies=proxies, hosts=self.hosts)

    @property
    def reachable(self) -> bool:
        """Whether other machines may reach the server. A name other than localhost counts."""
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"


class Kind(StrEnum):
    """What a TOML file must have as the value of a setting."""

    FLAG = "true or false"
    WHOLE = "an integer"
    NUMBER = "a number"
    LIST = "an array of strings"
    TIME = "a time or a string"
    PATH = "the path of a file, a string"
    TEXT = "a string"


_KINDS: Final = {bool: Kind.FLAG, int: Kind.WHOLE, float: Kind.NUMBER, datetime: Kind.TIME, Path: Kind.PATH}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `name` is also the member of the configuration file."""

    name: str
    kind: Kind
    group: Group
    description: str
    default: str
    """As text; empty if there is none."""
    reloads: bool
    is_path: Callable[[str], bool]
    is_secret: Callable[[str], bool]
    words: tuple[str, ...]
    """All values, if there are only a few."""

    @property
    def variable(self) -> str:
        """The name of the environment variable."""
        return PREFIX + self.name.upper()

    @property
    def options(self) -> tuple[str, ...]:
        """The names of the option, the one that messages use first."""
        long = "--" + self.name.replace("_", "-")
        return ("--db", long) if self.name == "database" else (long,)


def _row(name: str, info: FieldInfo) -> Setting:
    annotation: Any = info.annotation
    if get_origin(annotation) is UnionType:
        annotation = get_args(annotation)[0]
    listed = get_origin(annotation) is tuple
    words = annotation if isinstance(annotation, type) and issubclass(annotation, StrEnum) else ()
    marks = {type(mark): mark for mark in info.metadata}
    default = info.default
    return Setting(
        name=name,
        kind=Kind.LIST if listed else _KINDS.get(annotation, Kind.TEXT),
        group=marks[Group],
        description=info.description or "",
        default=""
        if default in (None, (), False)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default),
        reloads=Reload in marks,
        is_path=marks[IsPath].of if IsPath in marks else lambda _: annotation is Path,
        is_secret=marks[IsSecret].of if IsSecret in marks else lambda _: False,
        words=tuple(map(str, words)),
    )


TABLE: Final = {name: _row(name, info) for name, info in Settings.model_fields.items()}
"""All settings by name, in the order of the documentation."""
