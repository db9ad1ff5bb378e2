"""Where a phone is, what is in its slots, and which networks it may use: what people change in the life of a phone."""

from dataclasses import dataclass, field, replace

from firmware_profiles.model import Profile
from lab.handset.modem.modem import EmulatedModem
from lab.handset.surroundings import FixedSurroundings, Radio, falsify, hear
from lab.world.addresses import address_in
from lab.world.places import Place
from lab.world.seed import Seed
from lab.world.sim import PinState, SimCard
from server_stub.territory.mcc import TERRITORY_BY_MCC
from wire.codes import Registration
from wire.evidence import Location, Wifi


@dataclass(frozen=True, slots=True)
class Vpn:
    """A tunnel for all traffic. `exit` is the country in which it comes out, None for one that nobody can tell."""

    exit: str | None


@dataclass
class DeviceLocation:
    """`seed` is the phone's own; hooks in its image make up their falsehoods from it.

    `wifi` is what the user has joined beyond what the place offers. `carrier` is the network that a real modem brings
    with it; `outage` cuts every data path. `located` is the user's switch for location; `sky`, a place whose false
    satellites drown the true ones. `visited` are the names of the places so far, in order.
    """

    place: Place
    cards: list[SimCard | None]
    seed: Seed
    wifi: Wifi | None = None
    carrier: bool = False
    outage: bool = False
    airplane: bool = False
    vpn: Vpn | None = None
    located: bool = True
    sky: Place | None = None
    visited: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.visited = [self.place.name]

    def move_to(self, place: Place) -> None:
        """Be elsewhere from now on."""
        self.place = place
        self.visited.append(place.name)

    def reported_radio(self, profile: Profile) -> Radio:
        """What the agent of an image hears: the truth, unless the image falsifies it."""
        falsified = profile.hooks.falsified if profile.hooks else None
        return falsify(falsified, self.seed) if falsified else self._heard(profile)

    def has_data_path(self, profile: Profile) -> bool:
        """Whether a request of this phone gets anywhere, by Wi-Fi or by mobile data."""
        connected = self.carrier or self._here().has_data_path(self._heard(profile).serving)
        return connected and not self.outage

    def address(self, profile: Profile) -> str:
        """Where the requests of this phone come from, as a server sees it."""
        return address_in(self.vpn.exit if self.vpn else self._traffic(self._heard(profile)))

    def _traffic(self, radio: Radio) -> str | None:
        """The country in which traffic leaves the carrier: roaming, it is led home first (3GPP TS 23.401, 4.2.2)."""
        if radio.surroundings.here.connected or radio.serving.registration is not Registration.ROAMING:
            return self.place.address
        home = next((card.home() for card in self.cards if card and card.pin is PinState.READY), None)
        return TERRITORY_BY_MCC.get(home.mcc) if home else None

    def _here(self) -> Place:
        """The place with what the user and a false transmitter have changed."""
        return replace(
            self.place,
            wifi=self.wifi or self.place.wifi,
            location=(self.sky or self.place).location,
            networks=() if self.airplane else self.place.networks,
        )

    def _heard(self, profile: Profile) -> Radio:
        here = self._here()
        radio = hear(profile, here, self.cards)
        # A real modem is where it is, and the place's position is not its own.
        if self.carrier or not self.located:
            return replace(radio, surroundings=FixedSurroundings(here.wifi, None))
        return radio


@dataclass
class LiveSurroundings:
    """Implements `agent.ports.Surroundings` for a phone that is carried around."""

    now: FixedSurroundings

    def wifi(self) -> Wifi:
        """Whether Wi-Fi is joined and which country its access point announces."""
        return self.now.wifi()

    def location(self) -> Location | None:
        """The position."""
        return self.now.location()


def retune(modem: EmulatedModem, radio: Radio) -> None:
    """Let a modem have the cards and the network that `radio` says."""
    for slot, card in enumerate(radio.cards):
        modem.insert(slot, card)
    modem.serve(radio.serving)
