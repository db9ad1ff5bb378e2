"""Every kind of expectation: a correct one holds, and a wrong one is reported. A kind without a row fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.scenario.engine import engine
from lab.scenario.engine.checks import HANDSET_CHECKS, WORLD_CHECKS
from lab.scenario.engine.context import ScenarioContext, ServerTarget
from lab.scenario.engine.opening import open_context
from lab.scenario.engine.result import Mismatch, Status
from lab.scenario.model.expect import QUANTIFIERS, Expect
from lab.scenario.model.expectations import (
    EvidenceExpected,
    LockedPeriod,
    ObservationPattern,
    RecordExpected,
    ScreenExpected,
    StateExpected,
    VerdictExpected,
)
from lab.scenario.model.field_types import Table
from lab.scenario.model.step import Step
from tests.support.scenarios import SEED, cases, played, text, wrong

KINDS: dict[str, tuple[str, str]] = {
    "outcome": ("activated", "locked"),
    "outcome of several": ("[activated, locked]", "[home, pending]"),
    "usable": ("true", "false"),
    "screen": ("home", "locked"),
    "screen.id": ("{id: [home, notice]}", "{id: locked}"),
    "screen.title": ("{title: Home}", "{title: Goodbye}"),
    "screen.text": ("{text: [activated, phone]}", "{text: [activated, potato]}"),
    "screen.without-text": ("{without-text: potato}", "{without-text: activated}"),
    "screen.actions": ("{actions: [wifi-settings, emergency-call]}", "{actions: [retry]}"),
    "screen.offers": ("{offers: emergency-call}", "{offers: enter-code}"),
    "screen.direction": ("{direction: ltr}", "{direction: rtl}"),
    "screen.locale": ("{locale: en}", "{locale: fr}"),
    "screen.symbol": ("{id: home}", "{symbol: padlock}"),
    "screen.dark": ("{dark: false}", "{dark: true}"),
    "screen.trouble": ("{id: home}", "{trouble: busy}"),
    "screen.modem": ("{modem: none}", "{modem: no-answer}"),
    "screen.shows-challenge": ("{shows-challenge: false}", "{shows-challenge: true}"),
    "screen.shows-imei": ("{shows-imei: false}", "{shows-imei: true}"),
    "state.setup": ("{setup: done}", "{setup: terms}"),
    "state.exchange": ("{exchange: idle}", "{exchange: backoff}"),
    "state.lock": ("{lock: activated}", "{lock: locked}"),
    "state.attention": ("{attention: clear}", "{attention: notice}"),
    "state.trouble": ("{lock: activated}", "{trouble: busy}"),
    "state.modem": ("{modem: none}", "{modem: not-understood}"),
    "state.locale": ("{locale: en}", "{locale: fr}"),
    "state.terms": ("{lock: activated}", "{terms: none-such}"),
    "state.policy-version": ("{policy-version: 2}", "{policy-version: 7}"),
    "state.serial": ("{serial: {at-least: 1}}", "{serial: 99}"),
    "state.trusted-time": ("{trusted-time: {at-most: 5 s}}", "{trusted-time: {at-least: 1 day}}"),
    "state.trusted-time-ahead": (
        "{trusted-time-ahead: {at-most: 0 s}}",
        "{trusted-time-ahead: {at-least: 1 min}}",
    ),
    "verdict": ("allow", "deny"),
    "verdict.decision": ("{decision: [allow, notice]}", "{decision: release}"),
    "verdict.reason": ("{reason: territory-eligible}", "{reason: given-up}"),
    "verdict.rule": ("{rule: eligible}", "{rule: unattested}"),
    "verdict.policy": ("{policy: export-2021-09}", "{policy: another}"),
    "verdict.policy-version": ("{policy-version: 2}", "{policy-version: 3}"),
    "verdict.territory": ("{territory: FR}", "{territory: CU}"),
    "verdict.trust": ("{trust: affirming}", "{trust: contraindicated}"),
    "verdict.message": ("{message: activated}", "{message: not-sold-here}"),
    "verdict.case": ("{case: false}", "{case: true}"),
    "verdict.check-in": ("{check-in: {at-least: 7 days}}", "{check-in: {at-most: 1 day}}"),
    "verdict.offline-limit": ("{offline-limit: {at-most: 90 days}}", "{offline-limit: {at-most: 1 day}}"),
    "verdict.not-before-lock": ("{decision: allow}", "{not-before-lock: 2021-09-12}"),
    "no-verdict": ("false", "true"),
    "evidence.intent": ("{intent: activate}", "{intent: check-in}"),
    "evidence.claims": (
        '{claims: {telephony.serving.plmn.mcc: "208"}}',
        '{claims: {telephony.serving.plmn.mcc: "368"}}',
    ),
    "evidence.without": ("{without: [telephony.sims.0.gid1]}", "{without: [telephony]}"),
    "requests": ("{verdicts: 1, challenges: 1}", "{verdicts: 2}"),
    "requests.all": ("{all: {at-least: 3}}", "0"),
    "requests.challenges": ("{challenges: 1}", "{challenges: 0}"),
    "requests.verdicts": ("{verdicts: {at-most: 1}}", "{verdicts: {at-least: 2}}"),
    "requests.keys": ("{keys: {at-least: 1}}", "{keys: 0}"),
    "timeline": (
        "[language-chosen, POST /v1/verdicts, {what: home, who: screen}]",
        "[POST /v1/verdicts, language-chosen]",
    ),
    "timeline.detail": (
        "{what: POST /v1/verdicts, detail: {received.claims.decision: allow}}",
        "{what: POST /v1/verdicts, detail: {received.claims.decision: deny}}",
    ),
    "timeline.who": ("{what: booted, who: phone}", "{what: booted, who: user}"),
    "never": ("{screen: locked}", "{screen: terms}"),
    "never.screen": ("[{screen: [locked, notice]}]", "[{screen: notice}, {screen: terms}]"),
    "never.offers": ("{offers: enter-code}", "{offers: accept-terms}"),
    "never.text": ("{text: potato}", "{text: activated}"),
    "never.direction": ("{direction: rtl}", "{direction: ltr}"),
    "never.setup": ("{setup: connect, lock: locked}", "{setup: done}"),
    "never.lock": ("{lock: locked}", "{lock: activated}"),
    "never.trouble": ("{trouble: busy}", "{lock: unprovisioned}"),
    "never.decision": ("{decision: deny}", "{decision: allow}"),
    "never.reason": ("{reason: given-up}", "{reason: territory-eligible}"),
    "never.rule": ("{rule: unattested}", "{rule: eligible}"),
    "never.request": ("{request: /nowhere}", "{request: /tuf/*}"),
    "always": ("{offers: emergency-call}", "{screen: home}"),
    "always, in verdicts": ("{decision: allow}", "{decision: deny}"),
    "always, though it was never seen": ("{direction: ltr}", "{reason: given-up}"),
    "was-locked": ("[]", "[{lifted: true}]"),
    "record.known": ("{known: true}", "{known: false}"),
    "record.activation-territory": ("{activation-territory: FR}", "{activation-territory: CU}"),
    "record.sale-region": ("{sale-region: global}", "{sale-region: china}"),
    "record.override": ("{known: true}", "{override: deny}"),
    "record.locked": ("{locked: false}", "{locked: true}"),
    "audit": ("{action: policy.in-force}", "{action: device.lock}"),
    "audit.count": ("{action: device.*, count: 0}", "{action: policy.in-force, count: 0}"),
    "audit.by": ("{action: policy.*, by: '*'}", "{action: policy.*, by: stranger}"),
    "elapsed": ("{at-least: 20 s, at-most: 1 min}", "{at-least: 1 day}"),
    "elapsed since": ("{since: bought, at-most: 1 min}", "{since: bought, at-least: 1 day}"),
}
"""By member: an expectation that holds for a phone in Paris after setup, and one that does not."""

SETUP = "- power-on\n- mark: bought\n- set-up\n"

LATER: dict[str, tuple[str, str]] = {
    "was-locked": ("[{after: 2021-09-08, before: 2021-09-16, lifted: false}]", "[]"),
    "was-locked.after": ("[{after: 2021-09-08}]", "[{after: 2021-09-20}]"),
    "was-locked.before": ("[{before: 2021-09-20}]", "[{before: 2021-09-08}]"),
    "was-locked.lifted": ("[{lifted: false}]", "[{lifted: true}]"),
    "was-locked.lifted-after": ("[{lifted: false}]", "[{lifted-after: 2021-09-08}]"),
    "was-locked.lifted-before": ("[{lifted: false}]", "[{lifted-before: 2021-12-08}]"),
    "record.override": ("{override: deny, locked: true}", "{override: allow}"),
    "audit.of": (
        "{action: device.lock, of: phone, reason: reported stolen, count: 1}",
        "{action: device.lock, of: other}",
    ),
    "audit.subject": ("{action: device.lock, subject: '*'}", "{action: device.lock, subject: stranger}"),
    "audit.reason": ("{action: device.lock, reason: reported *}", "{action: device.lock, reason: lost}"),
    "screen.symbol": ("{symbol: padlock, dark: true, shows-challenge: true}", "{symbol: warning}"),
    "state.exchange": ("{lock: locked, exchange: idle}", "{lock: activated}"),
}
"""The same for a phone that an operator has locked since, together with one that is not locked."""

LOCKED = """
- power-on
- set-up
- lock: phone
  reason: reported stolen
