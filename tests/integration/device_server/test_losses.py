"""Failures of devices and servers with the agent and a server: one test for each row of docs/qa/failure-modes.md."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock, Setup
from agent.core.timing import HEARTBEAT
from agent.ports import Answer
from firmware_profiles.loader import load_named
from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.scenario.engine.breakable_parts import FaultyCounter, FaultyStore, PowerCutTrigger
from lab.scenario.engine.engine import run
from lab.scenario.engine.result import Status
from lab.scenario.files.reader import read
from lab.simulation.simulation import Simulation
from lab.world.network import UpstreamTransport
from lab.world.places import find_place
from lab.world.sim import generate_sim
from server_stub.admin.context import device_admin
from server_stub.admin.devices import Act
from server_stub.policies.loading import shipped
from tests.support.life import DAY, HOUR, NOTICE, policy
from tests.support.scenarios import SEED, wrong
from wire.codes import Decision, Intent
from wire.evidence import Plmn


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("losses", host=InProcessHost) as opened:
        yield opened


def made(simulation: Simulation, place: str) -> Handset:
    """A device in a place, after its setup, on storage that can fail."""
    phone = simulation.phone("official-global", place)
    with_breakable_storage(phone)
    phone.power_on()
    phone.walk_setup()
    return phone


class RecordingStore(FaultyStore):
    """A store that records the written data."""

    def __init__(self) -> None:
        super().__init__(PowerCutTrigger())
        self.written: list[bytes] = []

    def write(self, content: bytes) -> None:
        super().write(content)
        self.written.append(content)


def with_breakable_storage(phone: Handset) -> None:
    counter = FaultyCounter(PowerCutTrigger())
    phone.hardware = replace(phone.hardware, store=RecordingStore(), counter=counter)


def disk(phone: Handset) -> RecordingStore:
    store = phone.hardware.store
    assert isinstance(store, RecordingStore)
    return store


def counter(phone: Handset) -> FaultyCounter:
    found = phone.hardware.counter
    assert isinstance(found, FaultyCounter)
    return found


def faults(phone: Handset) -> list[str]:
    """The faults of the sealed state that each boot found."""
    return [
        e.detail["fault"] for e in phone.timeline.entries if e.what == "recovered" and "fault" in e.detail
    ]


def setup_again(phone: Handset) -> None:
    """The user goes through the wizard again."""
    assert not phone.usable
    phone.network_up()
    phone.walk_setup()


def test_a_full_disk_keeps_the_state_until_there_is_space(simulation: Simulation) -> None:
    """Neither a lock nor an unlock applies before it is sealed."""
    phone = made(simulation, "havana")
    assert phone.outcome() is Outcome.LOCKED
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.UNLOCK, reason="a mistake")
    disk(phone).full = True
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.display.current is not None
    assert phone.display.current.facts.trouble is Trouble.NO_STORAGE
    disk(phone).full = False
    phone.wait(2 * HOUR)
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_disk_that_is_full_from_the_start_keeps_the_device_in_its_wizard(simulation: Simulation) -> None:
    phone = simulation.phone("official-global", "paris")
    with_breakable_storage(phone)
    disk(phone).full = True
    phone.power_on()
    assert not phone.usable
    disk(phone).full = False
    phone.wait(HOUR)
    phone.walk_setup()
    assert phone.outcome() is Outcome.ACTIVATED


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda record: record[: len(record) // 2],
    "torn": lambda record: record[: len(record) // 2] + bytes(len(record) - len(record) // 2),
    "extended": lambda record: record + b"\0",
    "foreign": lambda _: b"PK\x03\x04 something else entirely",
}


@pytest.mark.parametrize("place", ["havana", "paris"])
@pytest.mark.parametrize("how", SPOILT)
def test_a_truncated_state_file_makes_the_device_activate_again(
    simulation: Simulation, how: str, place: str
) -> None:
    """The server decides as before."""
    phone = made(simulation, place)
    end, record = phone.outcome(), disk(phone).read()
    assert record is not None
    disk(phone).put(SPOILT[how](record))
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "foreign"
    setup_again(phone)
    assert phone.outcome() is end


def test_any_flipped_bit_of_the_state_file_is_detected(simulation: Simulation) -> None:
    """One bit in each byte of the record of a locked device."""
    phone = made(simulation, "havana")
    phone.network_down()
    record = disk(phone).read()
    assert record is not None
    for at in range(len(record)):
        disk(phone).put(record[:at] + bytes([record[at] ^ 1 << at % 8]) + record[at + 1 :])
        disk(phone).full = True
        phone.power_on()
        assert faults(phone)[-1] == "foreign", at
        assert not phone.usable, at


def test_a_state_file_of_another_device_is_foreign(simulation: Simulation) -> None:
    """The activated state of another device does not activate this one."""
    phone, neighbour = made(simulation, "havana"), made(simulation, "paris")
    disk(phone).put(disk(neighbour).read())
    counter(phone).replace(counter(neighbour).value())
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "foreign"
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


def test_an_earlier_state_that_is_copied_back_is_rejected(simulation: Simulation) -> None:
    """The counter identifies the newest state."""
    phone = made(simulation, "paris")
    phone.wait(DAY)
    earlier = list(disk(phone).written)
    device_admin(simulation.server.service).act_on(phone.imeis[0], Act.LOCK, reason="reported stolen")
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
    phone.network_down()
    for record in earlier:
        disk(phone).put(record)
        phone.power_on()
        assert faults(phone)[-1] == "rolled-back"
        assert not phone.usable
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


def test_a_missing_state_file_makes_the_device_activate_again(simulation: Simulation) -> None:
    """The counter shows that there was one."""
    phone = made(simulation, "havana")
    disk(phone).erase()
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "missing"
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_a_counter_that_was_reset_makes_the_device_activate_again(simulation: Simulation, place: str) -> None:
    """A repair replaced the chip."""
    phone = made(simulation, place)
    end = phone.outcome()
    counter(phone).replace()
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "counter-lost"
    setup_again(phone)
    assert phone.outcome() is end


def test_a_counter_that_does_not_answer_keeps_the_device_unusable(
    simulation: Simulation,
) -> None:
    """When it responds again, the state is unchanged."""
    phone = made(simulation, "havana")
    counter(phone).silent = True
    phone.power_on()
    assert faults(phone)[-1] == "unreadable"
    assert not phone.usable
    phone.wait(DAY)
    assert not phone.usable
    counter(phone).silent = False
    phone.wait(2 * HOUR)
    assert phone.outcome() is Outcome.LOCKED


def test_after_a_factory_reset_the_server_decides_as_before(simulation: Simulation) -> None:
    """The attested identity survives."""
    phone = made(simulation, "havana")
    serial = phone.timeline.verdicts[-1].claims.serial
    phone.factory_reset()
    assert phone.agent is not None
    assert phone.agent.state.setup is Setup.LANGUAGE
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.timeline.verdicts[-1].claims.serial > serial


def test_a_factory_reset_does_not_undo_a_late_lock() -> None:
    """Neither at home nor in Paris, where a new device would be activated."""
    with Simulation("reset", policy=policy(BEFORE), host=InProcessHost) as simulation:
        phone = made(simulation, "havana")
        assert phone.outcome() is Outcome.ACTIVATED
        simulation.server.adopt(shipped())
        phone.retry()
        phone.carry(find_place("paris"))
        phone.factory_reset()
        phone.walk_setup()
        assert phone.outcome() is Outcome.LOCKED


def test_a_factory_reset_does_not_lock_a_device_that_was_activated_elsewhere(simulation: Simulation) -> None:
    """Its first request is allowed, as its check-ins are."""
    phone = made(simulation, "paris")
    phone.carry(find_place("havana"))
    phone.factory_reset()
    verdicts = len(phone.timeline.verdicts)
    phone.walk_setup()
    assert phone.outcome() is Outcome.ACTIVATED
    (first,) = phone.timeline.verdicts[verdicts:]
    assert (first.claims.decision, first.claims.policy.rule) == (Decision.ALLOW, "carried-in")


def test_another_sim_starts_a_check_in_and_does_not_unlock(simulation: Simulation) -> None:
    """The network outweighs the SIM."""
    phone = made(simulation, "havana")
    verdicts = len(phone.timeline.verdicts)
    phone.insert(generate_sim(Plmn(mcc="208", mnc="01"), Random(3)))
    assert len(phone.timeline.verdicts) == verdicts + 1
    assert phone.outcome() is Outcome.LOCKED
    phone.insert(None)
    assert phone.outcome() is Outcome.LOCKED


OFFICIAL = ["official-eea", "official-china", "official-legacy"]


@pytest.mark.parametrize("profile", OFFICIAL)
def test_a_lock_survives_official_images_up_and_down(simulation: Simulation, profile: str) -> None:
    """Also an older image whose agent runs at setup only."""
    phone = made(simulation, "havana")
    phone.network_down()
    for image in (profile, "official-global"):
        phone.flash(load_named(image))
        phone.power_on()
        assert phone.outcome() is Outcome.LOCKED, image
        assert not faults(phone)
    phone.network_up()
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("profile", OFFICIAL)
def test_an_activation_survives_official_images_up_and_down(simulation: Simulation, profile: str) -> None:
    phone = made(simulation, "paris")
    phone.network_down()
    for image in (profile, "official-global"):
        phone.flash(load_named(image))
        phone.power_on()
        assert phone.outcome() is Outcome.ACTIVATED, image


@pytest.mark.parametrize("profile", ["custom-aosp", "custom-vendor-base"])
def test_a_lock_applies_again_after_firmware_without_an_agent(simulation: Simulation, profile: str) -> None:
    """Back on the official image, the device is locked before it sends a request."""
    phone = made(simulation, "havana")
    phone.network_down()
    phone.flash(load_named(profile))
    phone.power_on()
    assert phone.outcome() is Outcome.HOME
    phone.flash(load_named("official-global"))
    phone.power_on()
    assert phone.outcome() is Outcome.LOCKED


def test_an_activation_of_an_image_with_another_root_is_foreign(simulation: Simulation) -> None:
    """It has its own sealing key."""
    phone = made(simulation, "havana")
    phone.flash(load_named("custom-resigned"))
    phone.power_on()
    phone.walk_setup()
    assert phone.outcome() is Outcome.ACTIVATED
    phone.network_down()
    phone.flash(load_named("official-global"))
    phone.power_on()
    assert faults(phone)[-1] == "foreign"
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("wall", [0, 4_102_444_800, 2**31 - 1])
def test_a_jump_of_the_clock_neither_locks_nor_unlocks(simulation: Simulation, wall: int) -> None:
    """To 1970, to 2100, to the last second of 32 bits."""
    locked, free = made(simulation, "havana"), made(simulation, "paris")
    for phone in (locked, free):
        phone.set_wall(wall)
        phone.power_on()
        phone.wait(2 * DAY)
    assert (locked.outcome(), free.outcome()) == (Outcome.LOCKED, Outcome.ACTIVATED)


def test_power_cuts_extend_the_offline_limit_by_a_heartbeat_at_most() -> None:
    """Five days without a network lock a device, although it is switched off and on every twenty hours."""
    with Simulation("battery", policy=policy(NOTICE), host=InProcessHost) as simulation:
        phone = made(simulation, "paris")
        phone.network_down()
        used = 0
        while phone.outcome() is not Outcome.LOCKED:
            phone.wait(20 * HOUR)
            used += 20 * HOUR
            phone.power_off()
            phone.power_on()
            assert used <= 5 * DAY * 20 / (20 - HEARTBEAT / HOUR) + 20 * HOUR, "the lock never comes"
        assert used >= 5 * DAY


def test_a_server_with_an_empty_database_neither_strands_nor_unlocks_a_device() -> None:
    """The device's serial keeps serials increasing, and its location decides again."""
    with Simulation("forgot", host=InProcessHost) as simulation:
        locked, free = made(simulation, "havana"), made(simulation, "paris")
        for _ in range(3):
            locked.retry()
        serial = locked.timeline.verdicts[-1].claims.serial
        simulation.server.restore(None)
        locked.retry()
        free.retry()
        assert (locked.outcome(), free.outcome()) == (Outcome.LOCKED, Outcome.ACTIVATED)
        assert locked.timeline.verdicts[-1].claims.serial == serial + 1


