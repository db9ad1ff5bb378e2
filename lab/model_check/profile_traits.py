"""The properties of a firmware profile that the model depends on. Profiles with equal traits are explored once."""

from dataclasses import dataclass
from typing import Final

from agent.core.events import EventKind
from agent.core.states import Lock, Setup, State
from firmware_profiles.boot import boots
from firmware_profiles.model import DisplayHook, Profile, Wake


@dataclass(frozen=True, slots=True)
class Traits:
    """Whether the bootloader starts the image, what wakes its agent, and whether the agent's screens are hidden.

    `wakes` is empty for an image without an agent.
    """

    boots: bool
    wakes: frozenset[Wake]
    hooked: bool

    @property
    def agent(self) -> bool:
        """Whether the image runs an agent."""
        return self.boots and bool(self.wakes)

    @property
    def enforcing(self) -> bool:
        """Whether the user sees the screens of the agent."""
        return self.agent and not self.hooked

    def holds_locks(self, *, provisioned: bool) -> bool:
        """Whether a lock survives a reboot. Without a wake at boot it does so only during setup."""
        return self.enforcing and self.delivers(EventKind.BOOTED, provisioned=provisioned)

    def delivers(self, kind: EventKind, *, provisioned: bool) -> bool:
        """Whether the system delivers an event: all of them during setup, later those that the image registered for."""
        return not provisioned or self.wakes_for(kind)

    def wakes_for(self, kind: EventKind) -> bool:
        """Whether the image registered for the source of `kind`; alarms need this during setup too."""
        return WAKES[kind] in self.wakes


WAKES: Final = {
    EventKind.BOOTED: Wake.BOOT,
    EventKind.SIM_CHANGED: Wake.SIM_CHANGE,
    EventKind.CONNECTED: Wake.NETWORK,
    EventKind.RETRY_DUE: Wake.RETRY,
    EventKind.HEARTBEAT: Wake.ALARM,
    EventKind.CHECK_IN_DUE: Wake.ALARM,
    EventKind.WARNING_DUE: Wake.ALARM,
    EventKind.LOCK_DUE: Wake.ALARM,
    EventKind.OFFLINE_DUE: Wake.ALARM,
}
"""The registration of the image that delivers an event after setup."""


def traits_of(profile: Profile) -> Traits:
    """The traits of a profile."""
    wakes = frozenset(profile.agent.wakes_on) if profile.agent else frozenset[Wake]()
    hooked = profile.hooks is not None and profile.hooks.display is DisplayHook.HOOKED
    return Traits(boots(profile), wakes, hooked)


def is_provisioned(state: State) -> bool:
    """Whether the system considers the wizard finished. A locked device counts as one that is not set up."""
    return state.setup is Setup.DONE and state.lock is not Lock.LOCKED
