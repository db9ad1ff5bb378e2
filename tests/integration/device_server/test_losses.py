"""What happens to phones and servers, done to real agents and a real server: each row of docs/failure-modes.md by
a test."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest

from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock, Setup
from agent.core.timing import HEARTBEAT
from agent.ports import Answer
from firmware_profiles.loader import load_named
from lab.handset.handset import Handset
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.scenario.engine.breakable_parts import FaultyCounter, FaultyStore, PowerCutTrigger
from lab.simulation.simulation import Simulation
from lab.world.network import UpstreamTransport
from lab.world.places import find_place
from lab.world.sim import generate_sim
from server_stub.admin.context import device_admin
from server_stub.policies import shipped
from tests.support.life import DAY, HOUR, NOTICE, policy
from wire.codes import Intent
from wire.evidence import Plmn


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation.open("losses") as opened:
        yield opened


def made(simulation: Simulation, place: str) -> Handset:
    """A phone in a place, walked through its setup, on storage that can fail."""
    phone = simulation.phone("official-global", place)
    with_breakable_storage(phone)
    phone.power_on()
    phone.walk_setup()
    return phone


class RecordingStore(FaultyStore):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__(PowerCutTrigger())
        self.written: list[bytes] = []

    def write(self, content: bytes) -> None:
        super().write(content)
        self.written.append(content)


def with_breakable_storage(phone: Handset) -> None:
    counter = FaultyCounter(PowerCutTrigger())
    phone._hardware = replace(phone._hardware, store=RecordingStore(), counter=counter)


def disk(phone: Handset) -> RecordingStore:
    store = phone._hardware.store
    assert isinstance(store, RecordingStore)
    return store


def counter(phone: Handset) -> FaultyCounter:
    found = phone._hardware.counter
    assert isinstance(found, FaultyCounter)
    return found


def faults(phone: Handset) -> list[str]:
    """What each boot found wrong with the sealed state."""
    return [
        e.detail["fault"] for e in phone.timeline.entries if e.what == "recovered" and "fault" in e.detail
    ]


def setup_again(phone: Handset) -> None:
    """What a user does whose phone begins with the wizard."""
    assert not phone.usable
    phone.network_up()
    phone.walk_setup()


def test_a_full_disk_leaves_the_phone_as_it_was_until_there_is_room(simulation: Simulation) -> None:
    """Nothing counts that is not sealed: neither a lock nor an unlocking."""
    phone = made(simulation, "havana")
    assert phone.outcome() is Outcome.LOCKED
    device_admin(simulation.server.service).unlock(phone.imeis[0], reason="a mistake")
    disk(phone).full = True
    phone.retry()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.panel.now is not None
    assert phone.panel.now.facts.trouble is Trouble.NO_STORAGE
    disk(phone).full = False
    phone.wait(2 * HOUR)
    assert phone.outcome() is Outcome.ACTIVATED


def test_a_disk_that_is_full_from_the_start_keeps_the_phone_in_its_wizard(simulation: Simulation) -> None:
    """A phone that cannot remember its verdict has none."""
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
def test_a_state_file_that_is_not_whole_makes_the_phone_ask_again(
    simulation: Simulation, how: str, place: str
) -> None:
    """A phone that remembers nothing is not activated; the server remembers, and says the same as before."""
    phone = made(simulation, place)
    end, record = phone.outcome(), disk(phone).read()
    assert record is not None
    disk(phone).put(SPOILT[how](record))
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "foreign"
    setup_again(phone)
    assert phone.outcome() is end


def test_any_flipped_bit_of_the_state_file_is_noticed(simulation: Simulation) -> None:
    """A locked phone; a bit in each octet of the record, one after the other."""
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


def test_a_state_file_of_another_phone_is_foreign(simulation: Simulation) -> None:
    """A neighbour's activated state does not activate this one."""
    phone, neighbour = made(simulation, "havana"), made(simulation, "paris")
    disk(phone).put(disk(neighbour).read())
    counter(phone).replace(counter(neighbour).value())
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "foreign"
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


def test_an_earlier_state_that_is_copied_back_is_refused(simulation: Simulation) -> None:
    """The counter tells every copy from the newest; no earlier day comes back, however often it is tried."""
    phone = made(simulation, "paris")
    phone.wait(DAY)
    earlier = list(disk(phone).written)
    device_admin(simulation.server.service).lock(phone.imeis[0], reason="reported stolen")
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


