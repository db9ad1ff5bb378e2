"""Where is this phone: one judgement from every signal, with the reason for each.

The rules, in this order. A signal is true of the territory it names, of that territory's parts, and of the other
territories that it is known to be found in.

T1. Signals that name no territory are silent: test, private, international, satellite and unassigned codes, a
    network not heard for a day, a zone that is not known. Absence is unknown, and unknown is not ineligible.
T2. A SIM tells where a subscription is from. Registered at home, with no network named, it tells where the phone is;
    roaming with no network named, or on a network of no territory that is not its own, it tells nothing.
T3. Aboard a ship or an aircraft, by its cell, and with no position: Wi-Fi, SIM and source address tell nothing.
T4. Position and serving network are the strongest. True together, the territory that both are true of is the answer.
T5. A network that reaches across a border to the position (35 km) is overruled by the position. Further away, the two
    contradict each other: one of them is false, and which one is not for a machine to guess.
T6. A position at sea is in no territory. A network of a coast in reach decides; one of no coast in reach contradicts;
    without a network the answer is unknown, whatever Wi-Fi, SIM and address say.
T7. Without both: a SIM registered at home, then the Wi-Fi country, then the network heard last (10 minutes to a day),
    then the SIM's home, then the source address. The stronger overrules the weaker, which is no contradiction.
T8. Signals of one strength that cannot be true together contradict each other.
T9. A position alone, with no network, is contradicted by Wi-Fi country and source address that agree on another
    territory which is not in reach.
T10. A position too coarse to choose between territories leaves the choice to the next signal that names one of them.

How sure a resolved judgement is says `territory_confidence`; what is not resolved has confidence 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from server_stub.territory.confidence import Confidence, confidence_level, confidence_of
from server_stub.territory.findings import (
    OVERRULED_BY_SOURCE,
    FindingReason,
    SignalFinding,
    SignalOutcome,
    explain,
)
from server_stub.territory.signals import Note, Signal, Source, signals_of
from wire.codes import Registration

__all__ = [
    "ABSENT",
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
    """What kind of answer a judgement is."""

    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer. `territory` is set exactly when `status` is resolved.

    `confidence` is from 0 to 0.99, see the module. `overruled` named a territory and were not followed. `findings`
    has every signal once, the strongest first.
    """

    status: JudgementStatus
    territory: str | None
    explanation: str
    decided_by: Signal | None = None
    overruled: tuple[Signal, ...] = ()
    confidence: float = 0.0
    findings: tuple[SignalFinding, ...] = ()


ABSENT: Final = "No signal tells a territory."

_SILENT: Final[dict[Note | None, FindingReason]] = {
    note: FindingReason(note.value) for note in Note if note is not Note.DISPUTED_GROUND
}

_ORDER: Final = {source: index for index, source in enumerate(Source)}


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """What the signals come to, before each is told its part."""

    status: JudgementStatus
    territory: str | None
    deciding: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class _Scene:
    """The signals in order, and those that the context has put aside, with the reason."""

    signals: tuple[Signal, ...]
    aside: dict[int, FindingReason]
    at_home: bool

    def voices(self, *sources: Source) -> tuple[Signal, ...]:
        """The signals of some sources that tell something and are not put aside."""
        return tuple(
            signal
            for index, signal in enumerate(self.signals)
            if signal.source in sources and index not in self.aside
        )


def judge(signals: Iterable[Signal]) -> Judgement:
    """Judge signals, in any order.

    >>> havana_sim = Signal(Source.SIM_HOME, "368-01", "CU")
    >>> judge([havana_sim, Signal(Source.SERVING_NETWORK, "208-01", "FR")]).territory
    'FR'
    """
    return _judge(tuple(signals))


@lru_cache(maxsize=4096)
def _judge(signals: tuple[Signal, ...]) -> Judgement:
    """Remembered, because many phones tell the same, and the same signals always get the same judgement."""
    scene = _scene(tuple(sorted(signals, key=_key)))
    answer = _answer(scene)
    findings = tuple(_finding(index, scene, answer) for index in range(len(scene.signals)))
    confidence = confidence_of(findings, at_home=scene.at_home) if answer.territory else 0.0
    return Judgement(
        status=answer.status,
        territory=answer.territory,
        explanation=explain(_headline(answer, confidence), findings),
        decided_by=answer.deciding[0] if answer.territory else None,
        overruled=tuple(each.signal for each in findings if each.outcome is SignalOutcome.OVERRULED),
        confidence=confidence,
        findings=findings,
    )


def _key(signal: Signal) -> tuple[object, ...]:
    """A total order, so that who spoke first does not matter."""
    what = (signal.reading, signal.territory or "", signal.also, signal.note or "")
    return (_ORDER[signal.source], *what, tuple(sorted(signal.nearby)))


