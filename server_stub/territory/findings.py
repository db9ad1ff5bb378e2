"""How each signal was used in a judgement: an outcome, a stable reason code and a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server_stub.territory.signals import Note, Signal, Source


class SignalOutcome(StrEnum):
    """How a signal was used.

    An `overruled` signal indicates a territory that was not followed. A `silent` one indicates none, or is not used.
    """

    DECIDED = "decided"
    AGREED = "agreed"
    OVERRULED = "overruled"
    CONTRADICTED = "contradicted"
    SILENT = "silent"


class FindingReason(StrEnum):
    """Why a signal has its outcome."""

    DECIDES = "strongest-that-tells"
    AGREES = "says-the-same"
    CONTAINS = "country-of-the-part"
    ALSO_TRUE = "true-there-as-well"
    ONLY_COMMON = "only-common-territory"
    AMBIGUOUS = "leaves-a-choice"
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
    """A signal, how it was used, and why."""

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
"""Why a signal is overruled by a stronger one, by source."""

_NAMES: Final = {
    Source.SERVING_NETWORK: "the serving network",
    Source.WIFI_COUNTRY: "the Wi-Fi country",
    Source.LAST_NETWORK: "the last received network",
    Source.SIM_HOME: "the SIM's home network",
    Source.POSITION: "the position in",
    Source.SOURCE_ADDRESS: "the source address in",
    Source.REGISTRATION: "the registration state",
}

_SENTENCES: Final = {
    FindingReason.DECIDES: "{0} indicates {1} and decides",
    FindingReason.AGREES: "{0} indicates the same",
    FindingReason.CONTAINS: "{0} indicates {1}, of which {3} is a part",
    FindingReason.ALSO_TRUE: "{0} indicates {1}, but is possible in {3} as well",
    FindingReason.ONLY_COMMON: "{0} indicates {1} and is possible in {3}, all that is common to the deciding signals",
    FindingReason.AMBIGUOUS: "{0} is possible in {4}, and no signal chooses between them",
    FindingReason.HOME_ELSEWHERE: "{0} indicates {1}, the home of the subscription and not the location of the device",
    FindingReason.ROUTER_ELSEWHERE: "{0} indicates {1}, the country that is configured in the access point",
    FindingReason.ADDRESS_ELSEWHERE: "{0} indicates {1}, where the traffic leaves a carrier network or a VPN",
    FindingReason.STALE: "{0} indicates {1}, but is no longer received",
    FindingReason.BORDER_SPILL: "{0} indicates {1}, whose cells reach across the border to this position",
    FindingReason.AWAY_FROM_HOME: "{0} indicates {1}, but the device is registered away from its home network",
    FindingReason.ABOARD: "{0} indicates {1}, but aboard a ship or an aircraft it does not show the location",
    FindingReason.SEA_AROUND: "{0} indicates {1}, but the position is at sea",
    FindingReason.NOT_AT_HOME: "{0} is home, but no SIM is from there",
    FindingReason.OUT_OF_PLACE: "{0} indicates {1}, which the stronger signals exclude",
    FindingReason.WEAKER: "{0} indicates {1} and does not resolve the contradiction",
    FindingReason.IRRECONCILABLE: "{0} indicates {1} and is part of the contradiction",
    FindingReason.STATE_ONLY: "{0} {2} names no territory",
    FindingReason.TEST_NETWORK: "{0} is a test network, which belongs to no territory",
    FindingReason.PRIVATE_NETWORK: "{0} is a private network, which belongs to no territory",
    FindingReason.INTERNATIONAL_NETWORK: "{0} is of an international operator, which belongs to no territory",
    FindingReason.SATELLITE_NETWORK: "{0} is a satellite network, which is received in many territories",
    FindingReason.VESSEL_NETWORK: "{0} is a network aboard ships or aircraft, which belongs to no territory",
    FindingReason.UNASSIGNED_CODE: "{0} has an unassigned country code",
    FindingReason.EXPIRED: "{0} was received too long ago to be used",
    FindingReason.AT_SEA: "{0} is at sea, in no territory",
    FindingReason.STRADDLES_BORDER: "{0} is too inaccurate to choose between {4}",
    FindingReason.UNKNOWN_ZONE: "{0} is in no known territory",
}


def sentence(finding: SignalFinding, territory: str | None) -> str:
    """A finding in a judgement for `territory`, as a sentence that names source and reading."""
    signal = finding.signal
    reading = "" if signal.source is Source.REGISTRATION else f" {signal.reading}"
    if signal.source is Source.WIFI_COUNTRY and finding.reason is not FindingReason.AGREES:
        reading = ""
    name = f"{_NAMES[signal.source]}{reading}"
    indicated = signal.territory or " or ".join(signal.also)
    possible = " and ".join(signal.territories)
    text = _SENTENCES[finding.reason].format(name, indicated, signal.reading, territory, possible)
    if signal.note is Note.DISPUTED_GROUND:
        text += f" (ground that {' and '.join(signal.also)} also claims or governs)"
    return f"{text[0].upper()}{text[1:]}."


def contradiction(sources: Iterable[Source]) -> str:
    """The headline of a contradictory judgement, from the sources of the signals that contradict each other."""
    *first, last = dict.fromkeys(_NAMES[source].removesuffix(" in") for source in sources)
    if not first:
        return f"Contradictory: no territory is compatible with each reading of {last}."
    return f"Contradictory: no territory is compatible with {', '.join(first)} and {last}."


def explain(headline: str, findings: Sequence[SignalFinding], territory: str | None) -> str:
    """The whole explanation: the result, then a sentence for each signal."""
    return " ".join([headline, *(sentence(each, territory) for each in findings)])
