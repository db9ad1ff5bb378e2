"""Operations of the admin API and their effect on devices: faults, keys, unlock codes, decisions."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from agent.core.screens import ScreenId, Trouble
from lab.backend.http_host import HttpHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation

WHY = {"reason": "a test"}


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("admin-phones", host=HttpHost) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_faults(simulation: Simulation) -> Iterator[None]:
    yield
    simulation.server.faults.clear()


def ask(
    simulation: Simulation, method: str, path: str, body: Any = None, **headers: str
) -> requests.Response:
    admin = simulation.server.admin
    all_headers = {"Authorization": f"Bearer {admin.token}"} | headers
    return requests.request(method, admin.url + path, json=body, headers=all_headers, timeout=60)


def write(simulation: Simulation, path: str, **body: Any) -> Any:
    answer = ask(simulation, "POST", path, {**body, **WHY})
    assert answer.ok, answer.text
    return answer.json()


def new_phone(simulation: Simulation, place: str = "paris") -> Handset:
    phone = simulation.phone("official-global", place)
    phone.power_on()
    return phone


def codes(phone: Handset) -> list[str]:
    """The codes of failed exchanges."""
    return [str(entry.detail.get("code")) for entry in phone.timeline.entries if entry.what == "failed"]


def trouble(phone: Handset) -> Trouble | None:
    assert phone.display.current is not None
    return phone.display.current.facts.trouble


def settled(simulation: Simulation, phone: Handset) -> None:
    """Wait until the device has retried, and check that it got the server's decision."""
    phone.wait(2 * 86_400)
    assert phone.outcome() is Outcome.ACTIVATED


