"""Where is this device: one judgement from all signals, with the reason for each.

The rules, in this order. A signal is compatible with the territory that it indicates, with the subdivisions of that
territory, and with the other territories in which it is known to occur.

T1. Signals that indicate no territory are silent: test, private, international, satellite and unassigned codes, a
    network not received for a day, an unknown zone. No signal means unknown, and unknown is not ineligible.
T2. A SIM indicates the home of a subscription. Registered at home, with no network named, it indicates the location;
    roaming with no network named, or on a network of no territory that is not its own, it indicates nothing.
T3. Aboard a ship or an aircraft, known by its cell, without a position, Wi-Fi, SIM and source address are not used.
T4. Position and serving network are the strongest. If they are compatible, the territory of both is the result. A
    network that serves one part of a country is compatible only with positions in the outline of that part. A position
    decides where networks of another territory are on the air. On disputed ground, a network or Wi-Fi country of one
    of the parties decides.
T5. A position overrules a network that reaches across a border, or from the part that it serves, to it (35 km and its
    accuracy). If the network is further away, the two contradict each other: one is false, and nothing shows which.
T6. A position at sea is in no territory. A network of a coast in reach decides; one of another coast contradicts;
    without a network the result is unknown, and Wi-Fi, SIM and address are not used.
T7. Without both: a SIM registered at home, then the Wi-Fi country, then the last received network (10 minutes to a
    day), then the SIM's home, then the source address. The stronger overrules the weaker without a contradiction.
T8. Incompatible signals of equal strength contradict each other.
T9. A position without a network, or a SIM registered at home that agrees, is contradicted by a Wi-Fi country and a
    source address that agree on another territory which is not in reach and whose networks are not on the air there.
T10. Signals that leave a choice between territories leave it to the next signal that indicates one of them.

`confidence` computes the confidence of a resolved judgement; otherwise it is 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from server_stub.territory.confidence import Confidence, confidence_level, confidence_of
from server_stub.territory.findings import (
    OVERRULED_BY_SOURCE,
    FindingReason,
    SignalFinding,
    SignalOutcome,
    contradiction,
    explain,
)
from server_stub.territory.signals import Note, Signal, Source, signals_of
from wire.codes import Registration

__all__ = [
    "Confidence",
    "FindingReason",
    "Judgement",
    "JudgementStatus",
    "Signal",
    "SignalFinding",
    "SignalOutcome",
    "Source",
    "confidence_level",
    "judge",
    "signals_of",
]


class JudgementStatus(StrEnum):
    """The kind of result."""

    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result. `territory` is set exactly if `status` is resolved.

    `confidence` is from 0 to 0.99, see the module. `overruled` signals indicate a territory that was not followed.
    `findings` has every signal once, the strongest first, with the result in `also` if networks of its territory are on
    the air at the position.
    """

    status: JudgementStatus
    territory: str | None
    explanation: str
    decided_by: Signal | None = None
    overruled: tuple[Signal, ...] = ()
    confidence: float = 0.0
    findings: tuple[SignalFinding, ...] = ()


_SILENT: Final[dict[Note | None, FindingReason]] = {
    note: FindingReason(note.value) for note in Note if note is not Note.DISPUTED_GROUND
}
_ORDER: Final = {source: index for index, source in enumerate(Source)}


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """The result before the finding for each signal.

    `deciding` are the signals that lead to it: those that indicate the territory, that contradict each other, or that
    leave an unresolved choice.
    """

    status: JudgementStatus
    territory: str | None
    deciding: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """What the signals show about each other. `home_networks` are serving networks of no territory."""

    home_networks: frozenset[str]
    away: bool
    aboard: bool
    at_sea: bool


