"""`/lab/v1`: keys of a client's own, the devices, the test clock, and how a server with it is marked."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import thumbprint

from firmware_profiles.model import KeyStorage
from lab.api.clock import LabClock, adopt_database
from lab.api.clock_routes import LATEST
from lab.api.context import ForeignRootError, check_roots
from lab.handset.keystore import EmulatedKeystore, KeyAlgorithm, KeystoreOptions
from lab.manufacturer.manufacturer import Manufacturer
from lab.world.jose import b64
from lab.world.seed import Seed
from server_stub.clock import ClockReading
from server_stub.policy.policy import Activation
from server_stub.store import alembic_migrations
from server_stub.store.sql import SqlStore
from tests.support.admin import Operated
from tests.support.lab_server import SEED, TOKEN, MachineClock, lab_server
from tests.support.server_phone import DURING, IMEI, MANUFACTURER, NOW, Clock, facts, telephony
from wire import media
from wire.codes import Decision

YEAR = 365 * 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with lab_server(tmp_path_factory.mktemp("lab")) as started:
        yield started


def call(server: Operated, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    known = {"Authorization": f"Bearer {TOKEN}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return requests.request(method, server.origin + path, json=body, headers=known, timeout=60)


def key_of(algorithm: str) -> Any:
    """A key of a client: any key does, and this one can sign and be written as a JWK."""
    options = KeystoreOptions(KeyAlgorithm(algorithm))
    authority = MANUFACTURER.authority(KeyStorage.TEE)
    return EmulatedKeystore(Seed.of("client"), authority, facts(), options).attest(b"unused")


def public_of(key: Any) -> dict[str, Any]:
    """The members that RFC 7638 and RFC 9964 require."""
    required = ("kty", "pub", "alg") if key.algorithm is KeyAlgorithm.ML_DSA_65 else ("kty", "crv", "x", "y")
    return {name: value for name, value in key.private_jwk().items() if name in required}


def ask(server: Operated, key: Any, attested: dict[str, Any], **claims: Any) -> requests.Response:
    """What a client does with what the lab has attested: add its state to the claims, sign, send."""
    header = {"alg": attested["alg"], "typ": media.EVIDENCE_TYP, "x5c": attested["x5c"]}
    signed = b".".join(b64(json.dumps(part).encode()) for part in (header, attested["claims"] | claims))
    token = (signed + b"." + b64(key.sign(signed))).decode()
    content = {"Content-Type": media.EVIDENCE}
    return requests.post(server.origin + media.VERDICTS_PATH, token, headers=content, timeout=60)


def attest(server: Operated, key: Any, device: int, **body: Any) -> requests.Response:
    nonce = requests.post(server.origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
    request = {"nonce": nonce, "public_key": public_of(key)} | body
    return call(server, "POST", f"/lab/v1/devices/{device}/attest", request)


def verdict_in(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    payload = answer.text.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def activate(server: Operated, device: int = 7, **body: Any) -> dict[str, Any]:
    key = key_of("Ed25519")
    return verdict_in(ask(server, key, attest(server, key, device, **body).json()))


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_client_gets_a_verdict_for_a_key_of_its_own_on_a_listed_device(
    server: Operated, algorithm: str
) -> None:
    key = key_of(algorithm)
    attested = attest(server, key, 12).json()
    verdict = verdict_in(ask(server, key, attested))
    listed = call(server, "GET", "/lab/v1/devices?start=12&limit=1").json()
    assert verdict["cnf"]["jkt"] == thumbprint(public_of(key))
    assert listed["items"][0]["sub"] == verdict["sub"]
    assert listed["next"] == 13
    assert (attested["device"], attested["alg"]) == (12, algorithm)


def test_claims_follow_the_place_and_an_image_that_never_asks_has_none(server: Operated) -> None:
    key = key_of("ES256")
    assert activate(server, place="havana")["territory"] == "CU"
    assert attest(server, key, 7, profile="custom-aosp").json()["claims"] is None


def test_devices_are_listed_to_the_last(server: Operated) -> None:
    page = call(server, "GET", "/lab/v1/devices?start=499000&limit=1000").json()
    assert (len(page["items"]), page["next"]) == (1000, None)
    assert len({device["sub"] for device in page["items"]}) == 1000


PEM = "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----"
KEY = {"nonce": "A" * 44, "public_key": public_of(key_of("Ed25519"))}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "devices/7/attest", KEY | {"public_key": PEM}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"public_key": "A" * 16_385}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"public_key": {"kty": "RSA"}}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"public_key": {str(n): 0 for n in range(17)}}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"public_key": key_of("ES256").private_jwk()}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"nonce": "short"}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"place": "parris"}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"profile": "../official-global"}, "request-invalid"),
        ("POST", "devices/7/attest", KEY | {"profile": "unofficial"}, "request-invalid"),
        ("POST", "devices/500000/attest", KEY, "request-invalid"),
        ("POST", "devices/-1/attest", KEY, "request-invalid"),
        ("GET", "devices?start=500000", None, "request-invalid"),
        ("GET", "devices?limit=1001", None, "request-invalid"),
        ("GET", "devices?profile=nowhere", None, "request-invalid"),
        ("PUT", "clock", {"now": LATEST + 1}, "request-invalid"),
        ("PUT", "clock", {"now": -1}, "request-invalid"),
        ("PUT", "clock", {"now": 1.5}, "request-invalid"),
        ("PUT", "clock", {"now": "1900000000"}, "request-invalid"),
        ("PUT", "clock", {"now": NOW, "reason": "a\nb"}, "request-invalid"),
        ("PUT", "clock", {}, "request-invalid"),
        ("PUT", "clock", {"now": 0}, "clock-backwards"),
    ],
)
def test_input_is_bounded(server: Operated, method: str, path: str, body: Any, expected: str) -> None:
    answer = call(server, method, f"/lab/v1/{path}", body)
    status = 409 if expected == "clock-backwards" else 422
    assert (answer.status_code, answer.json()["code"]) == (status, expected), answer.text
    assert call(server, "GET", "/lab/v1/clock").json()["ahead"] == 0


def test_every_route_needs_the_admin_token(server: Operated) -> None:
    routes = [
        (method.upper(), path.replace("{device}", "7").replace("{world}", "0" * 32))
        for path, methods in requests.get(server.origin + "/openapi.json", timeout=60).json()["paths"].items()
        for method in methods
        if path.startswith("/lab/v1")
    ]
    assert len(routes) == 11
    for method, path in routes:
        for token in ({}, {"Authorization": "Bearer operator.wrong"}):
            answer = requests.request(method, server.origin + path, headers=token, json={}, timeout=60)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_every_answer_says_that_it_is_of_a_lab(server: Operated) -> None:
    answers = [
        requests.request(method, server.origin + path, timeout=60, data=body)
        for method, path, body in (
            ("GET", "/healthz", None),
            ("HEAD", "/healthz", None),
            ("GET", "/nowhere", None),
            ("DELETE", "/v1/verdicts", None),
            ("POST", "/v1/verdicts", b"x" * 100_000),
            ("GET", "/lab/v1/clock", None),
            ("GET", "/tuf/metadata/timestamp.json", None),
        )
    ]
    assert {answer.headers.get("Activation-Lab") for answer in answers} == {"1"}
    host, _, port = server.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 60) as malformed:
        malformed.sendall(b"NOT HTTP\r\n\r\n")
        assert b"activation-lab: 1\r\n" in malformed.recv(4096)
    assert requests.get(server.origin + "/readyz", timeout=60).json() == {"status": "ready", "lab": True}
    assert "\nactivation_lab 1.0\n" in requests.get(server.origin + "/metrics", timeout=60).text


def test_document_of_a_lab_describes_its_routes(server: Operated) -> None:
    document = requests.get(server.origin + "/openapi.json", timeout=60).json()
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert {"getTestClock", "setTestClock", "listLabDevices", "attestKey"} <= set(ids)
    assert {tag for operation in operations for tag in operation["tags"]} == {
        tag["name"] for tag in document["tags"]
    }
    attest_route = document["paths"]["/lab/v1/devices/{device}/attest"]["post"]
    assert attest_route["security"] == [{"adminToken": []}]


def test_verdicts_nonces_and_campaigns_follow_the_test_clock(tmp_path: Path) -> None:
    """It goes on with the clock of the machine, in every process on the database, and after a restart."""
    key, to = key_of("ES256"), DURING
    with lab_server(tmp_path) as server, lab_server(tmp_path) as other:
        server.service.enroll(IMEI, Activation(NOW, "CU"))
        home = {"telephony": telephony("208", "01"), "intent": "check-in", "lock_state": "activated"}
        server.activate(**home)
        first, unspent = activate(server), attest(server, key, 8).json()
        moved = call(server, "PUT", "/lab/v1/clock", {"now": to, "reason": "a week later"})
        assert moved.json() == {"now": to, "ahead": to - NOW}
        assert call(other, "GET", "/lab/v1/clock").json() == {"now": to, "ahead": to - NOW}
        assert ask(server, key, unspent).json()["code"] == "challenge-expired"
        assert [activate(each, 9)["iat"] for each in (server, other)] == [to, to]
        server.activate(**home)
        decided = history(server)
        assert decided == [Decision.ALLOW, Decision.DENY]  # the campaign runs from 6 September 2021 on
        server.clock.now += 30
        assert activate(server)["iat"] == to + 30 > first["exp"]
        backwards = call(server, "PUT", "/lab/v1/clock", {"now": to + 29})
        assert (backwards.status_code, backwards.json()["code"]) == (409, "clock-backwards")
        moves = [entry for entry in server.audit() if entry.action == "clock.move"]
        assert [(each.actor, each.at, each.reason, each.details) for each in moves] == [
            ("operator", NOW, "a week later", {"from": NOW, "to": to})
        ]
    with lab_server(tmp_path) as again:
        assert activate(again)["iat"] == to


def history(server: Operated) -> list[Decision]:
    """The decisions about the enrolled device, oldest first."""
    sub = server.service.signing_context.pseudonyms.device(IMEI)
    with server.parts.store.reading() as reading:
        return [record.verdict.decision for record in reversed(reading.history(sub).items)]


def test_a_jump_of_a_year_signs_each_role_again_once_and_replaces_no_key(tmp_path: Path) -> None:
    with lab_server(tmp_path) as server:
        before, keys = repository(server), server.get("/keys")
        for years in (1, 2):
            now = NOW + years * YEAR
            call(server, "PUT", "/lab/v1/clock", {"now": now})
            after = repository(server)
            assert {name: version for name, (version, _) in after.items()} == {
                name: version + 1 for name, (version, _) in before.items()
            }
            assert all(now < expires for _, expires in after.values())
            assert repository(server) == after
            before = after
        assert server.get("/keys") == keys


def repository(server: Operated) -> dict[str, tuple[int, float]]:
    """Version and expiry of each role, as a TUF client finds them."""

    def signed(name: str) -> dict[str, Any]:
        answer = requests.get(f"{server.origin}/tuf/metadata/{name}", timeout=60)
        found: dict[str, Any] = answer.json()["signed"]
        return found

    timestamp = signed("timestamp.json")
    snapshot = signed(f"{timestamp['meta']['snapshot.json']['version']}.snapshot.json")
    roles = {name: signed(f"{listed['version']}.{name}") for name, listed in snapshot["meta"].items()}
    return {
        name: (role["version"], datetime.fromisoformat(role["expires"]).timestamp())
        for name, role in {"timestamp.json": timestamp, "snapshot.json": snapshot, **roles}.items()
    }


def test_stored_responses_stay_on_the_real_clock(tmp_path: Path) -> None:
    """For 24 hours: a year of the test clock does not end them, a day of the machine does."""
    with lab_server(tmp_path) as server:
        write = ("PUT", "/lab/v1/clock", {"now": NOW + 60})
        assert call(server, *write, Idempotency_Key="a").status_code == 200
        call(server, "PUT", "/lab/v1/clock", {"now": NOW + YEAR})
        replayed = call(server, *write, Idempotency_Key="a")
        assert (replayed.status_code, replayed.headers["Idempotency-Replayed"]) == (200, "true")
        server.clock.now += 86_400
        assert call(server, *write, Idempotency_Key="a").json()["code"] == "clock-backwards"


def test_clock_keeps_the_last_known_time_while_the_store_fails(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "lab.sqlite", alembic_migrations)
    clock = LabClock(store, MachineClock(Clock()))
    adopt_database(store)
    assert clock.move(store, NOW + 60, reason="r", by="b") == 60
    assert clock.read().wall == NOW + 60
    store.close()
    (tmp_path / "lab.sqlite").write_bytes(b"no database")
    assert clock.read() == ClockReading(NOW + 60, NOW + 60)


def test_roots_that_the_lab_did_not_make_are_refused() -> None:
    own, foreign = MANUFACTURER.secrets, Manufacturer("another lab")
    check_roots(own, SEED)
    for roots in ((foreign.attestation_root,), (*own.attestation_roots, foreign.attestation_root)):
        with pytest.raises(ForeignRootError, match="did not make the attestation root 'CN=Solvane"):
            check_roots(replace(own, attestation_roots=roots), SEED)
