"""`/lab/v1/worlds`: servers of their own inside a server of the lab. None of them changes it, or another one."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from lab.api import worlds as module
from lab.api.world_time import CLOCK_HEADER, WORLD_HEADER, WORLDS, WorldTime
from lab.backend.records import RecordsSchema
from lab.manufacturer.policies import LANTERN
from server_stub.store import alembic_migrations
from server_stub.store.database import Database
from tests.support.admin import Operated
from tests.support.lab_server import TOKEN, lab_server
from tests.support.server_phone import Phone
from tests.support.stores import postgresql_url
from wire import media

TIME = 1_631_102_400
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with lab_server(tmp_path_factory.mktemp("lab")) as started:
        yield started


def call(
    server: Operated, method: str, path: str, body: Any = None, **headers: str | None
) -> requests.Response:
    sent = AUTHORIZED | {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, server.origin + path, json=body, headers=sent, timeout=60)


class World:
    """A world of `server`, as a client uses it."""

    def __init__(self, server: Operated, **body: Any) -> None:
        self.server = server
        made = call(server, "POST", WORLDS, {"policy": LANTERN, "now": TIME} | body)
        assert made.status_code == 201, made.text
        self.name: str = made.json()["world"]
        self.time = WorldTime(TIME)

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {WORLD_HEADER: self.name, CLOCK_HEADER: str(self.time)}
        return call(self.server, method, path, body, **headers)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.call(method, f"/admin/v1{path}", body)
        assert answer.ok, answer.text
        return answer.json()

    def operate(self, operation: str, body: Any = None) -> requests.Response:
        return self.call("POST", f"{WORLDS}/{self.name}/{operation}", body)

    def actions(self) -> list[str]:
        return [entry["action"] for entry in reversed(self.admin("GET", "/audit")["items"])]


@pytest.fixture
def world(server: Operated) -> Iterator[World]:
    made = World(server)
    yield made
    assert call(server, "DELETE", f"{WORLDS}/{made.name}").status_code == 204


def state_of(server: Operated) -> list[Any]:
    """What a world must not change."""
    paths = ("policies", "campaigns", "faults", "keys", "keys/root", "audit", "devices")
    return [server.get(f"/{path}") for path in paths] + [call(server, "GET", "/lab/v1/clock").json()]


def test_world_begins_by_default_with_the_policy_and_the_time_of_the_server(server: Operated) -> None:
    name = call(server, "POST", WORLDS, {}).json()["world"]
    headers = {WORLD_HEADER: name}
    policy = call(server, "GET", "/admin/v1/policies/in-force", **headers).json()
    assert (policy["id"], policy["version"]) == ("export-2021-09", 2)
    [entry] = call(server, "GET", "/admin/v1/audit", **headers).json()["items"]
    assert entry["at"] == server.clock.now
    call(server, "DELETE", f"{WORLDS}/{name}")


def test_world_has_its_own_policy_faults_devices_keys_and_clock(server: Operated, world: World) -> None:
    before, other = state_of(server), World(server, algorithm="ES256", ahead=60)
    assert world.admin("GET", "/policies/in-force")["id"] == "lantern-open"
    world.admin("POST", "/faults", {"kind": "garbage", "count": 9, "reason": "r"})
    [signing] = [key["kid"] for key in world.admin("GET", "/keys")["items"] if key["signs"]]
    world.admin("POST", f"/keys/{signing}/rotate", {"reason": "r"})
    nonce = world.call("POST", media.CHALLENGES_PATH).json()["nonce"]
    headers = {WORLD_HEADER: world.name, "Content-Type": media.EVIDENCE}
    answer = requests.post(
        server.origin + media.VERDICTS_PATH, Phone().evidence(nonce), headers=headers, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert len(world.admin("GET", "/devices")["items"]) == 1
    assert world.actions()[-2:] == ["fault.arm", "key.rotate"]
    assert state_of(server) == before
    assert other.actions() == ["policy.in-force"]
    assert [key["alg"] for key in other.admin("GET", "/keys")["items"] if key["signs"]] == ["ES256"]
    assert other.admin("GET", "/audit")["items"][0]["at"] == TIME + 60
    call(server, "DELETE", f"{WORLDS}/{other.name}")


def test_clock_of_a_world_follows_requests_and_its_error_is_noticed_accepted_and_kept(world: World) -> None:
    """Behind, ahead, and over a restart, as by the clock of a machine. The true time never goes back."""

    def code() -> str:
        answer = world.call("GET", "/tuf/metadata/timestamp.json")
        return str(answer.json().get("detail", "published"))

    assert code() == "published"
    world.time = WorldTime(TIME + 86_400)
    assert code() == "published"
    world.time = WorldTime(TIME + 86_400, ahead=-3600)
    assert "clock" in code()
    assert world.operate("restart").status_code == 204
    assert "clock" in code()
    world.admin("POST", "/clock/accept", {"reason": "r"})
    assert code() == "published"
    accepted = world.admin("GET", "/audit")["items"][0]
    assert (accepted["action"], accepted["at"]) == ("clock.accept", TIME + 86_400 - 3600)
    world.time = WorldTime(TIME, ahead=-3600, skew=-5)
    world.admin("POST", "/faults/clear", {"reason": "r"})
    assert world.admin("GET", "/audit")["items"][0]["at"] == TIME + 86_400 - 3605


def test_world_is_restarted_backed_up_restored_and_loses_its_records(world: World) -> None:
    first = world.actions()
    assert world.operate("backups").json() == {"backup": 0}
    world.admin("POST", "/faults", {"kind": "garbage", "count": 9, "reason": "r"})
    assert world.operate("restart").status_code == 204
    assert len(world.admin("GET", "/faults")["items"]) == 1
    assert world.operate("backups").json() == {"backup": 1}
    for backup, faults in ((0, 0), (1, 1), (None, 0)):
        answer = world.operate("restore", {} if backup is None else {"backup": backup})
        assert answer.status_code == 204, answer.text
        assert len(world.admin("GET", "/faults")["items"]) == faults
        assert world.actions()[: len(first)] == first
    for wrong, status in (({"backup": 2}, 404), ({"backup": 99}, 422), ({"backup": None}, 422)):
        assert world.operate("restore", wrong).status_code == status


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({WORLD_HEADER: "0" * 32}, 404, "not-found"),
        ({WORLD_HEADER: "../x", CLOCK_HEADER: "1"}, 404, "not-found"),
        ({CLOCK_HEADER: "yesterday"}, 400, "request-malformed"),
        ({CLOCK_HEADER: "1e9"}, 400, "request-malformed"),
        ({CLOCK_HEADER: f"{TIME};ahead=1.5"}, 400, "request-malformed"),
    ],
)
def test_request_for_a_world_that_cannot_be_read_is_rejected(
    world: World, headers: dict[str, str], status: int, code: str
) -> None:
    headers = {WORLD_HEADER: world.name, **headers}
    answer = call(world.server, "GET", "/healthz", **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Activation-Lab"] == "1"
    assert answer.json()["instance"].startswith("urn:uuid:")


def test_world_needs_the_admin_token_and_every_answer_of_it_is_marked(world: World) -> None:
    named = {WORLD_HEADER: world.name}
    for path in ("/admin/v1/policies", WORLDS, f"{WORLDS}/{world.name}/restart"):
        method = requests.post if path.startswith(WORLDS) else requests.get
        answer = method(world.server.origin + path, headers=named, timeout=60)
        assert (answer.status_code, answer.headers["Activation-Lab"]) == (401, "1")
    answer = requests.get(world.server.origin + "/readyz", headers=named, timeout=60)
    assert (answer.json(), answer.headers["Activation-Lab"]) == ({"status": "ready", "lab": True}, "1")


@pytest.mark.parametrize(
    "body",
    [
        {"policy": "no policy"},
        {"policy": ""},
        {"now": -1},
        {"now": 1e11},
        {"ahead": 0.5},
        {"algorithm": "RS256"},
        {"more": 1},
    ],
)
def test_wrong_world_is_not_made(server: Operated, body: dict[str, Any]) -> None:
    known = len(threading.enumerate())
    answer = call(server, "POST", WORLDS, {"policy": LANTERN, "now": TIME} | body)
    assert answer.status_code == 422, answer.text
    assert len(threading.enumerate()) <= known + 1


def test_worlds_are_bounded_and_one_that_is_not_used_gives_way(
    server: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an abandoned run leaves is removed, with its threads and its files."""
    monkeypatch.setattr(module, "WORLDS_MAX", 2)
    monkeypatch.setattr(module, "BACKUPS_MAX", 1)
    first, second = World(server), World(server)
    assert second.operate("backups").status_code == 201
    assert second.operate("backups").status_code == 422
    refused = call(server, "POST", WORLDS, {"policy": LANTERN, "now": TIME})
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "5"
    monkeypatch.setattr(module, "IDLE_SECONDS", -1)
    third = World(server)
    assert [each.call("GET", "/healthz").status_code for each in (first, second, third)] == [404, 404, 200]
    call(server, "DELETE", f"{WORLDS}/{third.name}")