@dataclass(frozen=True, slots=True)
class _SignalSet:
    """The signals in order. `set_aside` has the index of each signal that is not used, with the reason."""

    signals: tuple[Signal, ...]
    set_aside: dict[int, FindingReason]
    at_home: bool

    @classmethod
    def of(cls, signals: Iterable[Signal]) -> "_SignalSet":
        """Rules T1 to T3, and T6 for signals in addition to a position at sea. The order of `signals` has no effect."""
        ordered = tuple(sorted(signals, key=_sort_key))
        serving = [signal for signal in ordered if signal.source is Source.SERVING_NETWORK]
        positions = [signal for signal in ordered if signal.source is Source.POSITION]
        states = {signal.reading for signal in ordered if signal.source is Source.REGISTRATION}
        networked = any(signal.territories for signal in serving)
        placed = any(signal.territories for signal in positions)
        context = _Context(
            home_networks=frozenset(signal.reading for signal in serving if not signal.territories),
            away=not networked and (bool(serving) or Registration.ROAMING in states),
            aboard=not placed and any(signal.note is Note.VESSEL_NETWORK for signal in serving),
            at_sea=not networked and not placed and any(signal.note is Note.AT_SEA for signal in positions),
        )
        set_aside = {
            index: reason
            for index, signal in enumerate(ordered)
            if (reason := _set_aside(signal, context)) is not None
        }
        return cls(ordered, set_aside, at_home=not serving and Registration.HOME in states)

    def used(self, source: Source) -> tuple[Signal, ...]:
        """The signals of a source that are not set aside."""
        return tuple(
            signal
            for index, signal in enumerate(self.signals)
            if signal.source is source and index not in self.set_aside
        )

    def weaker_groups(self) -> tuple[tuple[Signal, ...], ...]:
        """Rule T7: the groups after position and serving network."""
        order = [Source.WIFI_COUNTRY, Source.LAST_NETWORK, Source.SIM_HOME, Source.SOURCE_ADDRESS]
        if self.at_home:
            order.remove(Source.SIM_HOME)
            order.insert(0, Source.SIM_HOME)
        return tuple(map(self.used, order))


def judge(signals: Iterable[Signal]) -> Judgement:
    """Judge signals, in any order.

    >>> havana_sim = Signal(Source.SIM_HOME, "368-01", "CU")
    >>> judge([havana_sim, Signal(Source.SERVING_NETWORK, "208-01", "FR")]).territory
    'FR'
    """
    return _judge(tuple(signals))


@lru_cache(maxsize=4096)
def _judge(signals: tuple[Signal, ...]) -> Judgement:
    """Cached, because many devices send equal signals."""
    signal_set = _SignalSet.of(signals)
    conclusion = _conclude(signal_set)
    findings = tuple(_finding(index, signal_set, conclusion) for index in range(len(signal_set.signals)))
    confidence = 0.0
    if conclusion.territory:
        confidence = confidence_of(findings, at_home=signal_set.at_home)
        level = confidence_level(confidence)
        headline = f"In {conclusion.territory}, confidence {level} ({confidence:.2f})."
    elif conclusion.status is JudgementStatus.CONTRADICTORY:
        headline = contradiction(each.source for each in conclusion.deciding)
    elif any(signal.territories for signal in signals):
        headline = "Unknown. No signal that can be used indicates one territory."
    else:
        headline = "Unknown. No signal indicates a territory."
    return Judgement(
        status=conclusion.status,
        territory=conclusion.territory,
        explanation=explain(headline, findings, conclusion.territory),
        decided_by=conclusion.deciding[0] if conclusion.territory else None,
        overruled=tuple(each.signal for each in findings if each.outcome is SignalOutcome.OVERRULED),
        confidence=confidence,
        findings=findings,
    )


def _sort_key(signal: Signal) -> tuple[object, ...]:
    """A total order, the strongest source first."""
    content = (signal.reading, signal.territory or "", signal.also, signal.note or "")
    return (_ORDER[signal.source], *content, tuple(sorted(signal.nearby)), tuple(sorted(signal.served_from)))


