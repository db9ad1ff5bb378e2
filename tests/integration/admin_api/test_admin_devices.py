"""Devices in the admin API: search, state, and decisions about one or many."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from server_stub.admin.devices import Act
from tests.support.admin import Operated, operated
from tests.support.server_phone import DURING, ICCID, IMEI, SECOND_IMEI, telephony
from wire.codes import Decision
from wire.unlock import UnlockChallenge

UNKNOWN = f"/devices/d-{'0' * 32}"


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated) -> Operated:
    running.forget()
    return running


def test_a_device_is_found_by_its_imei_which_no_response_contains(server: Operated) -> None:
    sub = server.activate()
    found = server.ask("POST", "/devices/find", {"imei": IMEI})
    assert found.json()["sub"] == sub
    assert IMEI[:14] not in found.text
    assert server.refused("POST", "/devices/find", {"imei": SECOND_IMEI}) == (404, "device-unknown")


def test_a_search_applies_every_filter(server: Operated) -> None:
    havana = server.activate(IMEI)
    paris = server.activate(SECOND_IMEI, telephony=telephony("208", "01"))
    expected = {
        "decision=deny": [havana],
        "decision=allow": [paris],
        "territory=CU": [havana],
        "territory=FR": [paris],
        "activation_territory=FR": [paris],
        "activation_territory=CU": [],
        "locked=true": [havana],
        "overridden=true": [],
        "sale_region=global": sorted([havana, paris]),
        "sale_region=eea": [],
        "model=Lark%201&territory=FR": [paris],
        "batch=b1": [],
        "distributor=d1": [],
        f"activated_from={server.clock.now}": [paris],
        f"activated_until={server.clock.now}": [],
    }
    found = {asked: [each["sub"] for each in server.get(f"/devices?{asked}")["items"]] for asked in expected}
    assert found == expected


def test_every_device_is_on_exactly_one_page(server: Operated) -> None:
    """For every page length."""
    known = server.know(7)
    for limit in (1, 2, 3, 7, 8):
        seen, cursor = [], ""
        while True:
            page = server.get(f"/devices?limit={limit}{cursor}")
            assert len(page["items"]) <= limit
            seen += [each["sub"] for each in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == sorted(known)


def test_the_history_contains_the_inputs_of_each_verdict_and_no_identifiers(server: Operated) -> None:
    """Newest first, with rule and explanation."""
    sub = server.activate()
    server.activate(intent="check-in")
    answer = server.ask("GET", f"/devices/{sub}/history")
    newest, oldest = answer.json()["items"]
    assert (newest["serial"], oldest["serial"]) == (2, 1)
    assert (oldest["decision"], oldest["rule"], oldest["territory"]) == (
        "deny",
        "prohibited-at-activation",
        "CU",
    )
    assert "368" in oldest["judgement"]["explanation"]
    assert oldest["inputs"]["intent"] == "activate"
    assert ICCID not in answer.text
    assert IMEI[:14] not in answer.text
    assert server.refused("GET", f"{UNKNOWN}/history") == (404, "device-unknown")
    assert server.refused("GET", UNKNOWN) == (404, "device-unknown")


@pytest.mark.parametrize(
    ("act", "decision", "rule"),
    [
        ("lock", "deny", "operator-lock"),
        ("unlock", "allow", "operator-unlock"),
        ("release", "release", "operator-release"),
    ],
)
def test_an_operators_decision_applies_at_the_next_check_in(
    server: Operated, act: str, decision: str, rule: str
) -> None:
    """It takes precedence over the policy until it is withdrawn."""
    sub = server.activate()
    done = server.done(f"/devices/{sub}/{act}", {"reason": "ticket 7", "case": "C-7"})
    assert done["override"] == {
        "decision": decision,
        "reason": "ticket 7",
        "case": "C-7",
        "at": server.clock.now,
    }
    assert server.get("/devices?overridden=true")["items"] == [done]
    server.activate(intent="check-in")
    newest = server.get(f"/devices/{sub}/history")["items"][0]
    assert (newest["decision"], newest["rule"]) == (decision, rule)
    assert server.done(f"/devices/{sub}/withdraw", {"reason": "a mistake"})["override"] is None
    server.activate(intent="check-in")
    assert server.get(f"/devices/{sub}/history")["items"][0]["rule"] != rule


@pytest.mark.parametrize("act", [act.value for act in Act])
def test_a_decision_about_an_unknown_device_is_rejected(server: Operated, act: str) -> None:
    """It adds no device."""
    assert server.refused("POST", f"{UNKNOWN}/{act}", {"reason": "r"}) == (404, "device-unknown")
    assert server.get("/devices")["items"] == []


@pytest.mark.parametrize("decision", Decision)
def test_decision_for_the_next_answer_holds_once_and_is_shown(server: Operated, decision: Decision) -> None:
    """It comes before the policy and before an operator's decision. An allow is an activation, as always."""
    body = {"decision": decision.value, "reason": "a test"}
    rules = {Decision.ALLOW: "operator-unlock", Decision.DENY: "operator-lock"}
    sub, expected = server.activate(IMEI), [False]
    for act in (None, Act.LOCK):
        if act:
            server.done(f"/devices/{sub}/{act}", {"reason": "a test"})
        shown = server.done(f"/devices/{sub}/decide-once", body)["next_answer"]
        assert (shown["decision"], shown["reason"]) == (decision, "a test")
        assert server.get(f"/devices/{sub}")["next_answer"] == shown
        server.activate(IMEI)
        [once] = server.get(f"/devices/{sub}/history?limit=1")["items"]
        assert (once["decision"], once["rule"]) == (decision, rules.get(decision, f"operator-{decision}"))
        assert server.get(f"/devices/{sub}")["next_answer"] is None
        server.activate(IMEI)
        expected += [True, act is not None]
    history = server.get(f"/devices/{sub}/history")["items"]
    assert [each["rule"].startswith("operator-") for each in reversed(history)] == expected


