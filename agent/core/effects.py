"""What the machine wants done. Their order is part of the contract: persist before show, show before send."""

from dataclasses import dataclass
from enum import StrEnum

from agent.core.screens import ScreenFacts, ScreenId


class EffectKind(StrEnum):
    """The effects as the tables name them, in the order in which they are carried out."""

    PERSIST = "persist"
    SHOW = "show"
    SHOW_IMEI = "show-imei"
    SET_ALARM = "set-alarm"
    COLLECT = "collect"
    REQUEST_CHALLENGE = "request-challenge"
    REQUEST_VERDICT = "request-verdict"


@dataclass(frozen=True, slots=True)
class Persist:
    """Seal the state before anything else happens."""


@dataclass(frozen=True, slots=True)
class Show:
    """Put a screen before the user."""

    screen: ScreenId
    facts: ScreenFacts


@dataclass(frozen=True, slots=True)
class ShowImei:
    """Put the same screen before the user once more, with the IMEIs that the modem tells."""

    screen: ScreenId
    facts: ScreenFacts


@dataclass(frozen=True, slots=True)
class SetAlarm:
    """Wake the agent after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Collect:
    """Read the SIMs and the network."""


@dataclass(frozen=True, slots=True)
class RequestChallenge:
    """Ask the server for a nonce."""


@dataclass(frozen=True, slots=True)
class RequestVerdict:
    """Sign evidence with this nonce and ask for a verdict."""

    nonce: str


Effect = Persist | Show | ShowImei | SetAlarm | Collect | RequestChallenge | RequestVerdict