def test_a_state_file_that_is_gone_makes_the_phone_ask_again(simulation: Simulation) -> None:
    """The counter has counted, so there was one."""
    phone = made(simulation, "havana")
    disk(phone).erase()
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "missing"
    setup_again(phone)
    assert phone.outcome() is Outcome.LOCKED


@pytest.mark.parametrize("place", ["havana", "paris"])
def test_a_counter_that_was_reset_makes_the_phone_ask_again(simulation: Simulation, place: str) -> None:
    """A repair shop puts in another chip: no record can be told from the newest any more."""
    phone = made(simulation, place)
    end = phone.outcome()
    counter(phone).replace()
    phone.network_down()
    phone.power_on()
    assert faults(phone)[-1] == "counter-lost"
    setup_again(phone)
    assert phone.outcome() is end


def test_a_counter_that_does_not_answer_keeps_the_phone_where_it_cannot_be_used(
    simulation: Simulation,
) -> None:
    """Neither activated nor given up: when it answers again, the phone is what it was."""
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


def test_a_factory_reset_is_remembered_by_the_server(simulation: Simulation) -> None:
    """The wizard begins anew and ends where it ended: the attested identity survives."""
    phone = made(simulation, "havana")
    serial = phone.timeline.verdicts[-1].claims.serial
    phone.factory_reset()
    assert phone.agent is not None
    assert phone.agent.state.setup is Setup.LANGUAGE
    phone.walk_setup()
    assert phone.outcome() is Outcome.LOCKED
    assert phone.timeline.verdicts[-1].claims.serial > serial


def test_a_factory_reset_after_the_late_lock_does_not_undo_it() -> None:
    """Neither at home nor in Paris, where a new phone would be activated."""
    with Simulation.open("reset", policy=policy(BEFORE)) as simulation:
        phone = made(simulation, "havana")
        assert phone.outcome() is Outcome.ACTIVATED
        simulation.server.adopt(shipped())
        phone.retry()
        phone.carry(find_place("paris"))
        phone.factory_reset()
        phone.walk_setup()
        assert phone.outcome() is Outcome.LOCKED


def test_another_sim_is_asked_about_and_does_not_unlock(simulation: Simulation) -> None:
    """The card is one signal; the network that it registers on weighs more."""
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
    """Also an older image, whose agent asks at setup alone: a locked phone counts as one that is not set up."""
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
    """An update must not send a customer through the wizard."""
    phone = made(simulation, "paris")
    phone.network_down()
    for image in (profile, "official-global"):
        phone.flash(load_named(image))
        phone.power_on()
        assert phone.outcome() is Outcome.ACTIVATED, image


@pytest.mark.parametrize("profile", ["custom-aosp", "custom-vendor-base"])
def test_a_lock_waits_behind_firmware_that_has_no_agent(simulation: Simulation, profile: str) -> None:
    """The other image is not affected; back on the official one, the lock stands before a request is sent."""
    phone = made(simulation, "havana")
    phone.network_down()
    phone.flash(load_named(profile))
    phone.power_on()
    assert phone.outcome() is Outcome.HOME
    phone.flash(load_named("official-global"))
    phone.power_on()
    assert phone.outcome() is Outcome.LOCKED


def test_an_image_of_another_trust_root_cannot_leave_an_activation_behind(simulation: Simulation) -> None:
    """It gets a sealing key of its own: what its server allowed is foreign to the official image."""
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
def test_a_clock_that_jumps_locks_and_unlocks_nobody(simulation: Simulation, wall: int) -> None:
    """To 1970, to 2100, to the last second of 32 bits: nothing in the phone reads that clock."""
    locked, free = made(simulation, "havana"), made(simulation, "paris")
    for phone in (locked, free):
        phone.set_wall(wall)
        phone.power_on()
        phone.wait(2 * DAY)
    assert (locked.outcome(), free.outcome()) == (Outcome.LOCKED, Outcome.ACTIVATED)


def test_pulling_the_battery_gains_no_more_than_a_heartbeat() -> None:
    """Five days of use without a network lock a phone, though it is switched off and on every twenty hours."""
    with Simulation.open("battery", policy=policy(NOTICE)) as simulation:
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


