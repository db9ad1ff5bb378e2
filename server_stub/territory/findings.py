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


class FindingReason(StrEnum):
    """Why a signal met its outcome."""

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
class SignalFinding:
    """A signal, what became of it, and why."""

    signal: Signal
    outcome: SignalOutcome
    reason: FindingReason


OVERRULED_BY_SOURCE: Final = {
    Source.SIM_HOME: FindingReason.HOME_ELSEWHERE,
    Source.WIFI_COUNTRY: FindingReason.ROUTER_ELSEWHERE,
    Source.SOURCE_ADDRESS: FindingReason.ADDRESS_ELSEWHERE,
    Source.LAST_NETWORK: FindingReason.STALE,
    Source.SERVING_NETWORK: FindingReason.WEAKER,
    Source.POSITION: FindingReason.WEAKER,
    Source.REGISTRATION: FindingReason.NOT_AT_HOME,
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
    FindingReason.DECIDES: "{0} says {1} and decides",
    FindingReason.AGREES: "{0} says the same",
    FindingReason.ALSO_TRUE: "{0}, otherwise {1}, is found there as well",
    FindingReason.HOME_ELSEWHERE: "{0} says {1}, which is where the subscription is from and not where the phone is",
    FindingReason.ROUTER_ELSEWHERE: "{0} says {1}, which is what somebody configured in a router",
    FindingReason.ADDRESS_ELSEWHERE: "{0} says {1}, which is where the traffic leaves a carrier or a VPN",
    FindingReason.STALE: "{0} says {1}, but is not heard any more",
    FindingReason.BORDER_SPILL: "{0} says {1}, whose cells reach across the border to this position",
    FindingReason.AWAY_FROM_HOME: "{0} says {1}, but the phone is registered away from home",
    FindingReason.ABOARD: "{0} says {1}, which aboard a ship or an aircraft tells no whereabouts",
    FindingReason.SEA_AROUND: "{0} says {1}, but the position is at sea",
    FindingReason.NOT_AT_HOME: "{0} is home, yet no SIM is from there",
    FindingReason.OUT_OF_PLACE: "{0} says {1}, which the position excludes",
    FindingReason.WEAKER: "{0} says {1} and is too weak to settle it",
    FindingReason.IRRECONCILABLE: "{0} says {1}, which cannot be true together with the others",
    FindingReason.STATE_ONLY: "{0} {2} names no territory",
    FindingReason.TEST_NETWORK: "{0} is of a test network, which is in no territory",
    FindingReason.PRIVATE_NETWORK: "{0} is of a private network, whose code is in no territory",
    FindingReason.INTERNATIONAL_NETWORK: "{0} is of an international operator, which is in no territory",
    FindingReason.SATELLITE_NETWORK: "{0} is of a satellite network, which is heard in many territories",
    FindingReason.VESSEL_NETWORK: "{0} is of a network aboard ships or aircraft, which is in no territory",
    FindingReason.UNASSIGNED_CODE: "{0} has a country code that is nobody's",
    FindingReason.EXPIRED: "{0} was heard too long ago to tell anything",
    FindingReason.AT_SEA: "{0} is at sea, in no territory",
    FindingReason.STRADDLES_BORDER: "{0} is too coarse to choose between {1}",
    FindingReason.UNKNOWN_ZONE: "{0} is in no territory that is known",
}

_DISPUTED: Final = " (ground that is claimed or governed by {0} as well)"


def sentence(finding: SignalFinding) -> str:
    """A finding for people, with a capital letter and a full stop. It names source and reading."""
    signal = finding.signal
    reading = "" if signal.source is Source.REGISTRATION else f" {signal.reading}"
    if signal.source in _COUNTRY_READ and finding.reason is not FindingReason.AGREES:
        reading = "" if signal.source is Source.WIFI_COUNTRY else reading
    what = f"{_NAMES[signal.source]}{reading}"
    told = signal.territory or " and ".join(signal.also)
    words = _SENTENCES[finding.reason].format(what, told, signal.reading)
    if signal.note is Note.DISPUTED_GROUND:
        words += _DISPUTED.format(" and ".join(signal.also))
    return f"{words[0].upper()}{words[1:]}."


_COUNTRY_READ: Final = frozenset({Source.WIFI_COUNTRY, Source.SOURCE_ADDRESS})


def explain(headline: str, findings: Sequence[SignalFinding]) -> str:
    """The whole explanation: the answer, then every signal."""
    return " ".join([headline, *map(sentence, findings)])
