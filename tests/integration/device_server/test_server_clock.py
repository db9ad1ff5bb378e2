"""A server whose clock is wrong signs and publishes nothing until the clock is right again, or accepted."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
from tuf.api.metadata import Metadata, Timestamp

from agent.ports import Answer
from lab.backend.hosts import Host, InProcessHost
from lab.backend.http_host import HttpHost
from lab.backend.managed_server import LabServer
from lab.handset.outcome import Outcome
from lab.simulation.simulation import Simulation
from lab.world.clock import MachineClock, World
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act
from server_stub.clock import EARLIEST, LATEST, RETRY_AFTER, ClockError, ClockFault
from server_stub.key_repository import TIMESTAMP
from wire import media
from wire.key_repository import CLOCK, METADATA_PATH
from wire.limits import SKEW

HOUR, DAY = 3600, 24 * 3600
YEARS = 5 * 365 * DAY


@dataclass
class Wrong:
    """A server with a device, on a machine whose clock can be set."""

    simulation: Simulation
    world: World
    clock: MachineClock
    tried: bool = False

    @property
    def server(self) -> LabServer:
        return self.simulation.server

    def get(self, path: str) -> Answer:
        return self.server.transport().get(path, accept=media.JSON)

    def post(self, path: str, body: bytes = b"", content_type: str = media.JSON) -> Answer:
        return self.server.transport().post(path, body, content_type=content_type, accept=media.JSON)

    def published(self) -> tuple[int, int, int]:
        """Version, clock number and time of the timestamp."""
        signed = Metadata[Timestamp].from_bytes(self.get(f"{METADATA_PATH}timestamp.json").body).signed
        time = int(signed.expires.timestamp()) - DAY
        return signed.version, signed.unrecognized_fields.get(CLOCK, 0), time

    def activates(self) -> bool:
        phone = self.simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        return phone.outcome() is Outcome.ACTIVATED

    def refused_with(self) -> str | None:
        """The reason of /readyz; None if it is ready. Checks that all requests agree."""
        ready = self.get("/readyz")
        refused = [
            self.get(f"{METADATA_PATH}timestamp.json"),
            self.post(media.CHALLENGES_PATH),
        ]
        if ready.status == 200:
            assert [each.status for each in refused] == [200, 200]
            return None
        if not self.tried:
            assert not self.activates()
        self.tried = True
        for each in (ready, *refused):
            problem = json.loads(each.body)
            assert (each.status, problem["code"], each.retry_after) == (503, "unavailable", RETRY_AFTER)
        assert self.get(f"{METADATA_PATH}1.root.json").status == 200
        [reason] = (fault.value for fault in ClockFault if fault in json.loads(ready.body)["detail"])
        return reason


@contextmanager
def wrong(host: type[Host] = InProcessHost, ahead: int = 0) -> Iterator[Wrong]:
    world = World()
    clock = MachineClock(world, ahead)
    with Simulation("server clock", host=host, world=world, clock=clock) as simulation:
        yield Wrong(simulation, world, clock)


@pytest.mark.parametrize("host", [InProcessHost, pytest.param(HttpHost, marks=pytest.mark.slow)])
def test_step_stops_signing_and_publishing_until_the_clock_is_right_again_or_accepted(
    host: type[Host],
) -> None:
    with wrong(host) as case:
        assert case.activates()
        for step in (SKEW + 1, -10 * HOUR, YEARS):
            case.clock.ahead = step
            assert case.refused_with() == "clock-stepped"
            case.world.wait(DAY)
            case.clock.ahead = 0
            assert case.refused_with() is None
            assert case.published()[1] == 0
        case.clock.ahead = 10 * HOUR
        before = case.server.repository.metadata("1.snapshot.json")
        with case.server.parts.store.reading() as reading:
            timestamp = reading.repository_file(TIMESTAMP) or b""
        version = Metadata[Timestamp].from_bytes(timestamp).signed.version
        case.server.accept_clock("the operator is wrong")
        assert case.published() == (version + 1, 1, case.world.now() + 10 * HOUR)
        assert case.server.repository.metadata("1.snapshot.json") == before
        assert case.refused_with() is None
        assert case.activates()
        case.clock.ahead = 0
        assert case.refused_with() == "clock-stepped"
        case.server.accept_clock("corrected")
        assert case.published() == (version + 2, 2, case.world.now())
        assert case.activates()


@pytest.mark.parametrize("signed", ["verdict", "publication"])
def test_start_before_the_newest_record_or_publication_is_refused_until_accepted(signed: str) -> None:
    with wrong(ahead=10 * HOUR) as case:
        assert case.refused_with() is None
        if signed == "verdict":
            assert case.activates()
        case.clock.ahead = 0
        case.server.restart()
        assert case.refused_with() == "clock-behind"
        case.server.accept_clock("corrected")
        assert case.activates()
        assert case.published()[1] == 1
        case.server.restart()
        assert case.refused_with() is None, "verdicts of the wrong clock do not count any more"
        case.world.wait(DAY)
        assert case.published()[1] == 1


@pytest.mark.parametrize("signed", ["verdict", "publication"])
@pytest.mark.parametrize("found", ["clock-behind", "clock-stepped"])
def test_clock_that_was_behind_is_accepted_first_although_that_time_has_come(found: str, signed: str) -> None:
    with wrong(ahead=10 * HOUR) as case:
        assert case.refused_with() is None
        if signed == "verdict":
            assert case.activates()
        case.clock.ahead = 0
        if found == "clock-behind":
            case.server.restart()
        assert case.refused_with() == found
        for _ in range(2):
            case.world.wait(11 * HOUR)
            case.server.restart()
            assert case.refused_with() == "clock-behind"
        case.server.accept_clock("corrected")
        case.server.restart()
        assert case.refused_with() is None
        assert case.published()[1] == 1


@pytest.mark.parametrize("year", ["before 1971", "after 9998"])
def test_clock_out_of_range_stops_signing_and_cannot_be_accepted(year: str) -> None:
    with wrong() as case:
        assert case.activates()
        beyond = EARLIEST - DAY if year == "before 1971" else LATEST + 1
        case.clock.ahead = beyond - case.world.now()
        for act in (lambda: None, case.server.restart):
            act()
            assert case.refused_with() == "clock-out-of-range"
            with pytest.raises(ClockError, match=r"clock-out-of-range: .* only the years 1971 to 9998"):
                case.server.accept_clock("the operator is wrong")
        case.clock.ahead = 0
        case.server.restart()
        assert case.refused_with() is None
        assert case.published()[1] == 0


@pytest.mark.parametrize("ahead", [-YEARS * 11, YEARS * 1600])
def test_first_start_with_a_clock_out_of_range_names_the_fault(ahead: int) -> None:
    with wrong(ahead=ahead) as case, pytest.raises(ClockError) as error:
        _ = case.server
    assert error.value.fault is ClockFault.OUT_OF_RANGE


def test_acceptance_lets_a_successor_sign_whose_predecessor_a_wrong_clock_has_removed() -> None:
    with wrong() as case:
        assert case.activates()
        assert case.server.parts.keys is not None
        keys, [old, *_] = case.server.parts.keys, case.server.parts.keys.list(case.server.parts.store)
        new = keys.rotate(
            old.kid, case.server._store, at=case.world.now() + 20 * DAY, reason="planned", by="test"
        )
        case.clock.ahead = 40 * DAY
        case.server.restart()
        assert case.activates()
        assert old.kid not in [key.kid for key in case.server.parts.keys.list(case.server.parts.store)]
        case.clock.ahead = 0
        case.server.restart()
        case.server.accept_clock("corrected")
        [signs] = (key for key in case.server.parts.keys.list(case.server.parts.store) if key.signs)
        assert (signs.kid, signs.alg, signs.signs_from) == (new, old.alg, case.world.now())
        assert case.activates()


@pytest.mark.parametrize(("behind", "refused"), [(SKEW, False), (SKEW + 1, True)])
def test_start_is_refused_only_beyond_the_skew(behind: int, refused: bool) -> None:  # noqa: FBT001 - a table
    with wrong(ahead=behind) as case:
        assert case.get("/readyz").status == 200
        case.clock.ahead = 0
        case.server.restart()
        assert case.get("/readyz").status == (503 if refused else 200)


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [10 * HOUR, YEARS])
def test_device_that_learned_a_wrong_time_follows_the_server_after_the_acceptance(ahead: int) -> None:
    with wrong(ahead=ahead) as case:
        phone = case.simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        assert phone.outcome() is Outcome.ACTIVATED
        case.clock.ahead = 0
        case.server.restart()
        phone.wait(2 * DAY)
        assert phone.outcome() is Outcome.ACTIVATED
        case.server.accept_clock("corrected")
        for _ in range(12):
            phone.wait(10 * DAY)
            assert phone.outcome() is Outcome.ACTIVATED
        device_admin(case.server.service).act_on(phone.imeis[0], Act.LOCK, reason="a test")
        phone.retry()
        assert phone.outcome() is Outcome.LOCKED


def test_time_passes_while_no_server_runs() -> None:
    with wrong() as case:
        assert case.activates()
        case.server._halt()
        case.world.wait(YEARS)
        case.server._start()
        assert case.activates()
        assert case.published()[1] == 0


def test_acceptance_over_the_admin_api_is_audited_and_repeated_under_its_key_only_once() -> None:
    with wrong(HttpHost) as case:
        admin = case.server.admin
        case.clock.ahead = -HOUR
        case.world.wait(60)
        headers = {"Authorization": f"Bearer {admin.token}", "Idempotency-Key": "once"}
        url = f"{admin.url}/clock/accept"
        assert requests.post(url, json={"reason": "x"}, timeout=60).status_code == 401
        assert requests.post(url, json={}, headers=headers, timeout=60).status_code == 422
        kid = case.server.parts.keys.list(case.server.parts.store)[0].kid if case.server.parts.keys else ""
        rotated = requests.post(f"{admin.url}/keys/{kid}/rotate", json={"reason": "x"}, headers={
            "Authorization": headers["Authorization"]
        }, timeout=60)  # fmt: skip
        assert (rotated.status_code, rotated.json()["code"]) == (503, "clock-wrong")
        for _ in range(2):
            answer = requests.post(url, json={"reason": "corrected"}, headers=headers, timeout=60)
            assert answer.json() == {"time": case.world.now() - HOUR, "clock": 1}
        items = requests.get(f"{admin.url}/audit?action=clock.accept", headers=headers, timeout=60).json()[
            "items"
        ]
        assert [(item["reason"], item["at"], item["details"]) for item in items] == [
            ("corrected", case.world.now() - HOUR, {"clock": 1, "fault": "clock-stepped"})
        ]
        assert case.refused_with() is None


@pytest.mark.slow
def test_concurrent_acceptances_have_different_numbers_and_the_last_one_is_published() -> None:
    count = 8
    with wrong(HttpHost) as case, ThreadPoolExecutor(count) as pool:
        assert case.activates()
        case.clock.ahead = 10 * HOUR
        admin = case.server.admin
        headers = {"Authorization": f"Bearer {admin.token}"}

        def accept(number: int) -> int:
            body = {"reason": f"operator {number}"}
            answer = requests.post(f"{admin.url}/clock/accept", json=body, headers=headers, timeout=60)
            return int(answer.json()["clock"])

        assert sorted(pool.map(accept, range(count))) == list(range(1, count + 1))
        assert case.published()[1:] == (count, case.world.now() + 10 * HOUR)
        assert case.activates()