def test_a_server_that_forgot_the_phone_neither_strands_nor_frees_it() -> None:
    """An empty database: the phone's own serial keeps the numbers rising, and where it is decides again."""
    with Simulation.open("forgot") as simulation:
        locked, free = made(simulation, "havana"), made(simulation, "paris")
        for _ in range(3):
            locked.retry()
        serial = locked.timeline.verdicts[-1].claims.serial
        simulation.server.restore(None)
        locked.retry()
        free.retry()
        assert (locked.outcome(), free.outcome()) == (Outcome.LOCKED, Outcome.ACTIVATED)
        assert locked.timeline.verdicts[-1].claims.serial == serial + 1


def test_a_server_restored_from_a_backup_numbers_above_what_the_phone_knows() -> None:
    """Its serials are behind; the phone tells it the newest, attested, and is not stranded."""
    with Simulation.open("restored") as simulation:
        phone = made(simulation, "paris")
        backup = simulation.server.backup()
        device_admin(simulation.server.service).lock(phone.imeis[0], reason="reported stolen")
        for _ in range(5):
            phone.retry()
        assert phone.outcome() is Outcome.LOCKED
        serial = phone.timeline.verdicts[-1].claims.serial
        simulation.server.restore(backup)
        phone.retry()
        assert phone.timeline.verdicts[-1].claims.serial == serial + 1
        assert phone.outcome() is Outcome.ACTIVATED, "the decision was lost with the records"


class _Replaying:
    """Answers every question about a verdict with an earlier answer."""

    def __init__(self, inner: UpstreamTransport, answer: Answer) -> None:
        self._inner, self._answer = inner, answer

    def get(self, path: str, *, accept: str) -> Answer:
        return self._inner.get(path, accept=accept)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        if path.endswith("verdicts"):
            return self._answer
        return self._inner.post(path, body, content_type=content_type, accept=accept)


def test_a_restored_server_makes_no_replay_acceptable() -> None:
    """The allow of yesterday answers yesterday's question; the phone stays locked and does not trust it."""
    with Simulation.open("replayed") as simulation:
        phone = made(simulation, "paris")
        allowed = next(r.answer for r in reversed(phone.network.requests) if r.path.endswith("verdicts"))
        backup = simulation.server.backup()
        device_admin(simulation.server.service).lock(phone.imeis[0], reason="reported stolen")
        phone.retry()
        simulation.server.restore(backup)
        assert allowed is not None
        onward = phone.network.onward
        phone.network.onward = _Replaying(onward, allowed)
        phone.retry()
        assert phone.outcome() is Outcome.LOCKED
        assert phone.panel.now is not None
        assert phone.panel.now.facts.trouble is Trouble.UNTRUSTED
        phone.enter_code(allowed.body)
        assert phone.outcome() is Outcome.LOCKED


def test_an_answer_that_is_lost_on_its_way_is_asked_for_again(simulation: Simulation) -> None:
    """The server has recorded a verdict that the phone never saw; the next one is numbered above both."""
    phone = made(simulation, "havana")
    onward = phone.network.onward
    phone.network.onward = _Replaying(onward, Answer(502, "text/html", b""))
    phone.retry()
    phone.network.onward = onward
    phone.wait(HOUR)
    assert phone.outcome() is Outcome.LOCKED
    assert "untrusted" not in {e.detail.get("trouble") for e in phone.timeline.entries}


def test_lost_key_metadata_is_fetched_again(simulation: Simulation) -> None:
    """The pinned root is in the image; everything else comes from the server."""
    phone = made(simulation, "paris")
    assert phone._hardware.folder is not None
    shutil.rmtree(phone._hardware.folder)
    verdicts = len(phone.timeline.verdicts)
    phone.retry()
    assert len(phone.timeline.verdicts) == verdicts + 1


def test_every_evidence_after_a_loss_says_what_the_phone_is_now(simulation: Simulation) -> None:
    """A phone that forgot everything asks to be activated, and claims no verdict that it cannot show."""
    phone = made(simulation, "paris")
    disk(phone).erase()
    phone.power_on()
    phone.walk_setup()
    sent = [e.detail["sent"]["claims"] for e in phone.timeline.entries if e.detail.get("sent")]
    assert sent[-1]["intent"] == Intent.ACTIVATE.value
    assert "last_verdict" not in sent[-1]
    assert sent[-1]["lock_state"] == Lock.UNPROVISIONED.value
    assert phone.panel.now is not None
    assert phone.panel.now.screen is ScreenId.HOME
