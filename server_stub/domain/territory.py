"""Where is this phone: one judgement from every signal, with the reason for it.

First judgement: the serving network decides, then the country that Wi-Fi announces, then the SIM's home
network. The stronger signal overrules the weaker, which is not a contradiction: a Cuban SIM in Paris is in France.
Signals of equal rank that disagree are one. Absence is unknown, and unknown is not ineligible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server_stub.domain import mcc
from wire.evidence import Evidence, Plmn


class Source(StrEnum):
    """Where a signal comes from."""

    SERVING_NETWORK = "serving-network"
    WIFI_COUNTRY = "wifi-country"
    SIM_HOME = "sim-home"
    POSITION = "position"
    SOURCE_ADDRESS = "source-address"


RANK: Final = {Source.SERVING_NETWORK: 0, Source.WIFI_COUNTRY: 1, Source.SIM_HOME: 2}
"""Lower decides over higher. A source without a rank is recorded and decides nothing."""

_NAMES: Final = {
    Source.SERVING_NETWORK: "the serving network",
    Source.WIFI_COUNTRY: "the Wi-Fi country",
    Source.SIM_HOME: "the SIM's home network",
    Source.POSITION: "the position",
    Source.SOURCE_ADDRESS: "the source address",
}


class Status(StrEnum):
    """What kind of answer a judgement is."""

    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True)
class Signal:
    """One fact with its provenance: `reading` is what was read, `territory` what it means, if any."""

    source: Source
    reading: str
    territory: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer. `territory` is set exactly when `status` is resolved; `overruled` disagree."""

    status: Status
    territory: str | None
    explanation: str
    decided_by: Signal | None = None
    overruled: tuple[Signal, ...] = ()


def signals_of(evidence: Evidence) -> tuple[Signal, ...]:
    """Every territory signal of the evidence, the strongest source first.

    A satellite position is only named here: what a phone says of its position is not kept.
    """
    found = []
    if plmn := evidence.telephony.serving.plmn:
        found.append(_network(Source.SERVING_NETWORK, plmn))
    if country := evidence.wifi.country:
        found.append(Signal(Source.WIFI_COUNTRY, country, country))
    found += [
        _network(Source.SIM_HOME, Plmn(mcc=sim.mcc, mnc=sim.mnc))
        for sim in evidence.telephony.sims
        if sim.mcc and sim.mnc
    ]
    if evidence.location:
        found.append(Signal(Source.POSITION, "given", None))
    return tuple(found)


def judge(signals: Sequence[Signal]) -> Judgement:
    """Judge signals, in any order.

    >>> havana_sim = Signal(Source.SIM_HOME, "368-01", "CU")
    >>> judge([havana_sim, Signal(Source.SERVING_NETWORK, "208-01", "FR")]).territory
    'FR'
    """
    telling = [signal for signal in signals if signal.territory and signal.source in RANK]
    if not telling:
        return Judgement(Status.UNKNOWN, None, "No signal tells a territory.")
    best = min(RANK[signal.source] for signal in telling)
    deciding = [signal for signal in telling if RANK[signal.source] == best]
    if len({signal.territory for signal in deciding}) > 1:
        return _contradiction(deciding)
    first = deciding[0]
    overruled = tuple(signal for signal in telling if signal.territory != first.territory)
    return Judgement(Status.RESOLVED, first.territory, _explain(first, overruled), first, overruled)


def _network(source: Source, plmn: Plmn) -> Signal:
    return Signal(source, str(plmn), mcc.territory_of(plmn))


def _contradiction(signals: list[Signal]) -> Judgement:
    told = " and ".join(sorted(f"{signal.reading} ({signal.territory})" for signal in signals))
    source = _NAMES[signals[0].source]
    return Judgement(Status.CONTRADICTORY, None, f"Signals of one rank disagree: {source} says {told}.")


def _explain(decided: Signal, overruled: tuple[Signal, ...]) -> str:
    sentence = f"{_told(decided)[0].upper()}{_told(decided)[1:]}"
    if not overruled:
        return f"{sentence}."
    return f"{sentence}, over {' and '.join(map(_told, overruled))}."


def _told(signal: Signal) -> str:
    return f"{_NAMES[signal.source]} {signal.reading} says {signal.territory}"
