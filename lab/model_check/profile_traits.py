"""The properties of a firmware profile that the model depends on. Profiles with equal traits are explored once."""

from dataclasses import dataclass

from agent.core.events import EventKind
from firmware_profiles.boot import boots
from firmware_profiles.model import Profile, Wake
from lab.handset.image import WAKES, hides_agent_screens


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


def traits_of(profile: Profile) -> Traits:
    """The traits of a profile."""
    wakes = frozenset(profile.agent.wakes_on) if profile.agent else frozenset[Wake]()
    return Traits(boots(profile), wakes, hides_agent_screens(profile))
