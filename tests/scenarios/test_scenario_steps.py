"""Every step has its effect, and one that cannot be done says why. A verb without a row fails."""

import pytest

from lab.backend.http_host import HttpHost
from lab.scenario.engine.context import ServerTarget
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.model.device_steps import Spoiling
from lab.scenario.model.faults import SCENARIO_FAULTS
from lab.scenario.model.step_union import VERBS
from server_stub.faults.catalogue import FaultKind
from tests.support.scenarios import SEED, cases, last, played, text, wrong

HAVANA = "{place: havana}"
UP = "- power-on\n- set-up\n"
SILENT = "- location: phone\n  turn: off\n- join-wifi: phone\n"
"""A device without a card then reports nothing about its place."""

WITH_EUICC = "phone: {profile: official-global, sims: [{esim: {home: 208-01, work: 208-10}, enabled: home}]}"
EUICC = UP + "- join-wifi\n"

ROWS: dict[str, tuple[str, str]] = {
    "power-on": ("- power-on\n- expect: phone\n  screen: language", "{}"),
    "power-off": (UP + "- power-off\n- expect: phone\n  timeline: switched off", "{}"),
    "set-up": (
        "- power-on\n- set-up: phone\n  language: fr\n- expect: phone\n  screen: {id: home, locale: fr}",
        "{}",
    ),
    "choose-language": (
        "- power-on\n- choose-language: phone\n  language: ar\n- expect: phone\n  screen: {id: terms, direction: rtl}",
        "{}",
    ),
    "accept-terms": (
        "- power-on\n- choose-language: phone\n  language: en\n- accept-terms\n- expect: phone\n"
        "  screen: [connect, activating, home]\n  state: {setup: [connect, activate, done]}",
        "{network: down}",
    ),
    "decline-terms": (
        "- power-on\n- choose-language: phone\n  language: en\n- decline-terms\n- expect: phone\n"
        "  screen: language\n  no-verdict: true",
        "{}",
    ),
    "continue": (
        UP
        + "- network-down\n- wait-for: phone\n  see: {screen: offline-warning}\n  at-most: 90 days\n- continue\n"
        "- expect: phone\n  screen: home",
        "{policy: open-2021-08}",
    ),
    "retry": (UP + "- mark: m\n- retry\n- expect: phone\n  since: m\n  requests: {verdicts: 1}", HAVANA),
    "show-imei": (UP + "- show-imei\n- expect: phone\n  screen: {id: locked, shows-imei: true}", HAVANA),
    "enter-code": (
        UP + "- issue-code: phone\n- network-down\n- enter-code\n- expect: phone\n  outcome: activated",
        HAVANA,
    ),
    "press": (
        "- power-on\n- press: emergency-call\n- press: continue\n  language: ar\n- expect: phone\n"
        "  screen: {id: terms, locale: ar}\n"
        "  timeline: {what: emergency call, detail: {result: connected, network: 368-01}}",
        HAVANA,
    ),
    "insert-sim": (
        UP + "- insert-sim: phone\n  operator: 208-01\n- expect: phone\n"
        '  evidence: {claims: {telephony.sims.0.mcc: "208"}}',
        HAVANA,
    ),
    "remove-sim": (
        UP + "- remove-sim\n- expect: phone\n  evidence: {claims: {telephony.sims.0.status: absent}}",
        "{place: tehran-wifi}",
    ),
    "enable-esim": (
        EUICC + "- enable-esim: phone\n  esim: work\n- expect: phone\n  requests: {verdicts: 2}\n"
        '  evidence: {claims: {telephony.sims.0.mnc: "10"}}',
        "{}",
    ),
    "disable-esim": (
        EUICC
        + "- disable-esim\n- expect: phone\n  evidence: {claims: {telephony.sims.0.status: unreadable}}",
        "{}",
    ),
    "delete-esim": (
        EUICC
        + "- delete-esim: phone\n  esim: home\n- expect: phone\n  timeline: [eSIM disabled, eSIM deleted]\n"
        "  evidence: {claims: {telephony.sims.0.status: unreadable}}",
        "{}",
    ),
    "download-esim": (
        EUICC
        + "- download-esim: phone\n  esim: third\n  operator: 250-01\n- enable-esim: phone\n  esim: third\n"
        '- expect: phone\n  evidence: {claims: {telephony.sims.0.mcc: "250"}}',
        "{}",
    ),
    "swap-sims": (
        UP + "- swap-sims\n- expect: phone\n  timeline: SIMs swapped\n"
        "  evidence: {claims: {telephony.sims.0.status: absent}}",
        "{place: paris}",
    ),
    "move": (UP + "- move: phone\n  to: paris\n- expect: phone\n  timeline: carried to paris", HAVANA),
    "join-wifi": (
        UP + "- join-wifi: phone\n  country: DE\n- retry\n- expect: phone\n"
        "  evidence: {claims: {wifi.connected: true, wifi.country: DE}}",
        HAVANA,
    ),
    "leave-wifi": (
        UP + "- leave-wifi\n- retry\n- expect: phone\n  state: {trouble: unreachable}",
        "{place: tehran-wifi}",
    ),
    "airplane-mode": (
        UP
        + "- airplane-mode: phone\n  turn: on\n- mark: m\n- retry\n- expect: phone\n  since: m\n  requests: 0\n"
        "- airplane-mode: phone\n  turn: off\n- expect: phone\n  since: m\n  requests: {verdicts: 1}",
        HAVANA,
    ),
    "join-vpn": (
        SILENT + "- join-vpn: phone\n  exit: CU\n" + UP + "- expect: phone\n  verdict: {territory: CU}",
        "{place: tehran-wifi}",
    ),
    "leave-vpn": (
        SILENT
        + "- join-vpn: phone\n  exit: CU\n- leave-vpn\n"
        + UP
        + "- expect: phone\n  verdict: {territory: IR}",
        "{place: tehran-wifi}",
    ),
    "location": (
        UP + "- location: phone\n  turn: off\n- retry\n- expect: phone\n  evidence: {without: location}\n"
        "- location: phone\n  turn: on\n- retry\n- expect: phone\n"
        "  evidence: {claims: {location.latitude: 23.1136}}",
        HAVANA,
    ),
    "false-position": (
        UP + "- false-position: phone\n  at: paris\n- retry\n- expect: phone\n"
        '  evidence: {claims: {location.latitude: 48.8566, telephony.serving.plmn.mcc: "368"}}',
        HAVANA,
    ),
    "true-position": (
        UP + "- false-position: phone\n  at: paris\n- true-position\n- retry\n- expect: phone\n"
        "  evidence: {claims: {location.latitude: 23.1136}}",
        HAVANA,
    ),
    "network-down": (
        UP + "- network-down\n- mark: m\n- retry\n- expect: phone\n  since: m\n  requests: 0",
        HAVANA,
    ),
    "network-up": (
        "- power-on\n- set-up\n- expect: phone\n  screen: connect\n- network-up\n- expect: phone\n  outcome: activated",
        "{network: down}",
    ),
    "set-clock": (UP + "- set-clock: phone\n  to: 1970-01-01\n- expect: phone\n  timeline: clock set", "{}"),
    "factory-reset": (UP + "- factory-reset\n- expect: phone\n  screen: language", "{}"),
    "flash": (
        UP + "- flash: phone\n  profile: custom-aosp\n- power-on\n- expect: phone\n  outcome: home",
        HAVANA,
    ),
    "copy-state": (
        UP + "- copy-state\n- retry\n- restore-state\n- power-on\n- expect: phone\n"
        "  timeline: {what: recovered, detail: {fault: rolled-back}}",
        HAVANA,
    ),
    "restore-state": (
        UP
        + "- copy-state: phone\n  as: mine\n- restore-state: phone\n  from: mine\n- power-on\n- expect: phone\n"
        "  outcome: locked",
        HAVANA,
    ),
    "spoil-state": (
        UP + "- spoil-state: phone\n  how: missing\n- power-on\n- expect: phone\n"
        "  timeline: {what: recovered, detail: {fault: missing}}",
        HAVANA,
    ),
    "break-storage": (
        UP
        + "- break-storage: phone\n  how: full-disk\n- retry\n- expect: phone\n  screen: {trouble: no-storage}",
        HAVANA,
    ),
    "mend-storage": (
        UP
        + "- break-storage: phone\n  how: silent-counter\n- retry\n- mend-storage\n- wait: 2 hours\n"
        "- expect: phone\n  screen: {id: locked}\n  state: {trouble: []}".replace(
            "  state: {trouble: []}", "  usable: false"
        ),
        HAVANA,
    ),
    "break-modem": (
        UP + "- break-modem: phone\n  how: silent\n- retry\n- expect: phone\n  state: {modem: no-answer}",
        HAVANA,
    ),
    "repair-modem": (
        UP + "- break-modem: phone\n  how: gone\n- retry\n- repair-modem\n- retry\n"
        "- expect: phone\n  screen: locked\n  state: {modem: none}",
        HAVANA,
    ),
    "replace-counter": (
        UP + "- replace-counter\n- power-on\n- expect: phone\n"
        "  timeline: {what: recovered, detail: {fault: counter-lost}}",
        HAVANA,
    ),
    "lose-keys": (
        UP
        + "- mark: m\n- lose-keys\n- retry\n- expect: phone\n  since: m\n  requests: {keys: {at-least: 5}}",
        HAVANA,
    ),
    "cut-power": (
        UP
        + "- cut-power: phone\n  at-effect: 2\n  during: retry\n- expect: phone\n  timeline: switched off\n- power-on\n"
        "- expect: phone\n  screen: locked",
        HAVANA,
    ),
    "wait": (UP + "- wait: 8 days\n- expect: phone\n  requests: {verdicts: 2}", "{}"),
    "wait-until": (
        UP + "- wait-until: 2021-09-10\n- expect:\n  elapsed: {at-least: 1 day, at-most: 2 days}",
        "{}",
    ),
    "wait-for": (
        UP + "- mark: m\n- wait-for: phone\n  see: {request: /v1/verdicts}\n- expect: phone\n"
        "  elapsed: {since: m, at-least: 6 days, at-most: 8 days}",
        "{}",
    ),
    "mark": (
        UP + "- mark: m\n- wait: 1 min\n- expect:\n  elapsed: {since: m, at-least: 1 min, at-most: 1 min}",
        "{}",
    ),
    "lock": (
        UP
        + "- lock: phone\n  case: C-9\n- retry\n- expect: phone\n  screen: {id: locked, text: 'Case number: C-9'}",
        "{}",
    ),
    "unlock": (UP + "- unlock\n- retry\n- expect: phone\n  outcome: activated", HAVANA),
    "release": (UP + "- release\n- retry\n- expect: phone\n  state: {lock: released}", HAVANA),
    "withdraw": (UP + "- unlock\n- withdraw\n- retry\n- expect: phone\n  outcome: locked", HAVANA),
    "issue-code": (
        UP
        + "- issue-code: phone\n  as: mine\n- enter-code: phone\n  code: mine\n- expect: phone\n  outcome: activated",
        HAVANA,
    ),
    "put-in-force": (
        UP + "- put-in-force: export-2021-09\n- factory-reset\n- set-up\n- expect: phone\n"
        "  verdict: {policy: export-2021-09}",
        "{place: havana, policy: open-2021-08}",
    ),
    "start-campaign": (
        UP
        + "- put-in-force: export-2021-09\n- start-campaign: investigation-2021\n- retry\n- expect: phone\n"
        "  verdict: {rule: activated-in-prohibited-territory}",
        "{place: havana, policy: open-2021-08, starts: 2021-09-01}",
    ),
    "lift-campaign": (
        UP + "- put-in-force: export-2021-09\n- retry\n- expect: phone\n  outcome: locked\n"
        "- lift-campaign: investigation-2021\n- retry\n- expect: phone\n  verdict: {reason: campaign-lifted}",
        "{place: havana, policy: open-2021-08}",
    ),
    "rotate-key": (
        UP
        + "- rotate-key\n- wait: 8 days\n- expect: phone\n  outcome: activated\n  audit: {action: key.rotate}",
        "{}",
    ),
    "revoke-key": (
        UP
        + "- mark: m\n- revoke-key\n- wait: 8 days\n- expect: phone\n  since: m\n  never: {trouble: untrusted}\n"
        "  requests: {verdicts: {at-least: 1}}\n  audit: {action: key.revoke}",
        "{}",
    ),
    "replace-online-keys": (
        UP + "- mark: m\n- replace-online-keys\n- retry\n- expect: phone\n  since: m\n  verdict: deny\n"
        "  timeline: {what: GET /tuf/metadata/2.root.json, detail: {status: 200}}",
        HAVANA,
    ),
    "steal-key": (
        UP + "- steal-key: verdict\n  for: 1 hour\n- retry\n- expect: phone\n  outcome: activated\n"
        "  state: {trusted-time-ahead: {at-least: 1 day}}",
        "{}",
    ),
    "set-server-clock": (
        "- set-server-clock: 3600\n- restart-server\n" + UP + "- expect: phone\n"
        "  state: {trusted-time-ahead: {at-least: 1 hour}}",
        "{}",
    ),
    "accept-clock": (
        UP
        + "- set-server-clock: -3600\n- retry\n- expect: phone\n  screen: {trouble: busy}\n- accept-clock\n"
        "- retry\n- expect: phone\n  state: {trusted-time: {at-least: 59 min}, trouble: none}\n"
        "  audit: {action: clock.accept, count: 1}",
        HAVANA,
    ),
    "restart-server": (UP + "- restart-server\n- retry\n- expect: phone\n  outcome: locked", HAVANA),
    "back-up": (
        UP + "- back-up\n- unlock\n- restore-backup\n- retry\n- expect: phone\n  outcome: locked",
        HAVANA,
    ),
    "restore-backup": (
        UP
        + "- back-up: \n  as: b\n- lock\n- restore-backup:\n  from: b\n- expect: phone\n  record: {override: deny}",
        HAVANA,
    ),
    "lose-records": (UP + "- lose-records\n- expect: phone\n  record: {known: false}", HAVANA),
    "fault": (
        "- fault: unavailable\n  to: challenges\n- power-on\n- set-up\n- expect: phone\n"
        "  screen: {id: waiting, trouble: busy}",
        "{}",
    ),
    "heal": (
        "- fault: partition\n- power-on\n- set-up\n- heal\n- wait: 1 hour\n- expect: phone\n  outcome: activated",
        "{}",
    ),
    "expect": ("- expect: phone\n  outcome: 'off'", "{}"),
}
"""By verb: steps that show what it does, and the world in which they do."""

