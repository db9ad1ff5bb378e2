"""Radio: which networks a phone hears at a place, and on which one it registers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lab.world.operators import Band
from lab.world.sim import PinState, SimCard
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

_NEWEST_FIRST: Final = (
    AccessTechnology.NR,
    AccessTechnology.LTE,
    AccessTechnology.UMTS,
    AccessTechnology.GSM,
)


class Guests(StrEnum):
    """Which SIMs of other networks a network serves."""

    NONE = "none"
    FOREIGN = "foreign"
    ALL = "all"
    """Also those of other networks with the same MCC: national roaming."""


@dataclass(frozen=True, slots=True)
class ReceivedNetwork:
    """A network on the air at a place, with the cell that a phone there would camp on."""

    plmn: Plmn
    area: int
    cell: int
    bands: frozenset[Band]
    guests: Guests = Guests.FOREIGN

    def admits(self, home: Plmn) -> bool:
        """True when a SIM of `home` may register."""
        if self.plmn == home or self.guests is Guests.ALL:
            return True
        return self.guests is Guests.FOREIGN and self.plmn.mcc != home.mcc

    def technology(self, bands: frozenset[Band]) -> AccessTechnology | None:
        """The newest technology that a phone with `bands` shares with this network, or None: it is not heard."""
        common = {mine.technology for mine in bands if any(mine.serves(band) for band in self.bands)}
        return next((technology for technology in _NEWEST_FIRST if technology in common), None)


def received_networks(
    networks: Sequence[ReceivedNetwork], bands: frozenset[Band]
) -> tuple[ReceivedNetwork, ...]:
    """The networks that a phone with `bands` hears, in the order of the place."""
    return tuple(network for network in networks if network.technology(bands) is not None)


def register(
    sims: Sequence[SimCard | None], networks: Sequence[ReceivedNetwork], bands: frozenset[Band]
) -> Serving:
    """Where a phone with `sims` in its slots and radio for `bands` ends up (3GPP TS 23.122 clause 4.4, in outline).

    The first ready SIM counts. Its home network if it is heard, else the first heard one that admits it, roaming;
    else emergency calls only where any network is heard, else nothing.
    """
    home = next((sim.home() for sim in sims if sim is not None and sim.pin is PinState.READY), None)
    heard = received_networks(networks, bands)
    if not heard:
        return Serving(registration=Registration.NOT_REGISTERED)
    admitting = [network for network in heard if home is not None and network.admits(home)]
    if not admitting:
        return Serving(registration=Registration.EMERGENCY_ONLY)
    network = next((network for network in admitting if network.plmn == home), admitting[0])
    return Serving(
        registration=Registration.HOME if network.plmn == home else Registration.ROAMING,
        plmn=network.plmn,
        cell=_cell(network, network.technology(bands)),
    )


def _cell(network: ReceivedNetwork, technology: AccessTechnology | None) -> Cell | None:
    """The serving cell. A GSM cell identity has 16 bits (3GPP TS 23.003 clause 4.3.1)."""
    if technology is None:
        return None
    identity = network.cell & 0xFFFF if technology is AccessTechnology.GSM else network.cell
    return Cell(area=network.area, id=identity, technology=technology)
