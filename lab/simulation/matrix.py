"""Profiles × places: what becomes of each firmware in each place."""

from collections.abc import Iterator, Sequence

from firmware_profiles.loader import names
from lab.handset.outcome import Result
from lab.simulation.simulation import Simulation


def all_profiles() -> list[str]:
    """Every firmware, the vendor's own first."""
    return sorted(names(), key=lambda name: (not name.startswith("official"), name))


def run(simulation: Simulation, profiles: Sequence[str], places: Sequence[str]) -> Iterator[Result]:
    """One new phone for each pair, switched on and walked through its setup."""
    for profile in profiles:
        for place in places:
            phone = simulation.phone(profile, place)
            phone.power_on()
            phone.walk_setup()
            yield phone.result(place)