def test_decision_for_the_next_answer_is_for_one_device_and_can_be_withdrawn(server: Operated) -> None:
    sub = server.activate(IMEI)
    server.done(f"/devices/{sub}/decide-once", {"decision": "release", "reason": "a test"})
    other = server.activate(SECOND_IMEI)
    assert server.get(f"/devices/{other}/history")["items"][0]["decision"] == "deny"
    assert server.done(f"/devices/{sub}/withdraw", {"reason": "a mistake"})["next_answer"] is None
    server.activate(IMEI)
    assert server.get(f"/devices/{sub}/history")["items"][0]["decision"] == "deny"


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "r" * 129}, {"reason": "r", "case": "a b"}]
)
def test_a_decision_needs_a_reason_on_one_line(server: Operated, body: dict[str, str]) -> None:
    sub = server.activate()
    assert server.refused("POST", f"/devices/{sub}/lock", body) == (422, "request-invalid")
    assert server.get(f"/devices/{sub}")["override"] is None


@pytest.mark.parametrize("act", [act.value for act in Act])
def test_a_bulk_dry_run_lists_the_devices_and_changes_nothing(server: Operated, act: str) -> None:
    """The same request without `dry_run` changes the same devices."""
    known = server.know(5)
    for sub in known[:3]:
        server.done(f"/devices/{sub}/release", {"reason": "prepared"})
    body = {"act": act, "filter": {"overridden": True}, "reason": "ticket 8", "dry_run": True}
    before, entries = server.get("/devices"), len(server.audit())
    would = server.done("/devices/bulk", body)
    assert (would["count"], would["devices"]) == (3, sorted(known[:3]))
    assert (server.get("/devices"), len(server.audit())) == (before, entries)
    did = server.done("/devices/bulk", body | {"dry_run": False})
    assert did == would | {"dry_run": False}
    decisions = {Act.LOCK: "deny", Act.UNLOCK: "allow", Act.RELEASE: "release", Act.WITHDRAW: None}
    for sub in known:
        override = server.get(f"/devices/{sub}")["override"]
        assert (override or {}).get("decision") == (decisions[Act(act)] if sub in known[:3] else None)