def test_a_server_restored_from_a_backup_continues_above_the_devices_serial() -> None:
    """The device sends the newest serial, attested."""
    with Simulation("restored", host=InProcessHost) as simulation:
        phone = made(simulation, "paris")
        backup = simulation.server.backup()
        device_admin(simulation.server.service).act_on(phone.imeis[0], Act.LOCK, reason="reported stolen")
        for _ in range(5):
            phone.retry()
        assert phone.outcome() is Outcome.LOCKED
        serial = phone.timeline.verdicts[-1].claims.serial
        simulation.server.restore(backup)
        phone.retry()
        assert phone.timeline.verdicts[-1].claims.serial == serial + 1
        assert phone.outcome() is Outcome.ACTIVATED, "the decision was lost with the records"


class _Replaying:
    """Answers every verdict request with an earlier response."""

    def __init__(self, inner: UpstreamTransport, answer: Answer) -> None:
        self._inner, self._answer = inner, answer

    def get(self, path: str, *, accept: str) -> Answer:
        return self._inner.get(path, accept=accept)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        if path.endswith("verdicts"):
            return self._answer
        return self._inner.post(path, body, content_type=content_type, accept=accept)


def test_a_replay_is_rejected_after_the_server_was_restored() -> None:
    """The nonce is another, and the device stays locked."""
    with Simulation("replayed", host=InProcessHost) as simulation:
        phone = made(simulation, "paris")
        allowed = next(r.answer for r in reversed(phone.network.requests) if r.path.endswith("verdicts"))
        backup = simulation.server.backup()
        device_admin(simulation.server.service).act_on(phone.imeis[0], Act.LOCK, reason="reported stolen")
        phone.retry()
        simulation.server.restore(backup)
        assert allowed is not None
        upstream = phone.network.upstream
        phone.network.upstream = _Replaying(upstream, allowed)
        phone.retry()
        assert phone.outcome() is Outcome.LOCKED
        assert phone.display.current is not None
        assert phone.display.current.facts.trouble is Trouble.UNTRUSTED
        phone.enter_code(allowed.body)
        assert phone.outcome() is Outcome.LOCKED