FAILS = {"restore-backup"}
"""Rows that must fail: what they expect was undone."""


@pytest.mark.sample(4)
@pytest.mark.parametrize("verb", ROWS)
def test_step_has_its_observable_effect(verb: str) -> None:
    steps, world = ROWS[verb]
    phone = WITH_EUICC if verb.endswith("-esim") else "phone: {profile: official-global}"
    result = played(steps, world=world, handsets=phone)
    assert (result.status is Status.PASSED) == (verb not in FAILS), wrong(result)
    assert result.status is not Status.ERROR, wrong(result)


def test_every_step_has_a_row() -> None:
    elsewhere = {"screenshot", "golden", "capture"}
    assert set(VERBS) == set(ROWS) | elsewhere, "those are in test_screen_steps and test_own_files"
    assert all(verb in ROWS[verb][0] for verb in ROWS)


IMPOSSIBLE = {
    "time does not go back": "- wait-until: 2021-09-01",
    "no unlock code has been issued": UP + "- enter-code",
    "shows no challenge": UP + "- issue-code",
    "never came": UP + "- cut-power: phone\n  at-effect: 999\n  during: retry",
    "no button show-imei; it has wifi-settings, emergency-call": UP + "- press: show-imei",
    "is off, so its screen": "- press: emergency-call",
    "profileNotInDisabledState": UP + "- enable-esim: phone\n  esim: home",
    "has 0 enabled profiles": UP + "- disable-esim\n- disable-esim",
    "does not offer": "- power-on\n- choose-language: phone\n  language: xx",
    "no policy is called": "- put-in-force: export-2021-90",
    "campaign-unknown": "- start-campaign: nothing-of-the-kind",
    "device-unknown": "- lock: phone",
}