def _scene(signals: tuple[Signal, ...]) -> _Scene:
    """Rules T1 to T3, and T6 for what a position at sea puts aside."""
    serving = [signal for signal in signals if signal.source is Source.SERVING_NETWORK]
    positions = [signal for signal in signals if signal.source is Source.POSITION]
    states = {signal.reading for signal in signals if signal.source is Source.REGISTRATION}
    networked = any(signal.territories for signal in serving)
    placed = any(signal.territories for signal in positions)
    context = _Context(
        home_networks=frozenset(signal.reading for signal in serving if not signal.territories),
        away=not networked and (bool(serving) or Registration.ROAMING in states),
        aboard=not placed and any(signal.note is Note.VESSEL_NETWORK for signal in serving),
        at_sea=not networked and not placed and any(signal.note is Note.AT_SEA for signal in positions),
    )
    aside = {index: why for index, signal in enumerate(signals) if (why := _set_aside(signal, context))}
    return _Scene(signals, aside, at_home=not serving and Registration.HOME in states)


@dataclass(frozen=True, slots=True)
class _Context:
    """What signals say about each other. `home_networks` are serving networks of no territory."""

    home_networks: frozenset[str]
    away: bool
    aboard: bool
    at_sea: bool


def _set_aside(signal: Signal, context: _Context) -> FindingReason | None:
    """Why a signal has no voice, or None where it has one."""
    if signal.source is Source.REGISTRATION:
        return FindingReason.STATE_ONLY
    if not signal.territories:
        return _SILENT.get(signal.note, FindingReason.UNKNOWN_ZONE)
    if signal.source in {Source.POSITION, Source.SERVING_NETWORK}:
        return None
    return _displaced(signal, context)


def _displaced(signal: Signal, context: _Context) -> FindingReason | None:
    """Why a weaker signal tells nothing of where the phone is, or None."""
    if context.at_sea:
        return FindingReason.SEA_AROUND
    if context.aboard:
        return FindingReason.ABOARD
    if signal.source is Source.SIM_HOME and context.away and signal.reading not in context.home_networks:
        return FindingReason.AWAY_FROM_HOME
    return None


def _answer(scene: _Scene) -> _Conclusion:
    """Rules T4 to T10."""
    positions, networks = scene.voices(Source.POSITION), scene.voices(Source.SERVING_NETWORK)
    if lying := _out_of_reach(scene, networks):
        return _Conclusion(JudgementStatus.CONTRADICTORY, None, lying)
    heard = tuple(network for network in networks if not _spills(network, positions))
    undecided: tuple[Signal, ...] = ()
    for each in (positions + heard, *_weaker(scene)):
        group = tuple(signal for signal in each if _candidates((signal, *undecided)))
        candidates = _candidates(group)
        if group and not candidates:
            return _Conclusion(JudgementStatus.CONTRADICTORY, None, group)
        choice = _choose(group + undecided)
        if choice:
            deciding = tuple(signal for signal in group if signal.admits(choice))
            return _checked(scene, choice, tuple(sorted(deciding, key=lambda each: each.territory != choice)))
        undecided = undecided or (group if candidates else ())
    return _Conclusion(JudgementStatus.UNKNOWN, None, ())


def _weaker(scene: _Scene) -> tuple[tuple[Signal, ...], ...]:
    """Rule T7: the groups after position and serving network."""
    order = [Source.WIFI_COUNTRY, Source.LAST_NETWORK, Source.SIM_HOME, Source.SOURCE_ADDRESS]
    if scene.at_home:
        order.remove(Source.SIM_HOME)
        order.insert(0, Source.SIM_HOME)
    return tuple(scene.voices(source) for source in order)


def _candidates(group: Sequence[Signal]) -> set[str]:
    """The territories that all of a group are true of."""
    told = {territory for signal in group for territory in signal.territories}
    return {territory for territory in told if all(signal.admits(territory) for signal in group)}


def _choose(group: Sequence[Signal]) -> str | None:
    """The territory that all are true of and that one of them names first, or the only one that is left."""
    candidates = _candidates(group)
    named = [signal.territory for signal in group if signal.territory in candidates]
    if named:
        return named[0]
    return candidates.pop() if len(candidates) == 1 and len(group) > 1 else None


def _out_of_reach(scene: _Scene, networks: Sequence[Signal]) -> tuple[Signal, ...]:
    """Rules T5 and T6: a position and a network that cannot both be true."""
    for place in scene.signals:
        if place.source is not Source.POSITION or not (place.territories or place.note is Note.AT_SEA):
            continue
        for network in networks:
            if not _candidates((place, network)) and not _reaches(network, place):
                return (place, network)
    return ()


