"""How sure a judgement of territory is.

Confidence is a score from 0 to 0.99 that orders judgements; it is no probability. Each kind of signal that says the
answer has a weight; the score is one minus the product of what the weights leave open, times a factor below one
for each kind that says otherwise. Without a position, a serving network or a registration at home it stays below
`high`. What is not resolved has confidence 0.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from server_stub.territory.findings import FindingReason, SignalFinding, SignalOutcome
from server_stub.territory.signals import Note, Source


class Confidence(StrEnum):
    """A score in a word: `high` from 0.7, `medium` from 0.45, `low` above 0, else `none`."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


_WEIGHT: Final = {
    Source.POSITION: 0.80,
    Source.SERVING_NETWORK: 0.80,
    Source.WIFI_COUNTRY: 0.50,
    Source.LAST_NETWORK: 0.40,
    Source.SIM_HOME: 0.30,
    Source.SOURCE_ADDRESS: 0.20,
}
"""How much a kind of signal that says the answer settles. A judgement of the authors, not a measurement."""

_WEIGHT_AT_HOME, _WEIGHT_DISPUTED, _WEIGHT_ALSO = 0.70, 0.40, 0.5
"""A SIM that is registered at home; a position on disputed ground; the factor for what is true there as well."""

_FACTOR: Final = {
    Source.SERVING_NETWORK: 0.75,
    Source.WIFI_COUNTRY: 0.75,
    Source.LAST_NETWORK: 0.90,
    Source.SOURCE_ADDRESS: 0.90,
    Source.REGISTRATION: 0.90,
}
"""What is left of the score where a kind says otherwise. A SIM from elsewhere is a traveller's, and takes nothing."""

_CEILING, _CEILING_INDIRECT = 0.99, 0.69


def confidence_level(confidence: float) -> Confidence:
    """The word for a score.

    >>> confidence_level(0.8).value
    'high'
    """
    if confidence >= 0.70:
        return Confidence.HIGH
    if confidence >= 0.45:
        return Confidence.MEDIUM
    return Confidence.LOW if confidence > 0 else Confidence.NONE


def confidence_of(findings: Iterable[SignalFinding], *, at_home: bool) -> float:
    """The score of a resolved judgement. A kind counts once; `at_home`: the SIM is registered in its home network."""
    weights: dict[Source, float] = {}
    against: set[Source] = set()
    for finding in findings:
        source = finding.signal.source
        if finding.outcome in {SignalOutcome.DECIDED, SignalOutcome.AGREED}:
            weights[source] = max(weights.get(source, 0.0), _weight(finding, at_home=at_home))
        elif finding.outcome is SignalOutcome.OVERRULED and source in _FACTOR:
            against.add(source)
    score = 1.0
    for weight in sorted(weights.values()):
        score *= 1 - weight
    score = 1 - score
    direct = {Source.POSITION, Source.SERVING_NETWORK} & weights.keys()
    score = min(score, _CEILING if direct or (at_home and Source.SIM_HOME in weights) else _CEILING_INDIRECT)
    for source in sorted(against):
        score *= _FACTOR[source]
    return max(round(score, 2), 0.01)


def _weight(finding: SignalFinding, *, at_home: bool) -> float:
    signal = finding.signal
    weight = _WEIGHT[signal.source]
    if signal.source is Source.SIM_HOME and at_home:
        weight = _WEIGHT_AT_HOME
    if signal.note is Note.DISPUTED_GROUND:
        weight = _WEIGHT_DISPUTED
    return (
        weight if finding.reason in {FindingReason.DECIDES, FindingReason.AGREES} else weight * _WEIGHT_ALSO
    )
