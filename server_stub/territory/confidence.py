"""The confidence of a judgement of territory.

Confidence is a score from 0 to 0.99 that orders judgements; it is not a probability. Each source that agrees with the
result has a weight. The score is one minus the product of (1 - weight), times a factor below one for each source that
disagrees. Without a position, a serving network or a registration at home it stays below `high`. A judgement that is
not resolved has confidence 0.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from server_stub.territory.findings import FindingReason, SignalFinding, SignalOutcome
from server_stub.territory.signals import Note, Source


class Confidence(StrEnum):
    """The level of a score: `high` from 0.7, `medium` from 0.45, `low` above 0, else `none`."""

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
"""The weight of each source that agrees. Estimates of the authors, not measurements."""

_WEIGHT_AT_HOME, _WEIGHT_DISPUTED, _WEIGHT_ALSO = 0.70, 0.40, 0.5
"""A SIM registered at home; a position on disputed ground; the factor for a signal that is also possible elsewhere."""

_WHOLE_WEIGHT: Final = {FindingReason.DECIDES, FindingReason.AGREES, FindingReason.CONTAINS}
_FACTOR: Final = {
    Source.SERVING_NETWORK: 0.75,
    Source.WIFI_COUNTRY: 0.75,
    Source.LAST_NETWORK: 0.90,
    Source.SOURCE_ADDRESS: 0.90,
    Source.REGISTRATION: 0.90,
}
"""The factor for each source that disagrees. A SIM from elsewhere is usual for travellers and has no factor."""

_CEILING, _CEILING_INDIRECT = 0.99, 0.69


def confidence_level(confidence: float) -> Confidence:
    """The level of a score.

    >>> confidence_level(0.8).value
    'high'
    """
    if confidence >= 0.70:
        return Confidence.HIGH
    if confidence >= 0.45:
        return Confidence.MEDIUM
    return Confidence.LOW if confidence > 0 else Confidence.NONE


def confidence_of(findings: Iterable[SignalFinding], *, at_home: bool) -> float:
    """The score of a resolved judgement. `at_home`: the SIM is registered in its home network."""
    weights: dict[Source, float] = {}
    against: set[Source] = set()
    for finding in findings:
        source = finding.signal.source
        if finding.outcome in {SignalOutcome.DECIDED, SignalOutcome.AGREED}:
            weight = _WEIGHT[source]
            if source is Source.SIM_HOME and at_home:
                weight = _WEIGHT_AT_HOME
            if finding.signal.note is Note.DISPUTED_GROUND:
                weight = _WEIGHT_DISPUTED
            if finding.reason not in _WHOLE_WEIGHT:
                weight *= _WEIGHT_ALSO
            weights[source] = max(weights.get(source, 0.0), weight)
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