def _set_aside(signal: Signal, context: _Context) -> FindingReason | None:
    """Why a signal is not used, or None if it is."""
    if signal.source is Source.REGISTRATION:
        return FindingReason.STATE_ONLY
    if not signal.territories:
        return _SILENT.get(signal.note, FindingReason.UNKNOWN_ZONE)
    if signal.source in {Source.POSITION, Source.SERVING_NETWORK}:
        return None
    if context.at_sea:
        return FindingReason.SEA_AROUND
    if context.aboard:
        return FindingReason.ABOARD
    abroad = context.away and signal.reading not in context.home_networks
    return FindingReason.AWAY_FROM_HOME if signal.source is Source.SIM_HOME and abroad else None


def _conclude(signals: _SignalSet) -> _Conclusion:
    """Rules T4 to T10."""
    positions, networks = signals.used(Source.POSITION), signals.used(Source.SERVING_NETWORK)
    if incompatible := _out_of_reach(signals, networks):
        return _Conclusion(JudgementStatus.CONTRADICTORY, None, incompatible)
    # A network that is compatible with each position; rule T5 overrules the others.
    local = tuple(each for each in networks if all(_candidates((place, each)) for place in positions))
    undecided: tuple[Signal, ...] = ()
    for each in (positions + local, *signals.weaker_groups()):
        group = tuple(signal for signal in each if _candidates((signal, *undecided)))
        candidates = _candidates(group)
        if group and not candidates:
            return _Conclusion(JudgementStatus.CONTRADICTORY, None, group)
        if choice := _choose(group + undecided):
            deciding = [signal for signal in group if signal.admits(choice)]
            deciding.sort(key=lambda signal: signal.territory != choice)
            return _check_lone_position(signals, choice, tuple(deciding))
        undecided = undecided or (group if candidates else ())
    return _Conclusion(JudgementStatus.UNKNOWN, None, undecided)


def _candidates(group: Sequence[Signal]) -> set[str]:
    """The territories with which all signals of a group are compatible."""
    territories = {territory for signal in group for territory in signal.territories}
    return {territory for territory in territories if all(signal.admits(territory) for signal in group)}


def _choose(group: Sequence[Signal]) -> str | None:
    """The first territory that a signal indicates and that all are compatible with, or the only one that is left."""
    candidates = _candidates(group)
    indicated = [signal.territory for signal in group if signal.territory in candidates]
    if indicated:
        return indicated[0]
    return candidates.pop() if len(candidates) == 1 and len(group) > 1 else None


def _out_of_reach(signals: _SignalSet, networks: Sequence[Signal]) -> tuple[Signal, ...]:
    """Rules T5 and T6: a position, and an incompatible network whose cells cannot be received there."""
    for place in signals.signals:
        if place.source is not Source.POSITION or not (place.territories or place.note is Note.AT_SEA):
            continue
        for network in networks:
            reaches = network.territory in place.served_from or any(map(network.admits, place.nearby))
            if not reaches and not _candidates((place, network)):
                return (place, network)
    return ()


def _check_lone_position(signals: _SignalSet, choice: str, deciding: tuple[Signal, ...]) -> _Conclusion:
    """Rules T4 and T9: a position without a network against Wi-Fi and source address."""
    resolved = _Conclusion(JudgementStatus.RESOLVED, choice, deciding)
    if deciding[0].source is not Source.POSITION or signals.used(Source.SERVING_NETWORK):
        return resolved
    wifi, address = signals.used(Source.WIFI_COUNTRY), signals.used(Source.SOURCE_ADDRESS)
    if all(place.note is Note.DISPUTED_GROUND for place in deciding) and (party := _choose(wifi + deciding)):
        indicating = tuple(signal for signal in wifi if signal.territory == party)
        return _Conclusion(JudgementStatus.RESOLVED, party, indicating + deciding)
    others = wifi + address
    homes = signals.used(Source.SIM_HOME) if signals.at_home else ()
    if not (wifi and address) or any(signal.admits(choice) for signal in others + homes):
        return resolved
    elsewhere = _candidates(others)
    if not elsewhere or any(
        elsewhere & {*place.territories, *place.nearby, *place.served_from} for place in deciding
    ):
        return resolved
    return _Conclusion(JudgementStatus.CONTRADICTORY, None, deciding + others)


