"""Signals of where a phone is: typed facts with their provenance, made from what was read.

Each maker turns one reading into a `Signal` and decides nothing. A `Signal` never holds coordinates: a position is
kept as the name of its time zone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from server_stub.territory.boundaries import ZoneAt, locate, nearby
from server_stub.territory.mcc import NetworkCode, NetworkCodeType, network_of
from wire.codes import Registration
from wire.evidence import Evidence, Location, Plmn, Sim

FRESH: Final = 600
"""Seconds up to which the network of a cell is where the phone is: at road speed, less than one cell is crossed."""

LAST_HEARD: Final = 86_400
"""Seconds up to which the network that was heard last still tells something."""


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
    Source.POSITION: "the phone's receiver, GNSS or cell (RFC 9711 section 4.2.10)",
    Source.SERVING_NETWORK: "the modem's registration (3GPP TS 27.007 clauses 7.2 and 7.3)",
    Source.WIFI_COUNTRY: "the access point's beacon (IEEE 802.11d)",
    Source.LAST_NETWORK: "the modem's memory of a cell that it no longer hears",
    Source.SIM_HOME: "the SIM's EF_IMSI and EF_AD (3GPP TS 31.102)",
    Source.SOURCE_ADDRESS: "the server's own view of the connection",
    Source.REGISTRATION: "the modem's registration state (3GPP TS 27.007 clause 7.2)",
}
"""Who tells each signal. All but the source address are the phone's word."""


class Note(StrEnum):
    """What is peculiar about a reading, as a stable code."""

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


_TOLD_APART: Final = frozenset({"UA-40", "UA-43"})


@dataclass(frozen=True, slots=True)
class Signal:
    """One fact with its provenance.

    `reading` is what was read: a PLMN, a country, a zone, a registration state. `territory` is what it means (ISO
    3166), None where it means none; `also` are territories that it is true of as well. `nearby`, of a position, are the
    territories whose cells reach there.
    """

    source: Source
    reading: str
    territory: str | None
    also: tuple[str, ...] = ()
    note: Note | None = None
    nearby: frozenset[str] = frozenset()

    @property
    def provenance(self) -> str:
        """Who told it."""
        return PROVENANCE[self.source]

    @property
    def territories(self) -> tuple[str, ...]:
        """Every territory that it is true of, the first one first."""
        return (self.territory, *self.also) if self.territory else self.also

    def admits(self, territory: str) -> bool:
        """True where it can be true in `territory`; what is true of a country is true of its parts.

        A position is the exception: its zone tells Crimea from the rest of Ukraine, so that Kherson is not Crimea.
        """
        told = self.territories
        if territory in told:
            return True
        if self.source is Source.POSITION and territory in _TOLD_APART:
            return False
        return territory.partition("-")[0] in told


_NOTES: Final = {
    NetworkCodeType.TEST: Note.TEST_NETWORK,
    NetworkCodeType.PRIVATE: Note.PRIVATE_NETWORK,
    NetworkCodeType.INTERNATIONAL: Note.INTERNATIONAL_NETWORK,
    NetworkCodeType.SATELLITE: Note.SATELLITE_NETWORK,
    NetworkCodeType.VESSEL: Note.VESSEL_NETWORK,
    NetworkCodeType.UNASSIGNED: Note.UNASSIGNED_CODE,
}


def serving_network(plmn: Plmn, *, age: int | None = None) -> Signal:
    """The network that the phone is registered on, or was `age` seconds ago."""
    if age is None or age <= FRESH:
        return _of_network(Source.SERVING_NETWORK, plmn, network_of(plmn))
    if age <= LAST_HEARD:
        return _of_network(Source.LAST_NETWORK, plmn, network_of(plmn))
    return Signal(Source.LAST_NETWORK, str(plmn), None, note=Note.EXPIRED)


def sim_home(plmn: Plmn) -> Signal:
    """The network that issued a SIM. It says where the subscription is from.

    The islands that a network also serves are left out: no card is closer to one of them than to another.
    """
    return replace(_of_network(Source.SIM_HOME, plmn, network_of(plmn)), also=())


def registration(state: Registration) -> Signal:
    """At home or roaming, as the modem says; it qualifies the SIMs and tells no territory itself."""
    return Signal(Source.REGISTRATION, state.value, None)


def wifi_country(country: str) -> Signal:
    """The country that an access point announces, ISO 3166-1 alpha-2."""
    return Signal(Source.WIFI_COUNTRY, country, country)


def source_address(country: str) -> Signal:
    """The country that somebody's table has for the address of the request, ISO 3166-1 alpha-2."""
    return Signal(Source.SOURCE_ADDRESS, country, country)


def position(location: Location, zone_at: ZoneAt, others: Iterable[Signal] = ()) -> Signal:
    """Where the receiver says it is. What can be heard there is looked up only where one of `others` disagrees."""
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
    told = Signal(Source.POSITION, reading, ground.territory, ground.also, note)
    if any(_disagree(told, other) for other in others):
        return replace(told, nearby=nearby(latitude, longitude, zone_at))
    return told


def signals_of(
    evidence: Evidence, zone_at: ZoneAt | None = None, source_country: str | None = None
) -> tuple[Signal, ...]:
    """Every territory signal of the evidence, and of the address that sent it where its country is known.

    Without `zone_at` a position cannot be read and is left out.
    """
    serving = evidence.telephony.serving
    found = [registration(serving.registration)]
    if serving.plmn:
        found.append(serving_network(serving.plmn))
    if country := evidence.wifi.country:
        found.append(wifi_country(country))
    found += [sim_home(plmn) for plmn in map(_plmn_of, evidence.telephony.sims) if plmn]
    if source_country:
        found.append(source_address(source_country))
    if evidence.location and zone_at:
        found.append(position(evidence.location, zone_at, found))
    return tuple(found)


def _of_network(source: Source, plmn: Plmn, network: NetworkCode) -> Signal:
    return Signal(source, str(plmn), network.territory, network.also, _NOTES.get(network.code_type))


def _plmn_of(sim: Sim) -> Plmn | None:
    return Plmn(mcc=sim.mcc, mnc=sim.mnc) if sim.mcc and sim.mnc else None


def _disagree(told: Signal, other: Signal) -> bool:
    """True where a cell across a border could explain the difference."""
    if other.source not in {Source.SERVING_NETWORK, Source.WIFI_COUNTRY} or not other.territories:
        return False
    return not any(told.admits(each) for each in other.territories) and not any(
        other.admits(each) for each in told.territories
    )
