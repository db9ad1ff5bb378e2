"""The state file, the counter and an attacker with access to the flash; sealed with the production code."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from agent import sealing
from agent.core.states import Lock, State, fresh
from agent.sealing import Recovered, seal
from lab.model_check.abstraction import canonical, skeleton, unreadable
from lab.model_check.invariants import Broken
from lab.model_check.memoized_step import StatePool
from lab.model_check.publications import NOW, UNIT
from lab.model_check.world_state import (
    AHEAD,
    GARBAGE,
    LOST,
    NEWEST,
    STALE,
    Memo,
    StateFile,
    UserEntitlement,
    WorldState,
    WorldTransition,
)

COUNTER: Final = 100
_KEY: Final = bytes(range(32))
_VALUE: Final = {NEWEST: COUNTER, AHEAD: COUNTER + 1, STALE: COUNTER - 1, LOST: COUNTER + 50}
_BUILT: Final = NOW - 100 * UNIT
_JUNK: Final = b"no record of this phone"


class StorageModel:
    """Reads, counts and tampers."""

    def __init__(self, pool: StatePool) -> None:
        self._pool = pool
        self._read = Memo(self._read_file)

    def record(self, file: StateFile | None) -> State | None:
        """The state in a file, if this device sealed it."""
        return self._pool.states[file.content] if file and file.content != GARBAGE else None

    def counted(self, world: WorldState) -> WorldState:
        """The state after the counter was incremented: the gap of every record grows by one."""
        return world._replace(disk=self._older(world.disk), stash=self._older(world.stash))

    def _older(self, file: StateFile | None) -> StateFile | None:
        """Stale files stay stale. Of their content only the lock matters, since no device may read them."""
        if file is None or file.gap in (LOST, STALE):
            return file
        if file.gap == AHEAD:
            return StateFile(file.content, NEWEST)
        return self._unreadable(file.content, STALE)

    def _unreadable(self, content: int, gap: int) -> StateFile:
        if content == GARBAGE:
            return StateFile(content, gap)
        return StateFile(self._pool.number(unreadable(self._pool.states[content])), gap)

    def tampered(self, world: WorldState) -> Iterator[WorldTransition]:
        """The changes that an attacker without the key can make to the flash of a device that is off."""
        disk, junk = world.disk, StateFile(GARBAGE, NEWEST)
        counts = disk is not None and disk.content != GARBAGE and disk.gap != LOST
        if disk != world.stash and counts:
            yield WorldTransition("attacker: copies the state file", world._replace(stash=disk))
        if world.stash is not None and world.stash != disk:
            yield WorldTransition("attacker: puts the copy back", world._replace(disk=world.stash))
        if disk is not None:
            yield WorldTransition("attacker: erases the state file", world._replace(disk=None))
        if disk != junk:
            yield WorldTransition("attacker: writes a state file of their own", world._replace(disk=junk))
        if disk is not None and counts:
            lost = self._unreadable(disk.content, LOST)
            yield WorldTransition("hardware: the counter is reset", world._replace(disk=lost, stash=None))

    def boots(self, world: WorldState) -> Iterator[WorldTransition]:
        """The boots of this image, and of a newer one: the states in which the agent's state is recovered."""
        yield self._boot(world, "power: on", _BUILT)._replace(helpful=True)
        yield self._boot(world, "power: on, with a newer image", NOW + UNIT)

    def blank(self, world: WorldState) -> WorldState:
        """A boot that could not read the flash: the agent is blank, and the file stays."""
        return world._replace(powered=True, agent=self._pool.number(canonical(fresh(_BUILT))))

    def agrees(self) -> bool:
        """Whether the recovery rule as it is now returns the same for every file that a boot has read."""
        return all(
            self._recover(file, built) == recovered for (file, built), (_, recovered, _) in self._read.items()
        )

    def _read_file(self, key: tuple[StateFile | None, int]) -> tuple[int, Recovered, tuple[Broken, ...]]:
        """The number of the recovered state, what is recovered, and the invariants that this breaks."""
        file, built = key
        recovered = self._recover(file, built)
        number = self._pool.number(canonical(recovered.state))
        return number, recovered, tuple(self._broken(file, recovered, built))

    def _boot(self, world: WorldState, name: str, built: int) -> WorldTransition:
        file = world.disk
        number, recovered, broken = self._read[file, built]
        # A blank record grants nothing; a record whose lock is LOCKED denies access.
        lock, entitlement = self._pool.states[number].lock, world.entitlement
        if lock is Lock.LOCKED:
            entitlement = UserEntitlement.BARRED
        elif entitlement is not UserEntitlement.BARRED:
            blank = recovered.fault is not None or file is None or lock is Lock.UNPROVISIONED
            entitlement = UserEntitlement.NONE if blank else UserEntitlement.GRANTED
        after = world._replace(powered=True, agent=number, entitlement=entitlement)
        return WorldTransition(name, self.counted(after) if recovered.behind else after, broken=broken)

    def _recover(self, file: StateFile | None, built: int) -> Recovered:
        content = None
        if file is not None:
            record = self.record(file)
            content = _JUNK if record is None else _sealed(record, _VALUE[file.gap])
        return sealing.recover(content, _KEY, COUNTER, fresh(built))

    def _broken(self, file: StateFile | None, recovered: Recovered, built: int) -> Iterator[Broken]:
        """The newest record must be recovered unchanged, and no other may be recovered."""
        record, state = self.record(file), recovered.state
        newest = record is not None and file is not None and file.gap in (NEWEST, AHEAD)
        if not newest and state != fresh(built):
            yield "I4", "a state is recovered from a file that is not the newest record"
        if file is None and recovered.fault is None:
            yield "D1", "the counter was incremented, and the missing file is not reported"
        if not newest and recovered.behind:
            yield "I9", "a file that is not the newest record increments the counter"
        if newest and record is not None:
            if skeleton(canonical(state)) != skeleton(record):
                name = "I3" if record.lock is Lock.LOCKED else "I9"
                yield name, f"a record with the lock {record.lock} is recovered as {state.lock}"
            floor, time = state.memory.bounds.floor, state.memory.time.epoch
            if (floor, time) != (max(record.memory.bounds.floor, built), max(NOW, built)):
                yield "I4", "floor and trusted time do not continue at the boot"
            if recovered.behind is not (file is not None and file.gap == AHEAD):
                yield "I9", "the counter does not follow the record"


@cache
def _sealed(record: State, counter: int) -> bytes:
    return seal(record, _KEY, counter)