- retry: phone
"""
TWO = "phone: {profile: official-global}\nother: {profile: official-global}"


ONE = "phone: {profile: official-global}"


@contextmanager
def context_after(life: str, handsets: str) -> Iterator[ScenarioContext]:
    """The context after these steps; expectations only read it, so that all rows share it."""
    case = cases(text(life, handsets=handsets))[0]
    with open_context(case, SEED, ServerTarget()) as context:
        engine.prepare_world(context)
        for line, step in case.steps:
            assert engine.run_step(context, line, step).status is Status.PASSED
        yield context


@pytest.fixture(scope="module")
def after_setup() -> Iterator[ScenarioContext]:
    with context_after(SETUP, ONE) as context:
        yield context


@pytest.fixture(scope="module")
def after_lock() -> Iterator[ScenarioContext]:
    with context_after(LOCKED, TWO) as context:
        yield context


def judged(context: ScenarioContext, member: str, value: str) -> list[Mismatch]:
    """The mismatches of one expectation, read from a file."""
    name = member.partition(".")[0].partition(",")[0].partition(" ")[0]
    body = text(f"- mark: bought\n- expect: phone\n  {name}: {value}\n", handsets=TWO)
    line, step = cases(body)[0].steps[-1]
    result = engine.run_step(context, line, step)
    assert result.error is None
    found = [mismatch for each in result.judged for mismatch in each.mismatches]
    assert (result.status is Status.FAILED) == bool(found)
    return found


@pytest.mark.parametrize("member", KINDS)
def test_wrong_expectation_is_reported_and_correct_one_holds(
    after_setup: ScenarioContext, member: str
) -> None:
    right, not_right = KINDS[member]
    assert judged(after_setup, member, right) == []
    assert len(judged(after_setup, member, not_right)) == 1


@pytest.mark.parametrize("member", LATER)
def test_expectations_after_an_operator_locked_the_device(after_lock: ScenarioContext, member: str) -> None:
    right, not_right = LATER[member]
    assert judged(after_lock, member, right) == []
    assert judged(after_lock, member, not_right)


def test_every_kind_of_expectation_has_a_check_and_a_row() -> None:
    kinds = set(Expect.model_fields) - set(Step.model_fields) - {"expect", "since"} - QUANTIFIERS
    assert kinds == {*HANDSET_CHECKS, *WORLD_CHECKS}
    rows = {name.replace("-", "_") for name in (*KINDS, *LATER)}
    assert kinds <= {row.partition(".")[0] for row in rows}


TABLES: dict[str, type[Table]] = {
    "screen": ScreenExpected,
    "state": StateExpected,
    "verdict": VerdictExpected,
    "evidence": EvidenceExpected,
    "never": ObservationPattern,
    "was-locked": LockedPeriod,
    "record": RecordExpected,
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_member_of_an_expectation_has_a_row(kind: str) -> None:
    rows = {row.partition(".")[2] for row in (*KINDS, *LATER) if row.startswith(f"{kind}.")}
    assert {field.alias for field in TABLES[kind].model_fields.values()} <= rows


def test_expectation_of_several_handsets_names_the_one_that_fails() -> None:
    two = "here: {profile: official-global}\nthere: {profile: official-global, place: havana}"
    result = played("- power-on\n- set-up\n- expect: [here, there]\n  outcome: activated\n", handsets=two)
    assert [each.handset for each in result.steps[-1].judged if not each.holds] == ["there"]


def test_since_excludes_what_was_before_the_mark() -> None:
    """Requests, entries and observations count from the mark on."""
    steps = "- power-on\n- set-up\n- mark: home\n- wait: 1 day\n- expect: phone\n  since: home\n  {}\n"
    assert wrong(played(steps.format("requests: {verdicts: 0}"))) == []
    assert wrong(played(steps.format("never: {screen: terms}"))) == []
    assert wrong(played(steps.format("timeline: [terms-accepted]")))
    lock = (
        f"{LOCKED}- mark: home\n- expect: phone\n  since: home\n  audit: {{action: device.lock, count: 0}}\n"
    )
    assert wrong(played(lock, handsets=TWO)) == []


def test_always_fails_without_any_matching_observation() -> None:
    found = wrong(played("- power-on\n- expect: phone\n  always: {decision: allow}\n"))
    assert len(found) == 1
    assert "could not be seen" in found[0]


def test_lock_that_could_not_be_sealed_is_not_observed() -> None:
    steps = "- break-storage: phone\n  how: full-disk\n- lock: phone\n- retry\n- expect: phone\n"
    assert wrong(played(f"{SETUP}{steps}  never: {{lock: locked}}\n  timeline: nothing\n"))
    assert wrong(played(f"{SETUP}{steps}  never: {{lock: locked}}\n  timeline: denied\n")) == []
