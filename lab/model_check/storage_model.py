"""The state file, the counter, and who has the flash in hands: sealing by the production codec and rule."""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from agent.core.states import Lock, State, fresh
from agent.sealing import Recovered, seal
from lab.model_check.abstraction import NOW, UNIT, canonical, faded, skeleton
from lab.model_check.invariants import Broken
from lab.model_check.memoized_step import Pool
from lab.model_check.variant import AgentVariant, Recover
from lab.model_check.world import AHEAD, GARBAGE, LOST, NEWEST, STALE, File, Move, UserEntitlement, World

COUNTER: Final = 100
_KEY: Final = bytes(range(32))
_VALUE: Final = {NEWEST: COUNTER, AHEAD: COUNTER + 1, STALE: COUNTER - 1, LOST: COUNTER + 50}
_BUILT: Final = NOW - 100 * UNIT
_JUNK: Final = b"no record of this phone"


class Found(NamedTuple):
    """What a boot finds: the world with the recovered state in the agent's place."""

    story: str
    after: World
    helpful: bool
    broken: tuple[Broken, ...]


class Flash:
    """Reads and counts for the model."""

    def __init__(self, plan: AgentVariant, pool: Pool) -> None:
        self._plan = plan
        self._pool = pool
        self._read: dict[tuple[File | None, int], tuple[int, Recovered, tuple[Broken, ...]]] = {}

    def record(self, file: File | None) -> State | None:
        """The state in a file, if this phone sealed it."""
        return self._pool.states[file.content] if file and file.content != GARBAGE else None

    def counted(self, world: World) -> World:
        """The counter has counted: every record is one further behind."""
        return world._replace(disk=self._older(world.disk), stash=self._older(world.stash))

    def _older(self, file: File | None) -> File | None:
        """What is stale stays stale, and only which states it was in still matters: nobody may read it."""
        if file is None or file.gap in (LOST, STALE):
            return file
        if file.gap == AHEAD:
            return File(file.content, NEWEST)
        return self._fading(file.content, STALE)

    def _fading(self, content: int, gap: int) -> File:
        old = content if content == GARBAGE else self._pool.number(faded(self._pool.states[content]))
        return File(old, gap)

    def tampered(self, world: World) -> Iterator[Move]:
        """What can be done to the flash of a phone that is off, without its key."""
        if world.disk != world.stash and self._counts(world.disk):
            yield Move("attacker: copies the state file", world._replace(stash=world.disk))
        if world.stash is not None and world.stash != world.disk:
            yield Move("attacker: puts the copy back", world._replace(disk=world.stash))
        if world.disk is not None:
            yield Move("attacker: erases the state file", world._replace(disk=None))
        if world.disk != (junk := File(GARBAGE, NEWEST)):
            yield Move("attacker: writes a state file of their own", world._replace(disk=junk))
        if world.disk is not None and self._counts(world.disk):
            lost = self._fading(world.disk.content, LOST)
            yield Move("hardware: the counter begins anew", world._replace(disk=lost, stash=None))

    @staticmethod
    def _counts(file: File | None) -> bool:
        """Whether a file is a record that the counter has not lost."""
        return file is not None and file.content != GARBAGE and file.gap != LOST

    def found(self, world: World) -> Iterator[Found]:
        """What a boot can find: by this image, and by a newer one."""
        yield self._found(world, "power: on", _BUILT)._replace(helpful=True)
        yield self._found(world, "power: on, with a newer image", NOW + UNIT)

    def blank(self, world: World) -> World:
        """A boot that could read nothing: the agent knows nothing, and leaves what there is."""
        return world._replace(powered=True, agent=self._pool.number(canonical(fresh(_BUILT))))

    def agrees(self, rule: Recover) -> bool:
        """Whether another recovery rule does the same with every file that a boot has found."""
        return all(
            self._recover(file, built, rule) == recovered
            for (file, built), (_, recovered, _) in self._read.items()
        )

    def _found(self, world: World, story: str, built: int) -> Found:
        number, recovered, broken = self._reading(world.disk, built)
        after = self._taken(world, number, anew=recovered.fault is not None or world.disk is None)
        return Found(story, self.counted(after) if recovered.behind else after, helpful=False, broken=broken)

    def _reading(self, file: File | None, built: int) -> tuple[int, Recovered, tuple[Broken, ...]]:
        found = self._read.get((file, built))
        if found is None:
            recovered = self._recover(file, built)
            number = self._pool.number(canonical(recovered.state))
            broken = tuple(self._broken(file, recovered, built))
            found = self._read[file, built] = (number, recovered, broken)
        return found

    def _taken(self, world: World, number: int, *, anew: bool) -> World:
        """A phone that remembers nothing is nobody's; a record that says locked bars, as the lock did."""
        lock = self._pool.states[number].lock
        standing = world.standing
        if lock is Lock.LOCKED:
            standing = UserEntitlement.BARRED
        elif standing is not UserEntitlement.BARRED:
            standing = UserEntitlement.NONE if anew or lock is Lock.UNPROVISIONED else UserEntitlement.GRANTED
        return world._replace(powered=True, agent=number, standing=standing)

    def _recover(self, file: File | None, built: int, rule: Recover | None = None) -> Recovered:
        content = None
        if file is not None:
            record = self.record(file)
            content = _JUNK if record is None else sealed(record, _VALUE[file.gap])
        return (rule or self._plan.recover)(content, _KEY, COUNTER, fresh(built))

    def _broken(self, file: File | None, recovered: Recovered, built: int) -> Iterator[Broken]:
        """The newest record is taken as it is, and nothing else is taken at all."""
        record, state = self.record(file), recovered.state
        newest = record is not None and file is not None and file.gap in (NEWEST, AHEAD)
        if not newest and state != fresh(built):
            yield "I4", "something is recovered from what is not the newest record"
        if file is None and recovered.fault is None:
            yield "D1", "the counter has counted, and that the file is missing goes without a word"
        if not newest and recovered.behind:
            yield "I9", "the counter is moved by what is not the newest record"
        if newest and record is not None:
            if skeleton(canonical(state)) != skeleton(record):
                name = "I3" if record.lock is Lock.LOCKED else "I9"
                yield name, f"a record that says {record.lock} is recovered as {state.lock}"
            if state.memory.time.epoch < max(NOW, built):
                yield "I4", "trusted time went back with the boot"
            if recovered.behind is not (file is not None and file.gap == AHEAD):
                yield "I9", "the counter does not follow the record"


@cache
def sealed(record: State, counter: int) -> bytes:
    """The production record of a canonical state."""
    return seal(record, _KEY, counter)