def _finding(index: int, signals: _SignalSet, conclusion: _Conclusion) -> SignalFinding:
    """How the signal at `index` was used."""
    signal = signals.signals[index]
    territory = conclusion.territory
    if signal.source is Source.REGISTRATION and territory and _not_at_home(signal, signals, territory):
        return SignalFinding(signal, SignalOutcome.OVERRULED, FindingReason.NOT_AT_HOME)
    if reason := signals.set_aside.get(index):
        outcome = SignalOutcome.SILENT
        if conclusion.status is JudgementStatus.CONTRADICTORY and signal in conclusion.deciding:
            outcome = SignalOutcome.CONTRADICTED
        elif signal.territories and not (territory and signal.admits(territory)):
            outcome = SignalOutcome.OVERRULED
        return SignalFinding(signal, outcome, reason)
    if territory is None:
        return SignalFinding(signal, *_unresolved(signal, conclusion))
    served = any(signal.territory in place.served_from for place in signals.used(Source.POSITION))
    if served and signal.source is not Source.SIM_HOME and not signal.admits(territory):
        signal = replace(signal, also=(*signal.also, territory))
    if signal.admits(territory):
        decides = index == signals.signals.index(conclusion.deciding[0])
        outcome = SignalOutcome.DECIDED if decides else SignalOutcome.AGREED
        return SignalFinding(signal, outcome, _agreement(signal, conclusion, territory, decides=decides))
    spills = signal.source is Source.SERVING_NETWORK
    reason = FindingReason.BORDER_SPILL if spills else OVERRULED_BY_SOURCE[signal.source]
    return SignalFinding(signal, SignalOutcome.OVERRULED, reason)


def _unresolved(signal: Signal, conclusion: _Conclusion) -> tuple[SignalOutcome, FindingReason]:
    """How a signal was used in a judgement without a territory."""
    involved = signal in conclusion.deciding
    if conclusion.status is JudgementStatus.CONTRADICTORY and involved:
        return SignalOutcome.CONTRADICTED, FindingReason.IRRECONCILABLE
    if signal.territory is None:
        return SignalOutcome.SILENT, FindingReason.STRADDLES_BORDER
    if involved:
        return SignalOutcome.SILENT, FindingReason.AMBIGUOUS
    unknown = conclusion.status is JudgementStatus.UNKNOWN
    return SignalOutcome.OVERRULED, FindingReason.OUT_OF_PLACE if unknown else FindingReason.WEAKER


def _agreement(signal: Signal, conclusion: _Conclusion, territory: str, *, decides: bool) -> FindingReason:
    """How a signal is compatible with the result."""
    if signal in conclusion.deciding and conclusion.deciding[0].territory != territory:
        return FindingReason.ONLY_COMMON
    if signal.territory is None:
        return FindingReason.STRADDLES_BORDER
    if signal.territory == territory:
        return FindingReason.DECIDES if decides else FindingReason.AGREES
    contains = signal.territory == territory.partition("-")[0]
    return FindingReason.CONTAINS if contains else FindingReason.ALSO_TRUE


def _not_at_home(signal: Signal, signals: _SignalSet, territory: str) -> bool:
    """Whether the modem reports home although no SIM is from there, or from a network that agrees with `territory`."""
    if signal.reading != Registration.HOME:
        return False
    homes = {each.territory for each in signals.signals if each.source is Source.SIM_HOME and each.territory}
    networks = signals.used(Source.SERVING_NETWORK)
    places = signals.used(Source.POSITION)
    local = {
        each.territory
        for each in networks
        if each.admits(territory) or any(each.territory in place.served_from for place in places)
    }
    countries = {home.partition("-")[0] for home in homes}
    return bool(homes) and territory.partition("-")[0] not in countries and not homes & local
