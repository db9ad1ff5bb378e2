"""Signals of where a device is: typed facts with their provenance.

Each function turns one reading into a `Signal` without any decision. A `Signal` never contains coordinates: a position
is kept as the name of its time zone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from server_stub.territory.boundaries import ZoneAt, locate, nearby
from server_stub.territory.mcc import TERRITORY_BY_MCC, NetworkCodeType, network_of
from wire.codes import Registration
from wire.evidence import Evidence, Location, Plmn

FRESH: Final = 600
"""Seconds for which the network of a cell shows the location: at road speed, less than one cell is crossed."""

LAST_HEARD: Final = 86_400
"""Seconds for which the last received network is still used."""


class Source(StrEnum):
    """What a signal was read from, in the order of strength."""

    POSITION = "position"
    SERVING_NETWORK = "serving-network"
    WIFI_COUNTRY = "wifi-country"
    LAST_NETWORK = "last-network"
    SIM_HOME = "sim-home"
    SOURCE_ADDRESS = "source-address"
    REGISTRATION = "registration"


PROVENANCE: Final = {
    Source.POSITION: "the device's receiver, GNSS or cell (RFC 9711 section 4.2.10)",
    Source.SERVING_NETWORK: "the modem's registration (3GPP TS 27.007 clauses 7.2 and 7.3)",
    Source.WIFI_COUNTRY: "the access point's beacon (IEEE 802.11d)",
    Source.LAST_NETWORK: "the modem's last received cell",
    Source.SIM_HOME: "the SIM's EF_IMSI and EF_AD (3GPP TS 31.102)",
    Source.SOURCE_ADDRESS: "the server's own view of the connection",
    Source.REGISTRATION: "the modem's registration state (3GPP TS 27.007 clause 7.2)",
}
"""The origin of each signal. The device reports all of them except the source address."""


class Note(StrEnum):
    """A property of a reading, as a stable code."""

    TEST_NETWORK = "test-network"
    PRIVATE_NETWORK = "private-network"
    INTERNATIONAL_NETWORK = "international-network"
    SATELLITE_NETWORK = "satellite-network"
    VESSEL_NETWORK = "vessel-network"
    UNASSIGNED_CODE = "unassigned-code"
    EXPIRED = "expired"
    AT_SEA = "at-sea"
    STRADDLES_BORDER = "straddles-border"
    DISPUTED_GROUND = "disputed-ground"
    UNKNOWN_ZONE = "unknown-zone"


@dataclass(frozen=True, slots=True)
class Signal:
    """One fact with its provenance.

    `reading` is the value that was read: a PLMN, a country, a zone, a registration state. `territory` is the territory
    that it indicates (ISO 3166), None if it indicates none; `also` are other territories in which it occurs. Of a
    position, `nearby` are the territories whose cells reach there, and `served_from` those whose networks are on the
    air on that ground, as Russian ones in Abkhazia and in Crimea.
    """

    source: Source
    reading: str
    territory: str | None
    also: tuple[str, ...] = ()
    note: Note | None = None
    nearby: frozenset[str] = frozenset()
    served_from: frozenset[str] = frozenset()

    @property
    def provenance(self) -> str:
        """The origin of the reading."""
        return PROVENANCE[self.source]

    @property
    def territories(self) -> tuple[str, ...]:
        """The territories in which it occurs, the indicated one first."""
        return (self.territory, *self.also) if self.territory else self.also

    def admits(self, territory: str) -> bool:
        """Whether it is compatible with `territory`. A signal of a country is compatible with its subdivisions.

        A position is the exception: it lies within the outline of a part or not, so Kyiv is not Donetsk.
        """
        if territory in self.territories:
            return True
        return self.source is not Source.POSITION and territory.partition("-")[0] in self.territories


def serving_network(plmn: Plmn, *, age: int | None = None) -> Signal:
    """The network on which the device is registered, or was registered `age` seconds ago."""
    if age is None or age <= FRESH:
        return _of_network(Source.SERVING_NETWORK, plmn)
    if age <= LAST_HEARD:
        return _of_network(Source.LAST_NETWORK, plmn)
    return Signal(Source.LAST_NETWORK, str(plmn), None, note=Note.EXPIRED)


def sim_home(plmn: Plmn) -> Signal:
    """The network that issued a SIM, which indicates the home of the subscription.

    The islands that the network also serves are left out, because a SIM does not show on which of them it was sold.
    """
    return replace(_of_network(Source.SIM_HOME, plmn), also=())


def sim_country(mcc: str) -> Signal:
    """The country of a SIM whose MNC the device does not know: that of most networks with this MCC."""
    return Signal(Source.SIM_HOME, mcc, TERRITORY_BY_MCC.get(mcc))


def registration(state: Registration) -> Signal:
    """The modem's registration state, home or roaming; it affects the SIM signals and indicates no territory itself."""
    return Signal(Source.REGISTRATION, state.value, None)


