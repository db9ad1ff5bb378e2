"""The product of agent, seal and counter, network, server, attacker, power, user and time: what can happen next.

The agent is the production `step`, the seal the production `seal` and recovery rule, verdicts pass the production
verifier. What the model says itself is how `agent.runtime` carries effects out, and what the world may do.

Only writing and counting leave something behind that a power cut spares, so the power goes before and after each of
these; what is shown, set or sent between two of them is one move, for no cut within it could be told from one after.
"""

from collections.abc import Iterator
from typing import Final

from agent.core.events import EventKind
from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock, State
from lab.model_check import abstraction, invariants, specification
from lab.model_check.agent_model import AgentModel, Change
from lab.model_check.memoized_step import Pool
from lab.model_check.profile_traits import Traits, is_provisioned
from lab.model_check.storage_model import Flash
from lab.model_check.variant import PRODUCTION, WRITE, AgentVariant
from lab.model_check.world import NOBODY, File, Move, Op, UserEntitlement, World

START: Final = World()


class Model:
    """What can happen to a phone with `traits` that runs `plan`."""

    def __init__(self, traits: Traits, plan: AgentVariant = PRODUCTION) -> None:
        self.traits = traits
        self.pool = Pool()
        self.body = AgentModel(traits, plan, self.pool)
        self.flash = Flash(plan, self.pool)
        self._exposures: dict[tuple[int, File | None], tuple[invariants.Broken, ...]] = {}

    def state(self, world: World) -> State | None:
        """The agent's state, if it runs."""
        return self.pool.states[world.agent] if world.agent != NOBODY else None

    def broken(self, world: World) -> tuple[invariants.Broken, ...]:
        """What is wrong with `world` as it stands."""
        return tuple(invariants.broken_in(world, self.state(world), self.traits))

    def moves(self, world: World, *, merged: bool = False) -> Iterator[Move]:
        """Everything that can happen next. `merged` tells of moves that lead to the same world only the first."""
        if not world.powered:
            yield from self._dark(world)
        elif world.todo:
            yield from self._midst(world)
        else:
            yield Move("power: off", self._off(world))
            if world.agent != NOBODY and not world.up:
                yield from self._again(world)
            elif world.agent != NOBODY:
                for change in self.body.changes(
                    world.agent, world.panel, alarm=world.alarm, provisioned=world.provisioned, merged=merged
                ):
                    yield self._applied(change, world)

    def _applied(self, change: Change, world: World) -> Move:
        standing = world.standing if change.standing is None else change.standing
        after = World(
            change.agent,
            True,  # noqa: FBT003 - the field's name is `powered`; by position, for this runs for each transition
            change.before,
            change.todo,
            change.panel,
            change.alarm,
            world.disk,
            world.stash,
            change.provisioned,
            standing,
            world.up or not change.todo,
        )
        broken = change.broken
        if change.exposes:
            broken += self._exposure(change.agent, world.disk)
        return Move(change.story, after, change.helpful, broken)

    # --- switched off ---------------------------------------------------------------------------------------------

    def _dark(self, world: World) -> Iterator[Move]:
        yield from self._boots(world)
        yield Move("user: factory reset", world._replace(disk=None, provisioned=False))
        yield from self.flash.tampered(world)

    def _boots(self, world: World) -> Iterator[Move]:
        on = world._replace(powered=True)
        if not self.traits.boots:
            yield Move("power: on, and the bootloader refuses the image", on, helpful=True)
        elif not self.traits.agent or not self.traits.delivers(
            EventKind.BOOTED, provisioned=world.provisioned
        ):
            yield Move("power: on, without the agent", on._replace(panel=ScreenId.HOME), helpful=True)
        else:
            yield from self._recovered(world)

    def _recovered(self, world: World) -> Iterator[Move]:
        yield from self._unreadable(world)
        for found in self.flash.found(world):
            change = self.body.booted(found.after.agent, found.story, provisioned=world.provisioned)
            move = self._applied(change, found.after)
            yield move._replace(helpful=found.helpful, broken=found.broken + move.broken)

    def _unreadable(self, world: World) -> Iterator[Move]:
        blank = self.flash.blank(world)
        yield Move("power: on, and the flash cannot be read", self._complaining(blank))

    def _again(self, world: World) -> Iterator[Move]:
        """A phone whose boot could not be sealed: whatever wakes the agent makes it boot anew."""
        down = self._off(world)
        for move in self._recovered(down):
            yield move._replace(story=move.story.replace("power: on", "agent: boots again"))

    # --- in the midst of a step -------------------------------------------------------------------------------------

    def _midst(self, world: World) -> Iterator[Move]:
        op, rest = world.todo[0], world.todo[1:]
        if op.name == WRITE:
            yield self._undone(world)
            yield self._settled("agent: writes the record", self._written(world, op), rest)
        else:
            yield self._settled("agent: counts", self._counted(world), rest)
        yield Move(f"power: cut before the agent {op.name}s", self._off(world), cut=True)

    def _settled(self, story: str, world: World, todo: tuple[Op, ...]) -> Move:
        change = self.body.apply_effects(story, world, todo)
        return self._applied(change, world)

    def _written(self, world: World, op: Op) -> World:
        number = self.pool.number(abstraction.sealed(self.pool.states[world.agent]))
        standing = UserEntitlement.GRANTED if op.grants else world.standing
        return world._replace(disk=File(number, 1), before=NOBODY, standing=standing)

    def _counted(self, world: World) -> World:
        locked = self.pool.states[world.agent].lock is Lock.LOCKED
        standing = UserEntitlement.BARRED if locked else world.standing
        return self.flash.counted(world._replace(standing=standing))

    def _undone(self, world: World) -> Move:
        """The disk is full: the runtime goes back, fails the exchange or shows the screen again, and tries later."""
        story = "flash: the record cannot be written"
        before = world.before if world.before != NOBODY else world.agent
        back = world._replace(agent=before, before=NOBODY, todo=())
        state = self.pool.states[before]
        if state.exchange not in specification.RESTING:
            return self._applied(self.body.failed(back, Trouble.NO_STORAGE, story), world)
        return Move(story, self._complaining(back))

    def _complaining(self, world: World) -> World:
        """The runtime says that the storage fails, on the screen that stands, and sets an alarm to try again."""
        state = self.pool.states[world.agent]
        return world._replace(
            panel=self.body.seen(invariants.screen_in(world, state)),
            alarm=True,
            provisioned=is_provisioned(state),
        )

    def _exposure(self, agent: int, disk: File | None) -> tuple[invariants.Broken, ...]:
        found = self._exposures.get((agent, disk))
        if found is None:
            state, record = self.pool.states[agent], self.flash.record(disk)
            found = self._exposures[agent, disk] = tuple(invariants.broken_by_exposure(disk, state, record))
        return found

    @staticmethod
    def _off(world: World) -> World:
        return World(
            disk=world.disk, stash=world.stash, provisioned=world.provisioned, standing=world.standing
        )