def test_a_lost_response_is_requested_again(simulation: Simulation) -> None:
    """The server has recorded a verdict that the device did not get; the next serial is above both."""
    phone = made(simulation, "havana")
    upstream = phone.network.upstream
    phone.network.upstream = _Replaying(upstream, Answer(502, "text/html", b""))
    phone.retry()
    phone.network.upstream = upstream
    phone.wait(HOUR)
    assert phone.outcome() is Outcome.LOCKED
    assert "untrusted" not in {e.detail.get("trouble") for e in phone.timeline.entries}


def test_lost_key_metadata_is_downloaded_again(simulation: Simulation) -> None:
    """The pinned root is in the image."""
    phone = made(simulation, "paris")
    assert phone.hardware.folder is not None
    shutil.rmtree(phone.hardware.folder)
    verdicts = len(phone.timeline.verdicts)
    phone.retry()
    assert len(phone.timeline.verdicts) == verdicts + 1


def test_evidence_after_a_loss_contains_the_present_state(simulation: Simulation) -> None:
    """A device without a state requests activation and claims no verdict."""
    phone = made(simulation, "paris")
    disk(phone).erase()
    phone.power_on()
    phone.walk_setup()
    sent = [e.detail["sent"]["claims"] for e in phone.timeline.entries if e.detail.get("sent")]
    assert sent[-1]["intent"] == Intent.ACTIVATE.value
    assert "last_verdict" not in sent[-1]
    assert sent[-1]["lock_state"] == Lock.UNPROVISIONED.value
    assert phone.display.current is not None
    assert phone.display.current.screen is ScreenId.HOME


