"""What became of each signal in a judgement, with a stable code and a sentence for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server_stub.territory.signals import Note, Signal, Source


class SignalOutcome(StrEnum):
    """What became of a signal. `overruled` told a territory that was not followed; `silent` told none."""

    DECIDED = "decided"
    AGREED = "agreed"
    OVERRULED = "overruled"
    CONTRADICTED = "contradicted"
    SILENT = "silent"


class Why(StrEnum):
    """Why a signal met its fate."""

    DECIDES = "strongest-that-tells"
    AGREES = "says-the-same"
    ALSO_TRUE = "true-there-as-well"
    HOME_ELSEWHERE = "home-is-not-whereabouts"
    ROUTER_ELSEWHERE = "router-country-is-configured"
    ADDRESS_ELSEWHERE = "address-is-where-traffic-leaves"
    STALE = "cell-no-longer-heard"
    BORDER_SPILL = "cell-reaches-across-border"
    AWAY_FROM_HOME = "registered-away-from-home"
    ABOARD = "aboard-vessel"
    SEA_AROUND = "position-at-sea"
    NOT_AT_HOME = "registered-home-but-not-there"
    OUT_OF_PLACE = "no-such-place-open"
    WEAKER = "weaker-signal"
    IRRECONCILABLE = "irreconcilable"
    STATE_ONLY = "state-only"
    TEST_NETWORK = "test-network"
    PRIVATE_NETWORK = "private-network"
    INTERNATIONAL_NETWORK = "international-network"
    SATELLITE_NETWORK = "satellite-network"
    VESSEL_NETWORK = "vessel-network"
    UNASSIGNED_CODE = "unassigned-code"
    EXPIRED = "expired"
    AT_SEA = "at-sea"
    STRADDLES_BORDER = "straddles-border"
    UNKNOWN_ZONE = "unknown-zone"


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal, what became of it, and why."""

    signal: Signal
    fate: SignalOutcome
    why: Why


OVERRULED_BY_SOURCE: Final = {
    Source.SIM_HOME: Why.HOME_ELSEWHERE,
    Source.WIFI_COUNTRY: Why.ROUTER_ELSEWHERE,
    Source.SOURCE_ADDRESS: Why.ADDRESS_ELSEWHERE,
    Source.LAST_NETWORK: Why.STALE,
    Source.SERVING_NETWORK: Why.WEAKER,
    Source.POSITION: Why.WEAKER,
    Source.REGISTRATION: Why.NOT_AT_HOME,
}
"""Why a signal of a source is overruled by a stronger one."""

_NAMES: Final = {
    Source.SERVING_NETWORK: "the serving network",
    Source.WIFI_COUNTRY: "the Wi-Fi country",
    Source.LAST_NETWORK: "the network heard last,",
    Source.SIM_HOME: "the SIM's home network",
    Source.POSITION: "the position in",
    Source.SOURCE_ADDRESS: "the source address in",
    Source.REGISTRATION: "the registration state",
}

_SENTENCES: Final = {
    Why.DECIDES: "{0} says {1} and decides",
    Why.AGREES: "{0} says the same",
    Why.ALSO_TRUE: "{0}, otherwise {1}, is found there as well",
    Why.HOME_ELSEWHERE: "{0} says {1}, which is where the subscription is from and not where the phone is",
    Why.ROUTER_ELSEWHERE: "{0} says {1}, which is what somebody configured in a router",
    Why.ADDRESS_ELSEWHERE: "{0} says {1}, which is where the traffic leaves a carrier or a VPN",
    Why.STALE: "{0} says {1}, but is not heard any more",
    Why.BORDER_SPILL: "{0} says {1}, whose cells reach across the border to this position",
    Why.AWAY_FROM_HOME: "{0} says {1}, but the phone is registered away from home",
    Why.ABOARD: "{0} says {1}, which aboard a ship or an aircraft tells no whereabouts",
    Why.SEA_AROUND: "{0} says {1}, but the position is at sea",
    Why.NOT_AT_HOME: "{0} is home, yet no SIM is from there",
    Why.OUT_OF_PLACE: "{0} says {1}, which the position excludes",
    Why.WEAKER: "{0} says {1} and is too weak to settle it",
    Why.IRRECONCILABLE: "{0} says {1}, which cannot be true together with the others",
    Why.STATE_ONLY: "{0} {2} names no territory",
    Why.TEST_NETWORK: "{0} is of a test network, which is in no territory",
    Why.PRIVATE_NETWORK: "{0} is of a private network, whose code is in no territory",
    Why.INTERNATIONAL_NETWORK: "{0} is of an international operator, which is in no territory",
    Why.SATELLITE_NETWORK: "{0} is of a satellite network, which is heard in many territories",
    Why.VESSEL_NETWORK: "{0} is of a network aboard ships or aircraft, which is in no territory",
    Why.UNASSIGNED_CODE: "{0} has a country code that is nobody's",
    Why.EXPIRED: "{0} was heard too long ago to tell anything",
    Why.AT_SEA: "{0} is at sea, in no territory",
    Why.STRADDLES_BORDER: "{0} is too coarse to choose between {1}",
    Why.UNKNOWN_ZONE: "{0} is in no territory that is known",
}

_DISPUTED: Final = " (ground that is claimed or governed by {0} as well)"


def sentence(finding: Finding) -> str:
    """A finding for people, with a capital letter and a full stop. It names source and reading."""
    signal = finding.signal
    reading = "" if signal.source is Source.REGISTRATION else f" {signal.reading}"
    if signal.source in _COUNTRY_READ and finding.why is not Why.AGREES:
        reading = "" if signal.source is Source.WIFI_COUNTRY else reading
    what = f"{_NAMES[signal.source]}{reading}"
    told = signal.territory or " and ".join(signal.also)
    words = _SENTENCES[finding.why].format(what, told, signal.reading)
    if signal.note is Note.DISPUTED_GROUND:
        words += _DISPUTED.format(" and ".join(signal.also))
    return f"{words[0].upper()}{words[1:]}."


_COUNTRY_READ: Final = frozenset({Source.WIFI_COUNTRY, Source.SOURCE_ADDRESS})


def explain(headline: str, findings: Sequence[Finding]) -> str:
    """The whole explanation: the answer, then every signal."""
    return " ".join([headline, *map(sentence, findings)])
