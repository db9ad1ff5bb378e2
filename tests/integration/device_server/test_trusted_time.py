"""When the time of a device moves: in the step that applies a verdict of an exchange, in one record with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from agent.core.states import Memory
from agent.ports import Answer, KeySource, Ports, PublishedKeys, SealedStore, Transport
from agent.sealing import unseal
from agent.verification.bounds import TimestampBounds
from agent.verification.keyset import KeySet
from lab.backend.hosts import InProcessHost
from lab.handset.builder import DeviceOptions
from lab.handset.handset import Handset
from lab.simulation.simulation import Simulation
from wire import media

HOUR = 3600


@dataclass
class TimedPorts:
    """Ports of a device: keys with a time `ahead` and newer roots, verdicts through `spoil`, and each record."""

    ahead: int = 0
    newer_roots: int = 0
    spoil: Callable[[bytes], bytes] = bytes
    records: list[bytes] = field(default_factory=list)
    source: KeySource = field(init=False)
    transport: Transport = field(init=False)
    store: SealedStore = field(init=False)

    def within(self, ports: Ports) -> Ports:
        self.source, self.transport, self.store = ports.keys, ports.transport, ports.store
        return replace(ports, keys=self, transport=self, store=self)

    def keys(self, known: TimestampBounds, in_time: Callable[[], bool]) -> PublishedKeys:
        found = self.source.keys(known, in_time)
        assert found.latest is not None
        bounds = replace(found.bounds.later(self.ahead), root=found.bounds.root + self.newer_roots)
        return PublishedKeys(found.keys, bounds, found.latest + self.ahead)

    def cached_keys(self) -> KeySet:
        return self.source.cached_keys()

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        answer = self.transport.post(path, body, content_type=content_type, accept=accept)
        return replace(answer, body=self.spoil(answer.body)) if path == media.VERDICTS_PATH else answer

    def read(self) -> bytes | None:
        return self.store.read()

    def write(self, content: bytes) -> None:
        self.records.append(content)
        self.store.write(content)


@dataclass
class TimedPhone:
    handset: Handset
    ports: TimedPorts
    sealing_key: bytes

    def memory(self) -> Memory:
        """As it is in use."""
        assert self.handset.agent is not None
        return self.handset.agent.state.memory

    def records(self) -> list[Memory]:
        """All sealed, the newest last."""
        found = [unseal(content, self.sealing_key) for content in self.ports.records]
        assert all(found)
        return [record.memory for record in found if record is not None]


@pytest.fixture
def phone() -> Iterator[TimedPhone]:
    ports = TimedPorts()
    with Simulation("trusted time", host=InProcessHost) as simulation:
        handset = simulation.phone("official-global", "paris", options=DeviceOptions(ports=ports.within))
        handset.power_on()
        handset.walk_setup()
        yield TimedPhone(handset, ports, handset.keystore(handset._context.seed).sealing_key())


def shown(memory: Memory) -> tuple[int, int, str]:
    """How far time and floor have been moved beyond the time that passed, and by which verdict."""
    return (
        memory.time.epoch - int(memory.time.elapsed),
        memory.bounds.floor - int(memory.time.elapsed),
        memory.jti,
    )


def test_refused_verdict_moves_nothing_although_its_key_list_was_accepted(phone: TimedPhone) -> None:
    before, written = shown(phone.memory()), len(phone.records())
    phone.ports.ahead, phone.ports.spoil = 10 * HOUR, lambda token: token[:-1]
    phone.handset.retry()
    assert phone.handset.timeline.entries[-2].detail["code"] == "segment-encoding"
    assert shown(phone.memory()) == before
    phone.handset.wait(7 * HOUR)
    assert {shown(memory) for memory in phone.records()[written:]} == {before}


def test_floor_time_and_verdict_are_sealed_in_one_record(phone: TimedPhone) -> None:
    """A power cut leaves all of them or none."""
    phone.ports.ahead = 10 * HOUR
    phone.handset.retry()
    moved = shown(phone.memory())
    records = [shown(memory) for memory in phone.records()]
    assert records[-1] == moved
    assert len({floor for _, floor, _ in records}) == len({jti for _, _, jti in records}) == 3
    assert phone.memory().bounds.floor == phone.memory().time.epoch
    phone.handset.power_on()
    assert phone.memory().bounds.signers
    assert phone.memory().bounds.floor >= phone.records()[0].bounds.floor + 10 * HOUR


def test_verdict_is_compared_with_the_floor_at_its_arrival(phone: TimedPhone) -> None:
    """The floor advances while the device waits for the response."""

    def late(token: bytes) -> bytes:
        phone.handset.world.wait(25 * HOUR)
        return token

    phone.ports.ahead, phone.ports.spoil = 0, late
    before = phone.memory().jti
    phone.handset.retry()
    assert phone.memory().jti == before


def test_policy_floor_starts_again_with_the_first_verdict_under_a_newer_root(phone: TimedPhone) -> None:
    """A thief of a verdict key may have raised it above the policies of the manufacturer."""
    agent, jti = phone.handset.agent, phone.memory().jti
    assert agent is not None
    agent._state = replace(agent.state, memory=replace(phone.memory(), policy_version=99))
    phone.handset.retry()
    assert (phone.memory().jti, phone.memory().policy_version) == (jti, 99)
    phone.ports.newer_roots = 1
    phone.handset.retry()
    assert phone.memory().jti != jti
    assert phone.memory().policy_version < 99
    assert phone.memory().bounds.root == 2


def test_policy_floor_of_a_record_without_a_root_remains(phone: TimedPhone) -> None:
    """An earlier release did not seal the root, so it is not known whether this one is newer."""
    agent, jti = phone.handset.agent, phone.memory().jti
    assert agent is not None
    memory = replace(phone.memory(), policy_version=99, bounds=TimestampBounds(phone.memory().bounds.floor))
    agent._state = replace(agent.state, memory=memory)
    phone.handset.retry()
    assert (phone.memory().jti, phone.memory().policy_version) == (jti, 99)