@pytest.mark.parametrize("maximum", [1, 2, 3, 4])
def test_a_bulk_request_that_finds_too_many_devices_changes_none(server: Operated, maximum: int) -> None:
    known = server.know(3)
    body = {"act": "lock", "filter": {}, "everybody": True, "maximum": maximum, "reason": "ticket 9"}
    if maximum >= 3:
        assert server.done("/devices/bulk", body)["devices"] == sorted(known)
        return
    for dry_run in (True, False):
        refused = server.refused("POST", "/devices/bulk", body | {"dry_run": dry_run})
        assert refused == (409, "too-many-devices")
    assert server.get("/devices?overridden=true")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"everybody": False},
        {"filter": {"overridden": False}},
        {"filter": {"locked": False}, "everybody": False},
        {"filter": {"colour": "red"}, "everybody": False},
        {"act": "sell"},
        {"maximum": 0},
        {"maximum": 10_001},
    ],
)
def test_a_bulk_request_with_unknown_or_missing_conditions_is_rejected(
    server: Operated, wrong: dict[str, object]
) -> None:
    server.know(1)
    body = {"act": "lock", "filter": {}, "everybody": True, "reason": "r"} | wrong
    assert server.refused("POST", "/devices/bulk", body) == (422, "request-invalid")
    assert server.get("/devices?overridden=true")["items"] == []


def test_a_bulk_request_that_fails_midway_changes_no_device(
    server: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It adds no audit entry either."""
    known = server.know(3)
    before = len(server.audit())
    remember = 0

    def failing(self: object, device: object) -> None:
        nonlocal remember
        remember += 1
        if remember == 3:
            raise OSError("the disk is gone")
        original(self, device)

    with server.parts.store.transaction() as under_way:
        kind = type(under_way)
    original = kind.put_device
    monkeypatch.setattr(kind, "put_device", failing)
    body = {"act": "lock", "filter": {}, "everybody": True, "reason": "ticket 9"}
    assert server.refused("POST", "/devices/bulk", body) == (500, "internal")
    monkeypatch.undo()
    assert remember == 3
    assert [server.get(f"/devices/{sub}")["override"] for sub in known] == [None] * 3
    assert len(server.audit()) == before


def test_a_device_has_its_times_and_shipment_if_known_and_null_otherwise(server: Operated) -> None:
    server.clock.now = DURING
    sub = server.activate()
    with server.parts.store.transaction() as transaction:
        known = transaction.device(sub)
        assert known is not None
        transaction.put_device(replace(known, batch="B-7", distributor="Isthmus Trading"))
    device = server.get(f"/devices/{sub}")
    assert (device["batch"], device["distributor"]) == ("B-7", "Isthmus Trading")
    assert (device["first_seen"], device["last_seen"], device["locks_at"]) == (DURING, DURING, DURING)
    assert [
        each["sub"] for each in server.get("/devices?batch=B-7&distributor=Isthmus%20Trading")["items"]
    ] == [sub]


def test_an_unlock_code_is_rejected_unless_a_locked_device_shows_the_challenge(server: Operated) -> None:
    """The tests of the code itself check what unlocks."""
    free = server.activate(SECOND_IMEI, telephony=telephony("208", "01"))
    assert free
    cases = {
        "no challenge": (422, "challenge-invalid"),
        UnlockChallenge("49015420323751", bytes(10)).text(): (404, "device-unknown"),
        UnlockChallenge(SECOND_IMEI[:14], bytes(10)).text(): (409, "device-not-locked"),
    }
    for challenge, expected in cases.items():
        assert server.refused("POST", "/unlock-codes", {"challenge": challenge, "reason": "r"}) == expected
    sub = server.activate()
    body = {"challenge": UnlockChallenge(IMEI[:14], bytes(10)).text(), "reason": "ticket 7", "case": "C-7"}
    assert server.refused("POST", "/unlock-codes", body | {"undelivered": 9}) == (409, "verdict-unknown")
    code = server.done("/unlock-codes", body)
    assert (code["sub"], code["case"], code["serial"]) == (sub, "C-7", 2)
    assert code["expires"] == server.clock.now + 86_400
    assert code["token"].count(".") == 2
    assert server.get(f"/devices/{sub}")["override"]["decision"] == "allow"
