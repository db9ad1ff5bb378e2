"""Expectations and steps in cases that were wrong once: dark screens, unsealed verdicts, marks, copies, faults."""

import pytest

from lab.backend.http_host import HttpHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import ScenarioResult, Status
from lab.scenario.output.explain import first_failure
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
def test_dark_device_shows_no_screen(how: str, seen: str) -> None:
    result = played(DARK[how] + f"- expect: phone\n  {seen}\n")
    assert result.status is Status.FAILED


@pytest.mark.parametrize(
    ("how", "outcome"), [("switched off", "off"), ("flashed", "off"), ("not booted", "no-boot")]
)
def test_outcome_of_a_dark_device_has_the_reason(how: str, outcome: str) -> None:
    assert wrong(played(DARK[how] + f"- expect: phone\n  outcome: '{outcome}'\n  usable: false\n")) == []


@pytest.mark.parametrize("step", ["retry", "enter-code: phone\n  text: AAAA", "accept-terms", "show-imei"])
@pytest.mark.parametrize("how", ["switched off", "not booted"])
def test_screen_step_on_a_dark_device_is_an_error(how: str, step: str) -> None:
    result = played(DARK[how] + f"- {step}\n")
    assert result.status is Status.ERROR
    assert "its screen cannot be used" in wrong(result)[0]


def test_screen_that_is_shown_at_the_mark_counts_after_it() -> None:
    body = UP + "- mark: m\n- wait: 1 hour\n- expect: phone\n  since: m\n  {}: {{screen: locked}}\n"
    assert played(body.format("never"), world=HAVANA).status is Status.FAILED
    assert wrong(played(body.format("always"), world=HAVANA)) == []


def test_screen_that_went_dark_before_the_mark_does_not_count() -> None:
    body = (
        UP
        + "- power-off\n- mark: m\n- wait: 1 hour\n- expect: phone\n  since: m\n  never: {screen: locked}\n"
    )
    assert wrong(played(body, world=HAVANA)) == []


def test_verdict_that_could_not_be_sealed_is_not_the_newest_one() -> None:
    body = UP + "- break-storage: phone\n  how: full-disk\n- lock\n- retry\n- expect: phone\n"
    assert (
        wrong(
            played(
                body + "  state: {lock: activated}\n  verdict: {decision: allow}\n  never: {decision: deny}\n"
            )
        )
        == []
    )


def test_states_of_the_agent_are_unknown_on_an_image_without_one() -> None:
    body = UP + "- flash: phone\n  profile: custom-aosp\n- mark: m\n- power-on\n- expect: phone\n  since: m\n"
    result = played(body + "  always: {lock: locked}\n", world=HAVANA)
    assert "could not be seen" in wrong(result)[0]


def test_observations_of_requests_and_verdicts_have_the_lock_state() -> None:
    body = UP + "- retry\n- expect: phone\n  never: {lock: locked, request: POST *}\n"
    assert played(body, world=HAVANA).status is Status.FAILED
    assert wrong(played(body.replace("lock: locked", "lock: released"), world=HAVANA)) == []


def test_audit_entries_after_a_loss_of_records_are_after_the_mark() -> None:
    body = (
        UP
        + "- lock\n- unlock\n- mark: m\n- lose-records\n- retry\n- lock\n"
        + "- expect:\n  since: m\n  audit: {action: device.lock, count: 1}\n"
    )
    assert wrong(played(body)) == []


