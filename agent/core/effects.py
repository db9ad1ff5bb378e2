"""The effects of a transition. Their order is part of the contract: persist before show, show before send."""

from dataclasses import dataclass
from enum import StrEnum

from agent.core.screens import ScreenFacts, ScreenId


class EffectKind(StrEnum):
    """The effects as named in the tables, in the order in which they are performed."""

    PERSIST = "persist"
    SHOW = "show"
    SHOW_IMEI = "show-imei"
    SET_ALARM = "set-alarm"
    COLLECT = "collect"
    REQUEST_CHALLENGE = "request-challenge"
    REQUEST_VERDICT = "request-verdict"


@dataclass(frozen=True, slots=True)
class Persist:
    """Seal the state, before any other effect."""


@dataclass(frozen=True, slots=True)
class Show:
    """Show a screen."""

    screen: ScreenId
    facts: ScreenFacts


@dataclass(frozen=True, slots=True)
class ShowImei:
    """Show the current screen with the IMEIs that the modem reports."""

    screen: ScreenId
    facts: ScreenFacts


@dataclass(frozen=True, slots=True)
class SetAlarm:
    """Wake the agent after `after` seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Collect:
    """Read the SIMs and the network."""


@dataclass(frozen=True, slots=True)
class RequestChallenge:
    """Request a nonce from the server."""


@dataclass(frozen=True, slots=True)
class RequestVerdict:
    """Sign evidence with this nonce and request a verdict."""

    nonce: str


Effect = Persist | Show | ShowImei | SetAlarm | Collect | RequestChallenge | RequestVerdict
