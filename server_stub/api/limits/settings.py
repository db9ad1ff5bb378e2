"""Limits of a server: sizes, time-outs, numbers of connections, and rates."""

from dataclasses import dataclass
from typing import Annotated, Final

from limits import RateLimitItem, parse
from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from wire.limits import BODY_MAX

OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Limits of one server process. Sizes are bytes, times are seconds.

    `headers_seconds` is the time from the first byte of a request, or from the connection, to the end of its headers;
    `body_seconds` the time for its body; `idle_seconds` how long a kept connection may be silent; `linger_seconds` how
    long a client may continue to send a refused request; `write_seconds` how long a client may read nothing of its
    response; `grace_seconds` how long a server that stops finishes accepted requests. `judging_max` is the number of
    requests that may wait for their verdict. Rates are those of the library `limits`, None for no limit; `rate_memory`
    bounds how many requests are stored to compute rates, for all addresses and for all devices together.
    The server uses the `X-Forwarded-For` header of `trusted_proxies` only.
    """

    body_max: int = BODY_MAX
    headers_max: int = 16 * 1024
    headers_seconds: float = 10
    body_seconds: float = 20
    idle_seconds: float = 15
    linger_seconds: float = 2
    write_seconds: float = 20
    grace_seconds: float = 10
    connections_max: int = 1000
    connections_per_address: int = 500
    judging_max: int = 256
    rate_per_address: RateLimitItem | None = None
    rate_per_device: RateLimitItem | None = None
    rate_memory: int = 200_000
    trusted_proxies: tuple[str, ...] = ()


_DEFAULT: Final = ServerLimits()


def read_rate(text: str) -> RateLimitItem | None:
    """A rate such as `30/minute`, None for `off`. Raises ValueError.

    >>> read_rate("30/minute").amount
    30
    """
    if text == OFF:
        return None
    try:
        rate = parse(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a rate; write 30/minute, for example, or {OFF}") from None
    if rate.amount < 1:
        raise ValueError(f"{text!r} would reject every request; write 1 or more, or {OFF}")
    return rate


def _check_rate(text: str) -> str:
    read_rate(text)
    return text


def _split_list(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


Rate = Annotated[str, AfterValidator(_check_rate)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class LoadSettings(BaseSettings):
    """The limits that operators set by environment variables: `ACTIVATION_SERVER_RATE_PER_DEVICE=off`.

    `trusted_proxies` are addresses or networks, separated by commas: `10.0.0.7,fd00::/8`.
    """

    model_config = SettingsConfigDict(env_prefix="ACTIVATION_SERVER_", frozen=True, extra="forbid")

    rate_per_address: Rate = "3000/minute"
    rate_per_device: Rate = "30/minute"
    headers_seconds: Seconds = _DEFAULT.headers_seconds
    body_seconds: Seconds = _DEFAULT.body_seconds
    idle_seconds: Seconds = _DEFAULT.idle_seconds
    grace_seconds: Seconds = _DEFAULT.grace_seconds
    connections_max: Annotated[int, Field(ge=1, le=100_000)] = _DEFAULT.connections_max
    connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = _DEFAULT.connections_per_address
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_split_list)] = ()

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
            rate_per_device=read_rate(self.rate_per_device),
            trusted_proxies=tuple(map(str, self.trusted_proxies)),
        )