@pytest.mark.parametrize(
    ("fault", "seen", "code"),
    [
        ({"kind": "error"}, Trouble.BUSY, "unavailable"),
        ({"kind": "error", "retry_after": 3600}, Trouble.BUSY, "unavailable"),
        ({"kind": "error", "status": 500}, Trouble.UNREACHABLE, "internal"),
        ({"kind": "garbage"}, Trouble.UNTRUSTED, "alphabet"),
        ({"kind": "wrong-key"}, Trouble.UNTRUSTED, "key-unknown"),
        ({"kind": "expired"}, Trouble.UNTRUSTED, "expired"),
        ({"kind": "truncated"}, Trouble.UNREACHABLE, "broken-answer"),
        ({"kind": "conflict"}, Trouble.BUSY, "challenge-expired"),
        ({"kind": "unauthorized"}, Trouble.REFUSED, "challenge-invalid"),
        ({"kind": "expired", "route": "challenges"}, Trouble.BUSY, "challenge-expired"),
        ({"kind": "wrong-key", "route": "challenges"}, Trouble.REFUSED, "challenge-invalid"),
        ({"kind": "expired", "route": "keys"}, Trouble.UNTRUSTED, "issued-after-timestamp"),
        ({"kind": "wrong-key", "route": "keys"}, Trouble.NO_KEYS, "tuf-unsigned"),
        ({"kind": "garbage", "route": "challenges"}, Trouble.UNREACHABLE, "challenge-malformed"),
        (
            {"kind": "error", "route": "challenges", "status": 502, "count": 3},
            Trouble.UNREACHABLE,
            "internal",
        ),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_device_reports_an_injected_fault_by_class_and_recovers(
    simulation: Simulation, fault: dict[str, Any], seen: Trouble, code: str
) -> None:
    write(simulation, "/faults", **fault)
    phone = new_phone(simulation)
    phone.walk_setup()
    assert (trouble(phone), codes(phone)[-1]) == (seen, code)
    assert phone.outcome() is Outcome.PENDING
    assert ask(simulation, "GET", "/faults").json()["items"] == []
    settled(simulation, phone)


def test_a_replayed_verdict_is_rejected_and_the_lock_remains(simulation: Simulation) -> None:
    """There is no replay before the first response."""
    write(simulation, "/faults", kind="replayed")
    phone = new_phone(simulation, "havana")
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    assert len(ask(simulation, "GET", "/faults").json()["items"]) == 1, "there was nothing to replay"
    imei = phone.imeis[0]
    sub = ask(simulation, "POST", "/devices/find", {"imei": imei}).json()["sub"]
    write(simulation, f"/devices/{sub}/unlock")
    phone.retry()
    assert (codes(phone)[-1], phone.outcome()) == ("key-binding-mismatch", Outcome.LOCKED)
    phone.wait(2 * 86_400)
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_replayed_challenge_is_rejected_as_spent(simulation: Simulation) -> None:
    """The device requests another one."""
    ask(simulation, "GET", "/faults")
    requests.post(simulation.server.origin + "/v1/challenges", timeout=60)
    first = new_phone(simulation)
    first.walk_setup()
    write(simulation, "/faults", kind="replayed", route="challenges")
    second = new_phone(simulation)
    second.walk_setup()
    assert codes(second)[-1] == "challenge-spent"
    settled(simulation, second)


def test_a_slow_response_is_accepted_within_the_time_out_and_not_after(simulation: Simulation) -> None:
    write(simulation, "/faults", kind="slow", delay=1)
    phone = new_phone(simulation)
    phone.walk_setup()
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_fault_for_one_device_affects_no_other(simulation: Simulation) -> None:
    phone, other = new_phone(simulation), new_phone(simulation)
    phone.walk_setup()
    sub = ask(simulation, "POST", "/devices/find", {"imei": phone.imeis[0]}).json()["sub"]
    [fault] = write(simulation, "/faults", kind="garbage", device=sub, count=2)["items"]
    other.walk_setup()
    assert other.outcome() is Outcome.ACTIVATED
    assert ask(simulation, "GET", "/faults").json()["items"] == [fault]
    phone.wait(8 * 86_400)
    assert "alphabet" in codes(phone)


def test_faults_are_cleared_by_number_and_invalid_ones_are_rejected(simulation: Simulation) -> None:
    slow = write(simulation, "/faults", kind="slow", delay=7)["items"][0]
    assert (slow["delay"], slow["status"]) == (7, None)
    error = write(simulation, "/faults", kind="error", status=502)["items"][0]
    assert (error["delay"], error["status"]) == (None, 502)
    write(simulation, "/faults/clear")
    armed = [write(simulation, "/faults", kind="garbage")["items"][0]["id"] for _ in range(3)]
    write(simulation, "/faults/clear", ids=armed[:1])
    assert [each["id"] for each in ask(simulation, "GET", "/faults").json()["items"]] == armed[1:]
    assert (
        ask(simulation, "POST", "/faults/clear", {"ids": armed[:2], **WHY}).json()["code"] == "fault-unknown"
    )
    assert len(write(simulation, "/faults/clear")["items"]) == 2
    wrong = [
        {"kind": "slow"},
        {"kind": "garbage", "delay": 1},
        {"kind": "garbage", "status": 500},
        {"kind": "slow", "delay": 1, "retry_after": 1},
        {"kind": "old-serial", "route": "challenges"},
        {"kind": "garbage", "route": "all"},
        {"kind": "reset"},
        {"kind": "unauthorized", "retry_after": 1},
        {"kind": "garbage", "route": "challenges", "device": "d-1"},
    ]
    for invalid in wrong:
        assert ask(simulation, "POST", "/faults", {**invalid, **WHY}).json()["code"] == "fault-invalid", (
            invalid
        )
    assert ask(simulation, "GET", "/faults").json()["items"] == []


def test_an_unlock_code_of_the_admin_api_unlocks_the_device(simulation: Simulation) -> None:
    phone = new_phone(simulation, "havana")
    phone.walk_setup()
    phone.network_down()
    display = phone.display.current
    assert display is not None
    assert display.screen is ScreenId.LOCKED
    code = write(simulation, "/unlock-codes", challenge=display.facts.challenge.lower().replace("-", " "))
    phone.enter_code(code["token"].encode())
    assert phone.outcome() is Outcome.ACTIVATED


def keys(simulation: Simulation) -> dict[str, dict[str, Any]]:
    return {each["kid"]: each for each in ask(simulation, "GET", "/keys").json()["items"]}


def signs(simulation: Simulation) -> str:
    [kid] = [kid for kid, key in keys(simulation).items() if key["signs"]]
    return kid


def kid_of(phone: Handset) -> str:
    sent = [entry.detail["received"] for entry in phone.timeline.entries if entry.what == "POST /v1/verdicts"]
    return str(sent[-1]["header"]["kid"])


def test_devices_accept_a_rotated_key_and_reject_a_revoked_one(simulation: Simulation) -> None:
    """Also after a restart of the server."""
    first = signs(simulation)
    later = simulation.world.now() + 86_400
    second = write(simulation, f"/keys/{first}/rotate", at=later)["kid"]
    assert signs(simulation) == first
    assert (keys(simulation)[first]["signs_until"], keys(simulation)[second]["signs_from"]) == (later, later)
    assert ask(simulation, "POST", f"/keys/{first}/rotate", WHY).json()["code"] == "key-refused"
    simulation.world.wait(86_401)
    assert (signs(simulation), keys(simulation)[second]["alg"]) == (second, keys(simulation)[first]["alg"])
    simulation.server.restart()
    assert signs(simulation) == second
    third = write(simulation, f"/keys/{second}/rotate")["kid"]
    assert signs(simulation) == third
    phone = new_phone(simulation)
    phone.walk_setup()
    assert (phone.outcome(), kid_of(phone)) == (Outcome.ACTIVATED, third)
    write(simulation, f"/keys/{third}/revoke")
    assert (keys(simulation)[third]["status"], keys(simulation)[third]["may_sign"]) == ("revoked", False)
    another = new_phone(simulation)
    another.walk_setup()
    assert (another.outcome(), kid_of(another)) == (Outcome.ACTIVATED, signs(simulation))
    last = signs(simulation)
    assert ask(simulation, "POST", f"/keys/{last}/revoke", WHY).json()["code"] == "key-refused"
    assert ask(simulation, "POST", "/keys/nobody/rotate", WHY).json()["code"] == "key-unknown"
    assert ask(simulation, "POST", "/keys/nobody/revoke", WHY).json()["code"] == "key-unknown"
