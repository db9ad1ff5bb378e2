"""Changes around a device: cards, places, Wi-Fi, outages. They change its radio, and the agent gets an event."""

from abc import ABC, abstractmethod

from agent.core.events import EventKind
from agent.core.screens import Action
from firmware_profiles.model import Profile
from lab.handset.assembly import DeviceContext, Hardware
from lab.handset.location import DeviceLocation, EmulatedSurroundings, Vpn
from lab.handset.modem.modem import EmulatedModem
from lab.handset.timeline import Timeline, Who
from lab.world.euicc import Euicc, SlotContent, visible_card
from lab.world.network import Network
from lab.world.operators import parse_bands
from lab.world.places import Place
from lab.world.radio import received_networks
from wire.evidence import Wifi


class MovableDevice(ABC):
    """A device that can be moved: the part of a handset that has a location."""

    profile: Profile
    timeline: Timeline
    network: Network
    hardware: Hardware
    _context: DeviceContext

    @abstractmethod
    def deliver_event(self, kind: EventKind) -> None:
        """Deliver an event of the system to the agent, if the image registers for it."""

    def insert(self, card: SlotContent, slot: int = 0) -> None:
        """Put a card into a slot, in place of the card there; None removes it."""
        here = self._location
        here.cards[slot] = card
        self._environment_changed("SIM inserted" if card else "SIM removed", EventKind.SIM_CHANGED)

    def set_euicc(self, slot: int, euicc: Euicc, what: str) -> None:
        """Change the profiles of an eUICC. If another profile is enabled then, the card is started again (REFRESH).

        The agent then gets the same event as after a change of the card.
        """
        before = visible_card(self._location.cards[slot])
        self._location.cards[slot] = euicc
        self._environment_changed(what, EventKind.SIM_CHANGED if euicc.card != before else None)

    def carry(self, place: Place) -> None:
        """Carry the device and its cards to another place."""
        self._location.move_to(place)
        self._environment_changed(f"carried to {place.name}")

    def join_wifi(self, country: str | None = None) -> None:
        """Join a Wi-Fi network; its access point announces `country`, or none."""
        self._location.wifi = Wifi(connected=True, country=country)
        self._environment_changed("Wi-Fi joined")

    def leave_wifi(self) -> None:
        """Leave the Wi-Fi network."""
        self._location.wifi = Wifi(connected=False)
        self._environment_changed("Wi-Fi left")

    def airplane_mode(self, *, on: bool) -> None:
        """Turn airplane mode on or off. Turning it on leaves Wi-Fi, which can be joined again."""
        here = self._location
        here.airplane = on
        here.wifi = Wifi(connected=False) if on else None
        self._environment_changed(f"airplane mode {'on' if on else 'off'}")

    def join_vpn(self, exit_in: str | None = None) -> None:
        """Send all traffic through a tunnel that ends in a country, or in an unknown one."""
        self._location.vpn = Vpn(exit_in)
        self._environment_changed("VPN joined")

    def leave_vpn(self) -> None:
        """End the tunnel."""
        self._location.vpn = None
        self._environment_changed("VPN left")

    def locate(self, *, on: bool) -> None:
        """Turn location on or off. If it is off, no receiver reports a position; a hook still may."""
        self._location.located = on
        self._environment_changed(f"location {'on' if on else 'off'}")

    def hear_satellites_of(self, place: Place | None) -> None:
        """Receive the satellite signals of another place from a transmitter nearby; None ends that."""
        self._location.sky = place
        self._environment_changed(f"false satellites of {place.name}" if place else "true satellites")

    def call_emergency(self) -> None:
        """Open the dialler and place an emergency call: on any network that is received, with or without a card.

        The call leaves airplane mode and Wi-Fi as they are (3GPP TS 22.101 clause 10).
        """
        bands = parse_bands(self.profile.hardware.bands)
        received = received_networks(self._location.place.networks, bands)
        detail = (
            {"result": "connected", "network": str(received[0].plmn)}
            if received
            else {"result": "no-network"}
        )
        self.timeline.note(Who.PHONE, Action.EMERGENCY_CALL.value, **detail)

    def open_wifi_settings(self) -> None:
        """Open the Wi-Fi settings of the system, in front of the screen of the agent."""
        connected = self._location.reported_radio(self.profile).wifi.connected
        self.timeline.note(Who.PHONE, Action.WIFI_SETTINGS.value, connected=connected)

    def swap_slots(self) -> None:
        """Exchange the cards in the two slots."""
        self._location.cards.reverse()
        self._environment_changed("SIMs swapped", EventKind.SIM_CHANGED)

    @property
    def slots(self) -> tuple[SlotContent, ...]:
        """What is in each slot."""
        return tuple(self._location.cards)

    @property
    def place(self) -> Place:
        """The current place."""
        return self._location.place

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the places so far, in order."""
        return tuple(self._location.visited)

    def network_down(self) -> None:
        """Begin an outage: no request reaches a server, whatever the radio receives."""
        self._location.outage = True
        self._environment_changed("network down")

    def network_up(self) -> None:
        """End the outage."""
        self._location.outage = False
        self._environment_changed("network up")

    @property
    def _location(self) -> DeviceLocation:
        return self._context.location

    def _environment_changed(self, what: str, kind: EventKind | None = None) -> None:
        """Note the change, update the radio, and deliver the event to the agent."""
        self.timeline.note(Who.USER, what)
        was_connected = self.network.data_path
        self._retune()
        if kind is not None:
            self.deliver_event(kind)
        if self.network.data_path and not was_connected:
            self.deliver_event(EventKind.CONNECTED)

    def _retune(self) -> None:
        here, modem, surroundings = self._location, self.hardware.modem, self.hardware.surroundings
        radio = here.reported_radio(self.profile)
        if isinstance(modem, EmulatedModem):
            for slot, card in enumerate(radio.cards):
                modem.insert(slot, card)
            modem.serve(radio.serving)
        if isinstance(surroundings, EmulatedSurroundings):
            surroundings.radio = radio
        self.network.data_path = here.has_data_path(self.profile)
        self.network.address = here.address(self.profile)
