"""Profiles × places: the outcome of each firmware in each place."""

from collections.abc import Iterator, Sequence

from firmware_profiles.loader import names
from firmware_profiles.model import Profile
from lab.handset.outcome import Result
from lab.simulation.simulation import Simulation
from lab.world.places import Place


def all_profiles() -> list[str]:
    """Every profile, the manufacturer's first."""
    return sorted(names(), key=lambda name: (not name.startswith("official"), name))


def run(
    simulation: Simulation, profiles: Sequence[str | Profile], places: Sequence[str | Place]
) -> Iterator[Result]:
    """The result of one new device for each pair, switched on and walked through its setup."""
    for profile in profiles:
        for place in places:
            phone = simulation.phone(profile, place)
            phone.power_on()
            phone.walk_setup()
            yield phone.result(phone.place.name)