@pytest.mark.parametrize("words", IMPOSSIBLE)
def test_impossible_step_is_an_error_with_its_reason(words: str) -> None:
    """The steps after it are not done."""
    result = played(IMPOSSIBLE[words] + "\n- expect: phone\n  outcome: home", handsets=WITH_EUICC)
    assert result.status is Status.ERROR
    assert words in str(last(result).error)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCENARIO_FAULTS)
def test_no_fault_locks_or_activates_a_device(kind: FaultKind) -> None:
    """When it is over, the device is activated."""
    more = "\n  seconds: 900" if kind is FaultKind.CLOCK_SKEW else ""
    result = played(
        f"- fault: {kind}{more}\n- power-on\n- set-up\n- expect: phone\n  never: {{screen: locked}}\n"
        "- wait: 10 min\n- heal\n- wait: 2 days\n- expect: phone\n  outcome: activated\n  never: {screen: locked}"
    )
    assert result.status is Status.PASSED, wrong(result)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCENARIO_FAULTS)
def test_no_fault_on_real_sockets_locks_or_activates_a_device(kind: FaultKind) -> None:
    more = "\n  seconds: 900" if kind is FaultKind.CLOCK_SKEW else ""
    body = text(
        f"- fault: {kind}{more}\n- power-on\n- set-up\n- wait: 10 min\n- heal\n- wait: 2 days\n- expect: phone\n"
        "  outcome: activated\n  never: {screen: locked}"
    )
    result = run(cases(body)[0], SEED, ServerTarget(HttpHost))
    assert result.status is Status.PASSED, wrong(result)


