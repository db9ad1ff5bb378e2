"""Limits of a server from environment variables."""

from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, StringConstraints
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server_stub.api.limits.settings import ServerLimits, read_rate

_DEFAULT: Final = ServerLimits()


def _check_rate(text: str) -> str:
    read_rate(text)
    return text


def _split_list(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


Rate = Annotated[str, AfterValidator(_check_rate)]
Host = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class LoadSettings(BaseSettings):
    """The limits that operators set by environment variables: `ACTIVATION_SERVER_RATE_PER_DEVICE=off`.

    `trusted_proxies` are addresses or networks, separated by commas: `10.0.0.7,fd00::/8`. `hosts` are the hosts that
    the server serves, without ports: `verdict.example,[::1]`.
    """

    model_config = SettingsConfigDict(env_prefix="ACTIVATION_SERVER_", frozen=True, extra="forbid")

    rate_per_address: Rate = "3000/minute"
    rate_operations: Rate = "600/minute"
    rate_admin: Rate = "600/minute"
    rate_per_device: Rate = "30/minute"
    rate_unattested: Rate = "300/minute"
    headers_seconds: Seconds = _DEFAULT.headers_seconds
    body_seconds: Seconds = _DEFAULT.body_seconds
    idle_seconds: Seconds = _DEFAULT.idle_seconds
    grace_seconds: Seconds = _DEFAULT.grace_seconds
    connections_max: Annotated[int, Field(ge=1, le=100_000)] = _DEFAULT.connections_max
    connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = _DEFAULT.connections_per_address
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split_list)] = ()
    hosts: Annotated[tuple[Host, ...], NoDecode, BeforeValidator(_split_list)] = ()

    @property
    def limits(self) -> ServerLimits:
        """The limits with these settings, and defaults for all others."""
        return ServerLimits(
            headers_seconds=self.headers_seconds,
            body_seconds=self.body_seconds,
            idle_seconds=self.idle_seconds,
            grace_seconds=self.grace_seconds,
            connections_max=self.connections_max,
            connections_per_address=self.connections_per_address,
            rate_per_address=read_rate(self.rate_per_address),
            rate_operations=read_rate(self.rate_operations),
            rate_admin=read_rate(self.rate_admin),
            rate_per_device=read_rate(self.rate_per_device),
            rate_unattested=read_rate(self.rate_unattested),
            trusted_proxies=tuple(map(str, self.trusted_proxies)),
            hosts=self.hosts,
        )
