"""Expectations hold only of what is so, and steps do what they say or say why not: defects that were found once."""

import pytest

from lab.backend.hosts import HttpHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.output.explain import first_wrong
from tests.support.scenarios import SEED, cases, played, text, wrong

UP = "- power-on\n- set-up\n"
HAVANA = "{place: havana}"
TWO = "anna: {profile: official-global}\nben: {profile: official-global}"

DARK = {
    "switched off": UP + "- power-off\n",
    "flashed": UP + "- flash: phone\n  profile: custom-aosp\n",
    "not booted": UP + "- flash: phone\n  profile: official-tampered\n- power-on\n",
}


@pytest.mark.parametrize("how", DARK)
@pytest.mark.parametrize(
    "seen", ["usable: true", "screen: {id: [home, locked]}", "outcome: [activated, locked]"]
)
def test_a_dark_phone_shows_nothing(how: str, seen: str) -> None:
    """What its panel showed before it went dark is no longer to be seen."""
    result = played(DARK[how] + f"- expect: phone\n  {seen}\n")
    assert result.status is Status.FAILED


@pytest.mark.parametrize(
    ("how", "outcome"), [("switched off", "off"), ("flashed", "off"), ("not booted", "no-boot")]
)
def test_why_a_phone_is_dark_is_told(how: str, outcome: str) -> None:
    """Off is one thing, and a bootloader that starts nothing another."""
    assert wrong(played(DARK[how] + f"- expect: phone\n  outcome: '{outcome}'\n  usable: false\n")) == []


@pytest.mark.parametrize("step", ["retry", "enter-code: phone\n  text: AAAA", "accept-terms", "show-imei"])
@pytest.mark.parametrize("how", ["switched off", "not booted"])
def test_nobody_touches_a_dark_screen(how: str, step: str) -> None:
    """A step that cannot be done stops the scenario and says why."""
    result = played(DARK[how] + f"- {step}\n")
    assert result.status is Status.ERROR
    assert "nobody can do this on its screen" in wrong(result)[0]


def test_a_screen_that_stood_at_the_mark_was_seen_after_it() -> None:
    """Who looks at a phone from a mark on sees the screen that stands there, although it came before."""
    body = UP + "- mark: m\n- wait: 1 hour\n- expect: phone\n  since: m\n  {}: {{screen: locked}}\n"
    assert played(body.format("never"), world=HAVANA).status is Status.FAILED
    assert wrong(played(body.format("always"), world=HAVANA)) == []


def test_a_screen_that_went_dark_before_the_mark_was_not() -> None:
    """A phone that was off at the mark showed nothing there."""
    body = (
        UP
        + "- power-off\n- mark: m\n- wait: 1 hour\n- expect: phone\n  since: m\n  never: {screen: locked}\n"
    )
    assert wrong(played(body, world=HAVANA)) == []


def test_a_verdict_that_could_not_be_sealed_was_not_taken() -> None:
    """Nothing counts that is not sealed: the newest verdict is the one before."""
    body = UP + "- break-storage: phone\n  how: full-disk\n- lock\n- retry\n- expect: phone\n"
    assert (
        wrong(
            played(
                body + "  state: {lock: activated}\n  verdict: {decision: allow}\n  never: {decision: deny}\n"
            )
        )
        == []
    )


def test_where_the_machines_stood_is_forgotten_with_the_agent() -> None:
    """An image without an agent is locked by nobody, whatever the image before it was."""
    body = UP + "- flash: phone\n  profile: custom-aosp\n- mark: m\n- power-on\n- expect: phone\n  since: m\n"
    result = played(body + "  always: {lock: locked}\n", world=HAVANA)
    assert "could not be seen" in wrong(result)[0]


def test_what_was_asked_while_a_phone_was_locked_can_be_said() -> None:
    """Moments of requests and verdicts carry where the machines stood."""
    body = UP + "- retry\n- expect: phone\n  never: {lock: locked, request: POST *}\n"
    assert played(body, world=HAVANA).status is Status.FAILED
    assert wrong(played(body.replace("lock: locked", "lock: released"), world=HAVANA)) == []


def test_marks_do_not_count_in_records_that_were_lost() -> None:
    """An audit log that begins anew has all its entries after the mark."""
    body = (
        UP
        + "- lock\n- unlock\n- mark: m\n- lose-records\n- retry\n- lock\n"
        + "- expect:\n  since: m\n  audit: {action: device.lock, count: 1}\n"
    )
    assert wrong(played(body)) == []


