"""What the radios of a phone hear where it is, or what a hook in its image makes the agent hear instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from firmware_profiles.model import Falsified, Profile
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig
from lab.world.operators import parse_bands
from lab.world.places import Place
from lab.world.radio import register
from lab.world.seed import Seed
from lab.world.sim import SimCard, generate_sim
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Location, Plmn, Serving, Wifi

SLOTS: Final = 2

_MADE_UP_CELL: Final = Cell(area=0x2001, id=0x0101, technology=AccessTechnology.LTE)


@dataclass(frozen=True, slots=True)
class FixedSurroundings:
    """Implements `agent.ports.Surroundings` for a phone that stays where it is."""

    here: Wifi
    position: Location | None

    def wifi(self) -> Wifi:
        """Whether Wi-Fi is joined and which country its access point announces."""
        return self.here

    def location(self) -> Location | None:
        """The position."""
        return self.position


@dataclass(frozen=True, slots=True)
class Radio:
    """The cards in the slots, where the phone is registered, and what else it hears: true, or as falsified."""

    cards: tuple[SimCard | None, ...]
    serving: Serving
    surroundings: FixedSurroundings

    def modem(self, imeis: tuple[str, ...]) -> EmulatedModem:
        """A modem that tells this."""
        return EmulatedModem(ModemConfig(imeis=imeis, slots=self.cards, serving=self.serving))


def cards_at(place: Place, seed: Seed) -> tuple[SimCard | None, ...]:
    """The cards that a phone at `place` carries, one entry a slot."""
    made = [
        generate_sim(plmn, seed.random(f"sim {slot}")) if plmn else None
        for slot, plmn in enumerate(place.sims)
    ]
    return (*made, *[None] * (SLOTS - len(made)))


def hear(profile: Profile, place: Place, cards: Sequence[SimCard | None]) -> Radio:
    """What the phone really hears at `place`: it registers as its first usable card and its bands allow."""
    serving = register(cards, place.networks, parse_bands(profile.hardware.bands))
    return Radio(tuple(cards), serving, FixedSurroundings(place.wifi, place.location))


def falsify(falsified: Falsified, seed: Seed) -> Radio:
    """What a hook tells the agent, wherever the phone is."""
    home = Plmn(mcc=falsified.sim_mcc, mnc=falsified.sim_mnc)
    network = Plmn(mcc=falsified.network_mcc, mnc=falsified.network_mnc)
    registration = Registration.HOME if home == network else Registration.ROAMING
    position = Location(latitude=falsified.latitude, longitude=falsified.longitude, accuracy=20.0)
    return Radio(
        (generate_sim(home, seed.random("falsified sim")), None),
        Serving(registration=registration, plmn=network, cell=_MADE_UP_CELL),
        FixedSurroundings(Wifi(connected=True, country=falsified.wifi_country), position),
    )
