"""Radio: which networks a device receives at a place, and on which one it registers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from lab.world.operators import Band
from lab.world.sim import SimCard
from wire.codes import AccessTechnology, Registration
from wire.evidence import Cell, Plmn, Serving

_NEWEST_FIRST: Final = (
    AccessTechnology.NR,
    AccessTechnology.LTE,
    AccessTechnology.UMTS,
    AccessTechnology.GSM,
)


class Guests(StrEnum):
    """The SIMs of other networks that a network serves."""

    NONE = "none"
    FOREIGN = "foreign"
    ALL = "all"
    """Also those of other networks with the same MCC: national roaming."""


@dataclass(frozen=True, slots=True)
class ReceivedNetwork:
    """A network that can be received at a place, with the cell on which a device there camps."""

    plmn: Plmn
    area: int
    cell: int
    bands: frozenset[Band]
    guests: Guests = Guests.FOREIGN

    def admits(self, home: Plmn) -> bool:
        """Whether a SIM of `home` may register."""
        if self.plmn == home or self.guests is Guests.ALL:
            return True
        return self.guests is Guests.FOREIGN and self.plmn.mcc != home.mcc

    def technology(self, bands: frozenset[Band]) -> AccessTechnology | None:
        """The newest technology that a device with `bands` shares with this network; None if it cannot receive it."""
        return _newest_common(self.bands, bands)


@lru_cache(maxsize=1024)
def _newest_common(network: frozenset[Band], device: frozenset[Band]) -> AccessTechnology | None:
    common = {mine.technology for mine in device if any(mine.serves(band) for band in network)}
    return next((technology for technology in _NEWEST_FIRST if technology in common), None)


def received_networks(
    networks: Sequence[ReceivedNetwork], bands: frozenset[Band]
) -> tuple[ReceivedNetwork, ...]:
    """The networks that a device with `bands` receives, in the order of the place."""
    return tuple(network for network in networks if network.technology(bands) is not None)


def register(
    sims: Sequence[SimCard | None], networks: Sequence[ReceivedNetwork], bands: frozenset[Band]
) -> Serving:
    """The registration of a device with `sims` in its slots and radio for `bands` (3GPP TS 23.122 clause 4.4, outline).

    The first ready SIM is used. The device registers on its home network if it receives it, or else roams on the first
    network that admits the SIM. Otherwise it has emergency calls if it receives any network.
    """
    home = next((sim.home() for sim in sims if sim is not None and sim.usable), None)
    received = received_networks(networks, bands)
    if not received:
        return Serving(registration=Registration.NOT_REGISTERED)
    admitting = [network for network in received if home is not None and network.admits(home)]
    if not admitting:
        return Serving(registration=Registration.EMERGENCY_ONLY)
    network = next((network for network in admitting if network.plmn == home), admitting[0])
    cell = None
    if technology := network.technology(bands):
        # A GSM cell identity has 16 bits (3GPP TS 23.003 clause 4.3.1).
        identity = network.cell & 0xFFFF if technology is AccessTechnology.GSM else network.cell
        cell = Cell(area=network.area, id=identity, technology=technology)
    return Serving(
        registration=Registration.HOME if network.plmn == home else Registration.ROAMING,
        plmn=network.plmn,
        cell=cell,
    )
