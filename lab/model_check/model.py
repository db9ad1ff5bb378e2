"""The product of agent, seal and counter, network, server, attacker, power, user and time: the possible transitions.

The agent is the production `step`, the seal the production `seal` and recovery rule, and verdicts pass the production
verifier. The model itself defines how `agent.runtime` carries out effects, and what the environment can do.

Only writing and counting survive a power cut, so the power can fail before and after each of these. Effects between
two of them are one transition, because a cut between them has the same result as one after them.
"""

from collections.abc import Iterator
from typing import Final

from agent.core.events import EventKind
from agent.core.screens import ScreenId, Trouble
from agent.core.states import Lock, State
from lab.handset.image import is_provisioned
from lab.model_check import abstraction, invariants, specification
from lab.model_check.agent_model import AgentChange, AgentModel
from lab.model_check.memoized_step import PRODUCTION, WRITE, AgentVariant, StatePool
from lab.model_check.profile_traits import Traits
from lab.model_check.storage_model import StorageModel
from lab.model_check.world_state import (
    NOT_RUNNING,
    Memo,
    PendingEffect,
    StateFile,
    UserEntitlement,
    WorldState,
    WorldTransition,
)

START: Final = WorldState()


class Model:
    """The transitions of a device with `traits` that runs `variant`."""

    def __init__(self, traits: Traits, variant: AgentVariant = PRODUCTION) -> None:
        self.traits = traits
        self.variant = variant
        self.pool = StatePool()
        self.agent = AgentModel(traits, variant, self.pool)
        self.storage = StorageModel(self.pool)
        self._exposures = Memo(self._exposure)

    def state(self, world: WorldState) -> State | None:
        """The agent's state, if it runs."""
        return self.pool.states[world.agent] if world.agent != NOT_RUNNING else None

    def broken(self, world: WorldState) -> tuple[invariants.Broken, ...]:
        """The invariants that `world` breaks."""
        return tuple(invariants.broken_in(world, self.state(world), self.traits))

    def transitions(self, world: WorldState, *, merged: bool = False) -> Iterator[WorldTransition]:
        """All transitions from `world`. `merged` keeps only the first of those that lead to the same state."""
        if not world.powered:
            yield from self._powered_off(world)
        elif world.todo:
            yield from self._within_step(world)
        else:
            yield WorldTransition("power: off", self._off(world))
            if world.agent != NOT_RUNNING and not world.up:
                # A device whose boot could not be persisted: the next event makes the agent boot again.
                for each in self._recovered(self._off(world)):
                    yield each._replace(name=each.name.replace("power: on", "agent: boots again"))
            elif world.agent != NOT_RUNNING:
                for change in self.agent.changes(world, merged=merged):
                    yield self._applied(change, world)

    def _applied(self, change: AgentChange, world: WorldState) -> WorldTransition:
        after = WorldState(
            change.agent,
            True,  # noqa: FBT003 - `powered`, positional because this runs for each transition
            change.before,
            change.todo,
            change.panel,
            change.alarm,
            world.disk,
            world.stash,
            change.provisioned,
            world.entitlement if change.entitlement is None else change.entitlement,
            world.up or not change.todo,
        )
        broken = change.broken
        if change.exposes:
            broken += self._exposures[change.agent, world.disk]
        return WorldTransition(change.name, after, change.helpful, broken)

    def _powered_off(self, world: WorldState) -> Iterator[WorldTransition]:
        on = world._replace(powered=True)
        if not self.traits.boots:
            yield WorldTransition("power: on, and the bootloader refuses the image", on, helpful=True)
        elif not self.traits.agent or not self.traits.delivers(
            EventKind.BOOTED, provisioned=world.provisioned
        ):
            yield WorldTransition(
                "power: on, without the agent", on._replace(panel=ScreenId.HOME), helpful=True
            )
        else:
            yield from self._recovered(world)
        yield WorldTransition("user: factory reset", world._replace(disk=None, provisioned=False))
        yield from self.storage.tampered(world)

    def _recovered(self, world: WorldState) -> Iterator[WorldTransition]:
        blank = self.storage.blank(world)
        yield WorldTransition("power: on, and the flash cannot be read", self._with_storage_error(blank))
        for boot in self.storage.boots(world):
            change = self.agent.booted(boot.after.agent, boot.name, provisioned=world.provisioned)
            transition = self._applied(change, boot.after)
            yield transition._replace(helpful=boot.helpful, broken=boot.broken + transition.broken)

    def _within_step(self, world: WorldState) -> Iterator[WorldTransition]:
        effect, rest = world.todo[0], world.todo[1:]
        if effect.name == WRITE:
            yield self._write_failed(world)
            name, done = "agent: writes the record", self._written(world, effect)
        else:
            name, done = "agent: counts", self._counted(world)
        yield self._applied(self.agent.apply_effects(name, done, rest), done)
        yield WorldTransition(f"power: cut before the agent {effect.name}s", self._off(world), cut=True)

    def _written(self, world: WorldState, effect: PendingEffect) -> WorldState:
        number = self.pool.number(abstraction.sealed(self.pool.states[world.agent]))
        entitlement = UserEntitlement.GRANTED if effect.grants else world.entitlement
        return world._replace(disk=StateFile(number, 1), before=NOT_RUNNING, entitlement=entitlement)

    def _counted(self, world: WorldState) -> WorldState:
        locked = self.pool.states[world.agent].lock is Lock.LOCKED
        entitlement = UserEntitlement.BARRED if locked else world.entitlement
        return self.storage.counted(world._replace(entitlement=entitlement))

    def _write_failed(self, world: WorldState) -> WorldTransition:
        """The disk is full: the runtime restores the previous state, and fails the exchange or retries later."""
        name = "flash: the record cannot be written"
        before = world.before if world.before != NOT_RUNNING else world.agent
        restored = world._replace(agent=before, before=NOT_RUNNING, todo=())
        if self.pool.states[before].exchange not in specification.RESTING:
            return self._applied(self.agent.failed(restored, Trouble.NO_STORAGE, name), world)
        return WorldTransition(name, self._with_storage_error(restored))

    def _with_storage_error(self, world: WorldState) -> WorldState:
        """The runtime shows the storage error on the current screen, and sets an alarm for the retry."""
        state = self.pool.states[world.agent]
        panel = self.agent.seen(invariants.screen_in(world, state))
        return world._replace(panel=panel, alarm=True, provisioned=is_provisioned(state))

    def _exposure(self, key: tuple[int, StateFile | None]) -> tuple[invariants.Broken, ...]:
        agent, disk = key
        state, record = self.pool.states[agent], self.storage.record(disk)
        return tuple(invariants.broken_by_exposure(disk, state, record))

    @staticmethod
    def _off(world: WorldState) -> WorldState:
        return WorldState(
            disk=world.disk, stash=world.stash, provisioned=world.provisioned, entitlement=world.entitlement
        )