def test_each_phone_gets_its_own_copy_back() -> None:
    """Copies of several phones under one name are several copies."""
    body = (
        "- power-on\n- set-up\n- copy-state\n- power-off\n- restore-state\n- power-on\n"
        "- expect:\n  outcome: activated\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_another_phones_copy_is_written_where_there_is_none_of_its_own() -> None:
    """A thief copies what he has."""
    body = (
        "- power-on\n- set-up\n- copy-state: anna\n- restore-state: ben\n"
        "- power-on: ben\n"
        "- expect: ben\n  timeline: {what: recovered, detail: {fault: foreign}}\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_power_is_cut_on_each_phone_during_its_own_step() -> None:
    """The turn of the second phone does not switch the first one on again."""
    body = (
        "- power-on\n- set-up\n- power-off\n"
        "- cut-power:\n  at-effect: 1\n  during: power-on\n- expect:\n  outcome: 'off'\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_time_on_the_screens_of_a_wizard_passes_for_everybody() -> None:
    """A phone's retry rings while another one is set up."""
    steps = (
        "- fault: unavailable\n  to: challenges\n  of: anna\n  times: 1\n"
        "- power-on: anna\n- set-up: anna\n- mark: m\n"
        + "".join(
            f"- power-on: {name}\n- set-up: {name}\n" for name in ("ben", "carl", "dora", "eve", "fred")
        )
        + "- expect: anna\n  since: m\n  requests: {verdicts: 1}\n"
    )
    phones = "\n".join(
        f"{name}: {{profile: official-global}}" for name in ("anna", "ben", "carl", "dora", "eve", "fred")
    )
    assert wrong(played(steps, handsets=phones)) == []


FAULTS = {
    "each fault counts every request": (
        "- fault: server-error\n  to: challenges\n  on-request: 1\n"
        "- fault: unavailable\n  to: challenges\n  on-request: 2\n",
        "timeline: [{what: POST *, detail: {status: 500}}, {what: POST *, detail: {status: 503}}]",
    ),
    "requests count from the beginning": (
        "- fault: unavailable\n  to: challenges\n  from: 2021-09-08T12:00:30Z\n  on-request: 1\n"
        "- wait: 1 min\n",
        "timeline: {what: POST *, detail: {status: 503}}",
    ),
    "its length counts from the beginning": (
        "- fault: unavailable\n  to: challenges\n  from: 2021-09-08T12:01Z\n  for: 2 hours\n- wait: 5 min\n",
        "timeline: {what: POST *, detail: {status: 503}}",
    ),
}


@pytest.mark.parametrize("rule", FAULTS)
@pytest.mark.parametrize("venue", [ServerTarget(), ServerTarget(HttpHost)], ids=["in process", "over HTTP"])
def test_faults_strike_as_their_schedule_says(rule: str, venue: ServerTarget) -> None:
    """The same in process and on the wire."""
    faults, seen = FAULTS[rule]
    body = f"{faults}- power-on\n- set-up\n- wait: 5 min\n- expect: phone\n  {seen}\n"
    assert wrong(run(cases(text(body))[0], SEED, venue)) == []


AFTER = {
    "oversized": ("- fault: oversized\n  to: verdicts\n  times: 1\n", "record: {known: true}"),
    "gzip-bomb": ("- fault: gzip-bomb\n  to: verdicts\n  times: 1\n", "record: {known: true}"),
}


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("venue", [ServerTarget(), ServerTarget(HttpHost)], ids=["in process", "over HTTP"])
def test_the_server_has_done_its_work_where_its_answer_is_spoilt(fault: str, venue: ServerTarget) -> None:
    """What a phone cannot read was decided and recorded all the same."""
    steps, seen = AFTER[fault]
    body = f"{steps}- power-on\n- set-up\n- expect: phone\n  no-verdict: true\n  {seen}\n"
    assert wrong(run(cases(text(body))[0], SEED, venue)) == []


def serial_of(result: ScenarioResult) -> list[object]:
    """The serials in the verdicts that came over the wire."""
    received = [entry.get("detail", {}).get("received") for entry in result.handsets[0].timeline]
    return [each["claims"]["serial"] for each in received if isinstance(each, dict) and "claims" in each]


@pytest.mark.parametrize("first", ["lost-answer", "truncated"])
def test_an_answer_that_was_lost_can_be_replayed(first: str) -> None:
    """Who is on the line has what the phone never saw, in process as on the wire."""
    body = (
        f"- fault: {first}\n  to: verdicts\n  times: 1\n- fault: replayed\n  to: verdicts\n  times: 1\n"
        "- power-on\n- set-up\n- wait: 1 min\n"
    )
    case = cases(text(body))[0]
    within, over = run(case, SEED), run(case, SEED, ServerTarget(HttpHost))
    assert serial_of(within) == serial_of(over)
    assert serial_of(within)[0] == 1


def test_a_mark_that_was_not_set_is_named() -> None:
    """`when` may leave a step out; what refers to it says so."""
    body = "parameters: {a: [x, y]}\n" + text(
        "- mark: m\n  when: {a: x}\n- expect: phone\n  since: m\n  requests: 0\n"
    )
    set_, unset = (run(case, SEED) for case in cases(body))
    assert (set_.status, unset.status) == (Status.PASSED, Status.ERROR)
    assert "the mark 'm' was not set in this combination" in wrong(unset)[0]


def test_the_command_that_reproduces_a_failure_is_one_for_a_shell() -> None:
    """With its quotes, and with the way by which it was run."""
    (case,) = cases(text("- power-on\n"))
    result = run(case, "a b", ServerTarget(HttpHost))
    assert result.reproduce == "activation run folder/test.scenario.yaml --seed 'a b' --http"


def test_durations_and_moments_are_told_as_they_are_written() -> None:
    """Nobody reads seconds since 1970."""
    result = played(
        "- wait-until: 2021-09-09\n- expect: phone\n  was-locked: [{after: 2021-09-10T10:30Z}]\n"
        "- expect:\n  elapsed: {at-least: 30 days}\n"
    )
    assert result.steps[0].text == "wait-until: 2021-09-09"
    assert wrong(result) == [
        "phone: was-locked: [{'after': '2021-09-10T10:30Z'}] != []",
        "None: elapsed: {'at-least': '30 days'} != 43200.0",
    ]


def test_a_step_that_cannot_be_done_is_what_a_scenario_is_about_then() -> None:
    """What failed before it may follow from the same cause; what stopped it comes first."""
    result = played("- expect: phone\n  outcome: locked\n- enter-code\n")
    assert result.status is Status.ERROR
    assert "nobody can do this on its screen" in str(first_wrong(result))