def wifi_country(country: str) -> Signal:
    """The country that an access point announces, ISO 3166-1 alpha-2."""
    return Signal(Source.WIFI_COUNTRY, country, country)


def source_address(country: str) -> Signal:
    """The country that the operator's table has for the source address, ISO 3166-1 alpha-2."""
    return Signal(Source.SOURCE_ADDRESS, country, country)


def position(location: Location, zone_at: ZoneAt, others: Iterable[Signal] = ()) -> Signal:
    """The reported position. `nearby` is looked up only if it can explain why one of `others` differs."""
    latitude, longitude = location.latitude, location.longitude
    ground = locate(latitude, longitude, location.accuracy, zone_at)
    reading = f"zone {ground.zone}" if ground.zone else "no zone"
    note = None
    if ground.at_sea:
        note = Note.AT_SEA
    elif ground.territory is None:
        note = Note.STRADDLES_BORDER if ground.also else Note.UNKNOWN_ZONE
    elif ground.disputed:
        note = Note.DISPUTED_GROUND
    signal = Signal(
        Source.POSITION, reading, ground.territory, ground.also, note, served_from=ground.served_from
    )
    if any(_incompatible(signal, other) for other in others):
        return replace(signal, nearby=nearby(latitude, longitude, location.accuracy, zone_at))
    return signal


def signals_of(
    evidence: Evidence, zone_at: ZoneAt | None = None, source_country: str | None = None
) -> tuple[Signal, ...]:
    """Every territory signal of the evidence, and of its source address if the country is known.

    Without `zone_at` a position cannot be interpreted and is left out.
    """
    telephony = evidence.telephony
    found: list[Signal] = []
    if telephony.serving:
        found.append(registration(telephony.serving.registration))
        if telephony.serving.plmn:
            found.append(serving_network(telephony.serving.plmn))
    if country := evidence.wifi.country:
        found.append(wifi_country(country))
    found += [
        sim_home(Plmn(mcc=sim.mcc, mnc=sim.mnc)) if sim.mnc else sim_country(sim.mcc)
        for sim in telephony.sims or ()
        if sim.mcc
    ]
    if source_country:
        found.append(source_address(source_country))
    if evidence.location and zone_at:
        found.append(position(evidence.location, zone_at, found))
    return tuple(found)


def _of_network(source: Source, plmn: Plmn) -> Signal:
    network = network_of(plmn)
    note = None if network.code_type is NetworkCodeType.TERRITORY else Note(network.code_type.value)
    return Signal(source, str(plmn), network.territory, network.also, note)


def _incompatible(position: Signal, other: Signal) -> bool:
    """Whether `other` is a network or access point of another territory, which a border nearby could explain."""
    if other.source not in {Source.SERVING_NETWORK, Source.WIFI_COUNTRY} or not other.territories:
        return False
    if other.territory in position.served_from:
        return False
    return not any(position.admits(each) for each in other.territories) and not any(
        other.admits(each) for each in position.territories
    )