HARMLESS = {FaultKind.DUPLICATED, FaultKind.REORDERED, FaultKind.REPLAYED}
"""A new phone has no earlier responses. A challenge that was requested twice counts once."""


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", sorted(set(SCENARIO_FAULTS) - HARMLESS))
def test_fault_prevents_the_verdict_of_a_new_device(kind: FaultKind) -> None:
    more = "\n  seconds: -900000" if kind is FaultKind.CLOCK_SKEW else ""
    result = played(
        f"- fault: {kind}\n  to: verdicts{more}\n- power-on\n- set-up\n- expect: phone\n  no-verdict: true"
    )
    assert result.status is Status.PASSED, wrong(result)


def test_fault_follows_its_schedule() -> None:
    schedule = {
        "on-request: 1": [True, False, False],
        "times: 1": [True, False, False],
        "from: 2021-09-09": [False, True, True],
        "until: 2021-09-09": [True, False, False],
        "for: 36 hours": [True, True, False],
        "to: keys": [True, True, True],
        "of: other": [False, False, False],
    }
    for when, struck in schedule.items():
        retries = "".join(
            f"- mark: m{day}\n- retry: phone\n- expect: phone\n  since: m{day}\n"
            f"  {'never' if not hit else 'always'}: {{trouble: busy}}\n- wait: 1 day\n"
            for day, hit in enumerate(struck)
        ).replace("always: {trouble: busy}", "timeline: {what: failed, detail: {trouble: busy}}")
        body = f"{UP}- fault: too-many-requests\n  to: challenges\n  {when}\n{retries}"
        if when.startswith("to:"):
            body = body.replace("  to: challenges\n", "")
        result = played(
            body, handsets="phone: {profile: official-global, place: havana}\nother: {profile: custom-aosp}"
        )
        assert result.status is Status.PASSED, (when, wrong(result))


@pytest.mark.parametrize("how", Spoiling)
def test_damaged_state_is_noticed(how: Spoiling) -> None:
    """The device asks again, and the server decides as before."""
    result = played(
        f"{UP}- spoil-state: phone\n  how: {how}\n- network-down\n- power-on\n- expect: phone\n  usable: false\n"
        "- network-up\n- set-up\n- expect: phone\n  outcome: activated"
    )
    assert result.status is Status.PASSED, wrong(result)
