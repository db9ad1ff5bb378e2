"""An explanation never contradicts itself: result, outcome and reason of each signal fit together."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_stub.territory.confidence import Confidence, confidence_level
from server_stub.territory.findings import FindingReason, SignalFinding, SignalOutcome, sentence
from server_stub.territory.judgement import Judgement, JudgementStatus, Signal, Source, judge
from server_stub.territory.signals import Note
from tests.support.territory import SIGNALS, Reported, judgement_of, signals
from wire.codes import Registration

AGREEING = {SignalOutcome.DECIDED, SignalOutcome.AGREED}
REASONS = {
    SignalOutcome.DECIDED: {FindingReason.DECIDES, FindingReason.ONLY_COMMON},
    SignalOutcome.AGREED: {
        FindingReason.AGREES,
        FindingReason.CONTAINS,
        FindingReason.ALSO_TRUE,
        FindingReason.ONLY_COMMON,
        FindingReason.STRADDLES_BORDER,
    },
    SignalOutcome.CONTRADICTED: {FindingReason.IRRECONCILABLE, FindingReason.AT_SEA},
    SignalOutcome.OVERRULED: {
        FindingReason.HOME_ELSEWHERE,
        FindingReason.ROUTER_ELSEWHERE,
        FindingReason.ADDRESS_ELSEWHERE,
        FindingReason.STALE,
        FindingReason.BORDER_SPILL,
        FindingReason.AWAY_FROM_HOME,
        FindingReason.ABOARD,
        FindingReason.SEA_AROUND,
        FindingReason.NOT_AT_HOME,
        FindingReason.OUT_OF_PLACE,
        FindingReason.WEAKER,
    },
    SignalOutcome.SILENT: {
        *(FindingReason(note.value) for note in Note if note is not Note.DISPUTED_GROUND),
        FindingReason.STATE_ONLY,
        FindingReason.AMBIGUOUS,
        FindingReason.AWAY_FROM_HOME,
        FindingReason.ABOARD,
    },
}
"""The reasons with which a signal can have an outcome."""

TOWNS = st.sampled_from(
    [
        None, (50.45, 30.52), (46.17, 34.8), (48.0, 37.8), (48.57, 39.31), (44.95, 34.1), (44.62, 33.53), (46.1, 33.69),
        (43.0, 41.02), (41.69, 44.83), (34.59, 32.98), (42.66, 21.16), (44.8, 20.46), (19.91, -75.13), (20.14, -75.21),
        (23.11, -82.37), (23.45, -82.3666), (30.0, -40.0), (48.86, 2.35), (18.4, -66.1), (-77.85, 166.67),
        (55.76, 37.62),
    ]
)  # fmt: skip
NETWORKS = st.sampled_from(
    [None, "250-32", "250-97", "250-01", "255-01", "310-410", "368-01", "208-01", "234-10", "212-01", "901-12",
     "901-05", "999-40", "282-01"]
)  # fmt: skip
COUNTRIES = st.sampled_from([None, "RU", "UA", "US", "CU", "FR", "GB"])
REPORTS = st.builds(
    Reported,
    sims=st.sampled_from([(), ("250-32",), ("250-01",), ("368-01",), ("310-410",), ("208-01", "368-01")]),
    serving=NETWORKS,
    state=st.sampled_from([None, *Registration]),
    at=TOWNS,
    accuracy=st.sampled_from([None, 20.0, 5_000.0, 30_000.0]),
    wifi=COUNTRIES,
    source=COUNTRIES,
    age=st.sampled_from([None, 60, 3600, 90_000]),
)
"""What a device reports, from towns and networks of special ground."""


def contradictions(judgement: Judgement) -> list[str]:
    """What does not fit together in an explanation."""
    findings, status, territory = judgement.findings, judgement.status, judgement.territory
    found = [each.outcome for each in findings]
    problems = [
        f"{each.outcome}: {each.reason}" for each in findings if each.reason not in REASONS[each.outcome]
    ]
    if found.count(SignalOutcome.DECIDED) != (status is JudgementStatus.RESOLVED):
        problems.append("not exactly one signal decides")
    if status is not JudgementStatus.RESOLVED and AGREEING & set(found):
        problems.append("a signal agrees with no result")
    if (SignalOutcome.CONTRADICTED in found) != (status is JudgementStatus.CONTRADICTORY):
        problems.append("a signal contradicts, the result does not")
    if "No signal indicates a territory" in judgement.explanation and any(
        each.signal.territories for each in findings
    ):
        problems.append("no signal is said to indicate a territory, and one does")
    for each in findings:
        problems += finding_contradictions(each, judgement)
    contradicted = [each.signal for each in findings if each.outcome is SignalOutcome.CONTRADICTED]
    common = {
        each
        for each in chain.from_iterable(signal.territories for signal in contradicted)
        if all(signal.admits(each) for signal in contradicted)
    }
    if common:
        problems.append(f"{common} are compatible with each signal that contradicts")
    if judgement.overruled != tuple(
        each.signal for each in findings if each.outcome is SignalOutcome.OVERRULED
    ):
        problems.append("overruled signals differ")
    if territory and f"In {territory}," not in judgement.explanation:
        problems.append("the headline has another territory")
    return problems


def finding_contradictions(finding: SignalFinding, judgement: Judgement) -> list[str]:
    """What does not fit together in the finding of one signal."""
    signal, reason, outcome, territory = finding.signal, finding.reason, finding.outcome, judgement.territory
    places = [each.signal for each in judgement.findings if each.signal.source is Source.POSITION]
    text = sentence(finding, territory)
    problems = []
    if outcome in AGREEING and territory and not signal.admits(territory):
        problems.append(f"agrees without being compatible: {text}")
    if outcome is SignalOutcome.OVERRULED and territory and signal.admits(territory):
        problems.append(f"overruled although compatible with the result: {text}")
    if (
        outcome is SignalOutcome.OVERRULED
        and not signal.territories
        and reason is not FindingReason.NOT_AT_HOME
    ):
        problems.append(f"overruled without indicating a territory: {text}")
    if reason in {FindingReason.DECIDES, FindingReason.AGREES} and signal.territory != territory:
        problems.append(f"indicates another territory than the result: {text}")
    if reason is FindingReason.CONTAINS and not (territory or "").startswith(f"{signal.territory}-"):
        problems.append(f"does not contain the result: {text}")
    if reason is FindingReason.BORDER_SPILL and not any(
        signal.admits(each) for place in places for each in place.nearby
    ):
        problems.append(f"reaches across a border that is not near: {text}")
    if "indicates None" in text or " None" in text or "{" in text:
        problems.append(f"lacks a word: {text}")
    return problems


@given(SIGNALS)
def test_explanation_of_generated_signals_never_contradicts_itself(found: list[Signal]) -> None:
    judgement = judge(found)
    assert not contradictions(judgement), judgement.explanation


@given(REPORTS)
def test_explanation_of_a_report_never_contradicts_itself(reported: Reported) -> None:
    judgement = judgement_of(reported)
    assert not contradictions(judgement), judgement.explanation


@given(REPORTS, st.sampled_from([source for source in Source if source is not Source.REGISTRATION]))
def test_agreeing_signal_never_makes_a_report_contradictory(reported: Reported, source: Source) -> None:
    """A second network or position is not sent by a device."""
    before, found = judgement_of(reported), signals(reported)
    single = {Source.POSITION, Source.SERVING_NETWORK}
    if before.territory is None or (source in single and source in {each.source for each in found}):
        return
    after = judge([*found, Signal(source, "more", before.territory)])
    assert after.territory == before.territory, after.explanation
    assert after.confidence >= before.confidence


@given(REPORTS)
def test_result_is_a_territory_in_which_the_deciding_signals_can_be(reported: Reported) -> None:
    judgement = judgement_of(reported)
    assert (judgement.territory is None) == (judgement.status is not JudgementStatus.RESOLVED)
    assert (confidence_level(judgement.confidence) is Confidence.NONE) == (judgement.territory is None)
    if judgement.decided_by:
        assert judgement.territory
        assert judgement.decided_by.admits(judgement.territory)


@pytest.mark.parametrize(
    ("reported", "parts"),
    [
        (
            Reported(serving="250-32", at=(50.45, 30.52)),
            ["no territory is compatible with the position and the serving network", "Europe/Kyiv", "250-32"],
        ),
        (Reported(serving="250-01", at=(43.0, 41.02)), ["250-01 indicates RU, but is possible in GE as well"]),
        (Reported(serving="250-97", at=(48.0, 37.8)), ["indicates UA, of which UA-14 is a part", "UA-14 and decides"]),
        (Reported(serving="250-01", at=(48.0, 37.8)), ["indicates RU and is possible in UA-14, all that is common"]),
        (Reported(serving="250-01", at=(50.29, 36.94)), ["In UA", "whose cells reach across the border"]),
        (Reported(("368-01",), state=Registration.ROAMING), ["No signal that can be used indicates one territory"]),
        (Reported(("368-01", "208-01")), ["no territory is compatible with each reading of the SIM's home network"]),
        (
            Reported(at=(48.86, 2.35), wifi="IR", source="IR"),
            ["no territory is compatible with the position, the Wi-Fi country and the source address"],
        ),
    ],
)  # fmt: skip
def test_explanation_has_its_sentences(reported: Reported, parts: list[str]) -> None:
    explanation = judgement_of(reported).explanation
    assert [each for each in parts if each not in explanation] == [], explanation