@pytest.mark.parametrize("damaged", ["", "*/records.sqlite*"])
def test_removed_worlds_leave_no_application_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    """Also one whose store fails while it notes that its clock is behind."""
    monkeypatch.setattr(module, "memory_folder", lambda: tmp_path)
    made = module.Worlds("tests")
    policy = module.Policy.parse(LANTERN, "policy.toml")
    name = made.make(policy, module.Algorithm.ED25519, WorldTime(TIME), None)
    found = made.world(name)
    assert found is not None
    assert found.app is not None
    app, files = weakref.ref(found.app), list(tmp_path.iterdir())
    found.set_time(WorldTime(TIME, ahead=-TIME // 2))
    for file in tmp_path.glob(damaged or "none"):
        file.write_bytes(b"no database")
    del found
    made.close()
    gc.collect()
    assert (app(), len(files), list(tmp_path.iterdir())) == (None, 1, [])


def test_schema_of_a_world_is_copied_replaced_and_removed_also_after_a_kill() -> None:
    """On PostgreSQL. One whose owner still runs stays."""
    database = Database(postgresql_url())

    def schemas() -> set[str]:
        with psycopg.connect(postgresql_url()) as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'activation_world_%'"
            )
            return {name for (name,) in found.fetchall()}

    def clock_before(records: RecordsSchema) -> int | None:
        store = records.open()
        try:
            with store.transaction() as transaction:
                found = transaction.test_clock()
                transaction.set_test_clock(7)
            return found
        finally:
            store.close()

    killed, running = (RecordsSchema(database, alembic_migrations) for _ in range(2))
    assert [clock_before(running), clock_before(running)] == [None, 7]
    copy = running.copy()
    running.replace(None)
    assert clock_before(running) is None
    running.replace(copy)
    assert clock_before(running) == 7
    before = schemas()
    killed.release()
    last = RecordsSchema(database, alembic_migrations)
    assert len(schemas() & before) == len(before) - 1
    last.remove()
    running.remove()
    assert schemas().isdisjoint(before)