def check_passes(file: str, combination: str) -> None:
    """One combination of a shipped scenario of clocks; the library runs all."""
    path = Path(__file__).parents[3] / "scenarios" / "clocks" / f"{file}.scenario.yaml"
    result = run(next(case for case in read(path) if case.combination == combination), SEED)
    assert result.status is Status.PASSED, wrong(result)


@pytest.mark.slow
@pytest.mark.parametrize("offset", ["behind-5-days", "ahead-30-days"])
def test_server_whose_clock_is_wrong_at_first_contact_locks_no_device(offset: str) -> None:
    check_passes("wrong-at-first-contact", f"offset={offset},then=waits")


@pytest.mark.slow
@pytest.mark.parametrize("offset", ["behind-5-days", "ahead-30-days"])
def test_server_that_starts_with_a_wrong_clock_locks_no_device(offset: str) -> None:
    check_passes("wrong-later", f"moment=boots,offset={offset},then=waits")


@pytest.mark.slow
def test_stolen_verdict_key_moves_trusted_time_only_until_the_next_honest_verdict() -> None:
    check_passes("stolen-verdict-key", "moment=first-contact,revoked=at-once,seconds=at-the-ceiling")


@pytest.mark.slow
def test_stolen_timestamp_key_moves_the_floor_only_until_a_root_replaces_it() -> None:
    check_passes("stolen-timestamp-key", "keys=both,moment=checks-in,replaced=later,seconds=five-days")
