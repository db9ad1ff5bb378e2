"""What a firmware profile means to the exploration. Profiles that do not differ in this are explored once."""

from dataclasses import dataclass
from typing import Final

from agent.core.events import EventKind
from agent.core.states import Lock, Setup, State
from firmware_profiles.boot import boots
from firmware_profiles.model import DisplayHook, Profile, Wake


@dataclass(frozen=True, slots=True)
class Traits:
    """Whether the bootloader starts the image, what runs the agent in it, and whether its screens come through.

    `wakes` is empty for an image without an agent.
    """

    boots: bool
    wakes: frozenset[Wake]
    hooked: bool

    @property
    def agent(self) -> bool:
        """Whether the image runs an agent at all."""
        return self.boots and bool(self.wakes)

    @property
    def enforcing(self) -> bool:
        """Whether what the agent decides is what the user sees."""
        return self.agent and not self.hooked

    def holds_locks(self, *, provisioned: bool) -> bool:
        """Whether a lock outlives a reboot. An image that does not wake its agent at boot holds it during setup."""
        return self.enforcing and self.delivers(EventKind.BOOTED, provisioned=provisioned)

    def delivers(self, kind: EventKind, *, provisioned: bool) -> bool:
        """Whether the system tells the agent: of everything during setup, then of what the image registered for."""
        return not provisioned or self.wakes_for(kind)

    def wakes_for(self, kind: EventKind) -> bool:
        """Whether the image registered for what delivers `kind`; for alarms nothing else counts."""
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
"""Which registration of the image delivers which event once its setup is done."""


def traits_of(profile: Profile) -> Traits:
    """The traits of a profile."""
    wakes = frozenset(profile.agent.wakes_on) if profile.agent else frozenset[Wake]()
    hooked = profile.hooks is not None and profile.hooks.display is DisplayHook.HOOKED
    return Traits(boots(profile), wakes, hooked)


def is_provisioned(state: State) -> bool:
    """Whether the system takes the wizard for done. A locked phone counts as one that is not set up."""
    return state.setup is Setup.DONE and state.lock is not Lock.LOCKED
