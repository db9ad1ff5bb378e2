"""Where a device is, its cards and networks, and what its radios receive: what people change around a device."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from firmware_profiles.model import Falsified, Profile
from lab.handset.modem.modem import EmulatedModem
from lab.handset.modem.state import ModemConfig, ModemOptions
from lab.world.addresses import address_in
from lab.world.euicc import SlotContent, visible_card
from lab.world.operators import parse_bands
from lab.world.places import Place
from lab.world.radio import register
from lab.world.seed import Seed
from lab.world.sim import SimCard, generate_sim
from server_stub.territory.mcc import TERRITORY_BY_MCC
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Location, Plmn, Serving, Wifi

SLOTS: Final = 2

_FALSE_CELL: Final = Cell(area=0x2001, id=0x0101, technology=AccessTechnology.LTE)


@dataclass(frozen=True, slots=True)
class Radio:
    """The cards in the slots, the network of the registration, and what other receivers report: true or falsified."""

    cards: tuple[SimCard | None, ...]
    serving: Serving
    wifi: Wifi
    position: Location | None

    def modem(self, imeis: tuple[str, ...], options: ModemOptions | None = None) -> EmulatedModem:
        """A modem with these cards on this network."""
        return EmulatedModem(ModemConfig(imeis=imeis, slots=self.cards, serving=self.serving), options)


@dataclass
class EmulatedSurroundings:
    """Implements `agent.ports.Surroundings` with what a radio receives now."""

    radio: Radio

    def wifi(self) -> Wifi:
        """Whether Wi-Fi is joined, and the country that its access point announces."""
        return self.radio.wifi

    def location(self) -> Location | None:
        """The position."""
        return self.radio.position


def cards_at(place: Place, seed: Seed) -> tuple[SimCard | None, ...]:
    """The cards that a device at `place` carries, one entry for each slot."""
    cards = [
        generate_sim(plmn, seed.random(f"sim {slot}")) if plmn else None
        for slot, plmn in enumerate(place.sims)
    ]
    return (*cards, *[None] * (SLOTS - len(cards)))


def receive(profile: Profile, place: Place, cards: Sequence[SimCard | None]) -> Radio:
    """What the device really receives at `place`: its first usable card and its bands decide where it registers."""
    serving = register(cards, place.networks, parse_bands(profile.hardware.bands))
    return Radio(tuple(cards), serving, place.wifi, place.location)


def falsify(falsified: Falsified, seed: Seed) -> Radio:
    """What a hook in the image reports to the agent, wherever the device is."""
    home = Plmn(mcc=falsified.sim_mcc, mnc=falsified.sim_mnc)
    network = Plmn(mcc=falsified.network_mcc, mnc=falsified.network_mnc)
    registration = Registration.HOME if home == network else Registration.ROAMING
    return Radio(
        (generate_sim(home, seed.random("falsified sim")), None),
        Serving(registration=registration, plmn=network, cell=_FALSE_CELL),
        Wifi(connected=True, country=falsified.wifi_country),
        Location(latitude=falsified.latitude, longitude=falsified.longitude, accuracy=20.0),
    )


@dataclass(frozen=True, slots=True)
class Vpn:
    """A tunnel for all traffic. `exit` is the country of its exit, None if it is unknown."""

    exit: str | None


@dataclass
class DeviceLocation:
    """`seed` is the device's own; hooks in its image derive their false values from it.

    `wifi` is what the user has joined instead of what the place offers. `carrier` states that a real modem brings its
    own network; `outage` cuts every data path. `located` is the user's switch for location; `sky` is a place whose
    satellite signals replace the true ones. `subscriber` is the number of the device in its network. `visited` are the
    names of the places so far, in order.
    """

    place: Place
    cards: list[SlotContent]
    seed: Seed
    wifi: Wifi | None = None
    carrier: bool = False
    subscriber: int = 0
    outage: bool = False
    airplane: bool = False
    vpn: Vpn | None = None
    located: bool = True
    sky: Place | None = None
    visited: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.visited = [self.place.name]

    def move_to(self, place: Place) -> None:
        """Change the place."""
        self.place = place
        self.visited.append(place.name)

    def reported_radio(self, profile: Profile) -> Radio:
        """What the agent of an image gets: the truth, unless the image falsifies it."""
        falsified = profile.hooks.falsified if profile.hooks else None
        return falsify(falsified, self.seed) if falsified else self._received(profile)

    def has_data_path(self, profile: Profile) -> bool:
        """Whether a request of this device can reach a server, by Wi-Fi or by mobile data."""
        connected = self.carrier or self._here().has_data_path(self._received(profile).serving)
        return connected and not self.outage

    def address(self, profile: Profile) -> str:
        """The source address of this device's requests."""
        if self.vpn:
            return address_in(self.vpn.exit)
        return address_in(self._exit_country(self._received(profile)), self.subscriber)

    def _exit_country(self, radio: Radio) -> str | None:
        """The country in which traffic reaches the Internet: that of the home network if roaming (TS 23.401, 4.2.2)."""
        if radio.wifi.connected or radio.serving.registration is not Registration.ROAMING:
            return self.place.address
        home = next((card.home() for card in radio.cards if card and card.usable), None)
        return TERRITORY_BY_MCC.get(home.mcc) if home else None

    def _here(self) -> Place:
        """The place with what the user and a false transmitter have changed."""
        return replace(
            self.place,
            wifi=self.wifi or self.place.wifi,
            location=(self.sky or self.place).location,
            networks=() if self.airplane else self.place.networks,
        )

    def _received(self, profile: Profile) -> Radio:
        radio = receive(profile, self._here(), [visible_card(content) for content in self.cards])
        # The place of a real modem is unknown, so the position of `place` would be false.
        return replace(radio, position=None) if self.carrier or not self.located else radio