def _reaches(network: Signal, place: Signal) -> bool:
    """True where a cell of the network's territory can be heard at the place."""
    return any(network.admits(territory) or territory in _countries(network) for territory in place.nearby)


def _countries(signal: Signal) -> set[str]:
    """Territories told, and the countries of those that are parts."""
    return {territory.partition("-")[0] for territory in signal.territories}


def _spills(network: Signal, positions: Sequence[Signal]) -> bool:
    return any(not _candidates((place, network)) for place in positions)


def _checked(scene: _Scene, choice: str, deciding: tuple[Signal, ...]) -> _Conclusion:
    """Rule T9: a position that stands alone against Wi-Fi and source address."""
    resolved = _Conclusion(JudgementStatus.RESOLVED, choice, deciding)
    if deciding[0].source is not Source.POSITION or scene.voices(Source.SERVING_NETWORK):
        return resolved
    wifi, address = scene.voices(Source.WIFI_COUNTRY), scene.voices(Source.SOURCE_ADDRESS)
    witnesses = wifi + address
    if not (wifi and address) or any(signal.admits(choice) for signal in witnesses):
        return resolved
    elsewhere = _candidates(witnesses)
    if not elsewhere or any(elsewhere & place.nearby for place in deciding):
        return resolved
    return _Conclusion(JudgementStatus.CONTRADICTORY, None, deciding + witnesses)


def _finding(index: int, scene: _Scene, answer: _Conclusion) -> SignalFinding:
    signal = scene.signals[index]
    why = scene.aside.get(index)
    if signal.source is Source.REGISTRATION and _not_at_home(signal, scene, answer):
        return SignalFinding(signal, SignalOutcome.OVERRULED, FindingReason.NOT_AT_HOME)
    if why:
        contradicts = answer.status is JudgementStatus.CONTRADICTORY and signal in answer.deciding
        outcome = (
            SignalOutcome.OVERRULED
            if signal.territories
            else SignalOutcome.CONTRADICTED
            if contradicts
            else SignalOutcome.SILENT
        )
        return SignalFinding(signal, outcome, why)
    if answer.territory is None:
        return _unresolved(signal, answer)
    return _resolved(signal, answer.territory, answer.deciding[0])


def _resolved(signal: Signal, territory: str, decider: Signal) -> SignalFinding:
    if not signal.admits(territory):
        spill = signal.source is Source.SERVING_NETWORK
        return SignalFinding(
            signal,
            SignalOutcome.OVERRULED,
            FindingReason.BORDER_SPILL if spill else OVERRULED_BY_SOURCE[signal.source],
        )
    if signal is decider:
        return SignalFinding(
            signal,
            SignalOutcome.DECIDED,
            FindingReason.DECIDES if signal.territory else FindingReason.STRADDLES_BORDER,
        )
    return SignalFinding(signal, SignalOutcome.AGREED, _agreement(signal, territory))


def _unresolved(signal: Signal, answer: _Conclusion) -> SignalFinding:
    if signal in answer.deciding:
        return SignalFinding(signal, SignalOutcome.CONTRADICTED, FindingReason.IRRECONCILABLE)
    if signal.territory is None:
        return SignalFinding(signal, SignalOutcome.SILENT, FindingReason.STRADDLES_BORDER)
    why = (
        FindingReason.WEAKER if answer.status is JudgementStatus.CONTRADICTORY else FindingReason.OUT_OF_PLACE
    )
    return SignalFinding(signal, SignalOutcome.OVERRULED, why)


def _agreement(signal: Signal, territory: str) -> FindingReason:
    if signal.territory is None:
        return FindingReason.STRADDLES_BORDER
    same = signal.territory in {territory, territory.partition("-")[0]}
    return FindingReason.AGREES if same else FindingReason.ALSO_TRUE


def _not_at_home(signal: Signal, scene: _Scene, answer: _Conclusion) -> bool:
    """True where the modem says home, and no SIM is from where the phone is."""
    if signal.reading != Registration.HOME or answer.territory is None:
        return False
    sims = [each for each in scene.signals if each.source is Source.SIM_HOME and each.territories]
    return bool(sims) and not any(_countries(sim) & {answer.territory.partition("-")[0]} for sim in sims)


def _headline(answer: _Conclusion, confidence: float) -> str:
    if answer.status is JudgementStatus.CONTRADICTORY:
        return "Contradictory: signals of equal strength cannot be true together."
    if answer.territory is None:
        return f"Unknown. {ABSENT}"
    return f"In {answer.territory}, confidence {confidence_level(confidence)} ({confidence:.2f})."