def test_restore_state_uses_the_copy_of_the_same_device() -> None:
    body = (
        "- power-on\n- set-up\n- copy-state\n- power-off\n- restore-state\n- power-on\n"
        "- expect:\n  outcome: activated\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_restore_state_uses_another_device_s_copy_if_it_has_none() -> None:
    body = (
        "- power-on\n- set-up\n- copy-state: anna\n- restore-state: ben\n"
        "- power-on: ben\n"
        "- expect: ben\n  timeline: {what: recovered, detail: {fault: foreign}}\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_cut_power_affects_each_device_during_its_own_step() -> None:
    body = (
        "- power-on\n- set-up\n- power-off\n"
        "- cut-power:\n  at-effect: 1\n  during: power-on\n- expect:\n  outcome: 'off'\n"
    )
    assert wrong(played(body, handsets=TWO)) == []


def test_time_of_one_device_s_setup_passes_for_all_devices() -> None:
    steps = (
        "- fault: too-many-requests\n  to: challenges\n  of: anna\n  times: 1\n"
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
@pytest.mark.parametrize("target", [ServerTarget(), ServerTarget(HttpHost)], ids=["in process", "over HTTP"])
def test_fault_follows_its_schedule_in_process_and_over_http(rule: str, target: ServerTarget) -> None:
    faults, seen = FAULTS[rule]
    body = f"{faults}- power-on\n- set-up\n- wait: 5 min\n- expect: phone\n  {seen}\n"
    assert wrong(run(cases(text(body))[0], SEED, target)) == []


AFTER = {
    "oversized": ("- fault: oversized\n  to: verdicts\n  times: 1\n", "record: {known: true}"),
    "gzip-bomb": ("- fault: gzip-bomb\n  to: verdicts\n  times: 1\n", "record: {known: true}"),
}


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("target", [ServerTarget(), ServerTarget(HttpHost)], ids=["in process", "over HTTP"])
def test_server_processes_the_request_if_only_its_response_is_damaged(
    fault: str, target: ServerTarget
) -> None:
    steps, seen = AFTER[fault]
    body = f"{steps}- power-on\n- set-up\n- expect: phone\n  no-verdict: true\n  {seen}\n"
    assert wrong(run(cases(text(body))[0], SEED, target)) == []


def serial_of(result: ScenarioResult) -> list[object]:
    """The serials in the verdicts that came over the wire."""
    received = [entry.get("detail", {}).get("received") for entry in result.handsets[0].timeline]
    return [each["claims"]["serial"] for each in received if isinstance(each, dict) and "claims" in each]


@pytest.mark.parametrize("first", ["lost-answer", "truncated"])
def test_lost_response_can_be_replayed(first: str) -> None:
    body = (
        f"- fault: {first}\n  to: verdicts\n  times: 1\n- fault: replayed\n  to: verdicts\n  times: 1\n"
        "- power-on\n- set-up\n- wait: 1 min\n"
    )
    case = cases(text(body))[0]
    within, over = run(case, SEED), run(case, SEED, ServerTarget(HttpHost))
    assert serial_of(within) == serial_of(over)
    assert serial_of(within)[0] == 1


def test_error_names_a_mark_that_was_not_set() -> None:
    """`when` can leave a step out."""
    body = "parameters: {a: [x, y]}\n" + text(
        "- mark: m\n  when: {a: x}\n- expect: phone\n  since: m\n  requests: 0\n"
    )
    set_, unset = (run(case, SEED) for case in cases(body))
    assert (set_.status, unset.status) == (Status.PASSED, Status.ERROR)
    assert "the mark 'm' was not set in this combination" in wrong(unset)[0]


def test_reproduce_is_a_shell_command_with_quotes_and_options() -> None:
    (case,) = cases(text("- power-on\n"))
    result = run(case, "a b", ServerTarget(HttpHost))
    assert result.reproduce == "activation run folder/test.scenario.yaml --seed 'a b' --http"


def test_durations_and_moments_are_reported_as_they_are_written() -> None:
    result = played(
        "- wait-until: 2021-09-09\n- expect: phone\n  was-locked: [{after: 2021-09-10T10:30Z}]\n"
        "- expect:\n  elapsed: {at-least: 30 days}\n"
    )
    assert result.steps[0].text == "wait-until: 2021-09-09"
    assert wrong(result) == [
        "phone: was-locked: [{'after': '2021-09-10T10:30Z'}] != []",
        "None: elapsed: {'at-least': '30 days'} != 43200.0",
    ]


def test_impossible_step_is_reported_before_failed_expectations() -> None:
    """An earlier failure can have the same cause."""
    result = played("- expect: phone\n  outcome: locked\n- enter-code\n")
    assert result.status is Status.ERROR
    assert "its screen cannot be used" in str(first_failure(result))
