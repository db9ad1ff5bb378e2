"""What sets one phone of a scene apart from others of its kind."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.handset.assembly import Hardware
from lab.world.network import UpstreamTransport
from lab.world.sim import SimCard


def _same_hardware(hardware: Hardware) -> Hardware:
    return hardware


def _same_way(way: UpstreamTransport) -> UpstreamTransport:
    return way


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """`name` is what the phone's identity derives from, together with the seed; without one, its place in the scene.

    `cards` are in its slots, instead of those that a phone in its place carries. `hardware` may put other parts into
    it, `way` may put something between it and any server; both hold for every image that is flashed later.
    """

    name: str = ""
    cards: tuple[SimCard | None, ...] | None = None
    hardware: Callable[[Hardware], Hardware] = _same_hardware
    way: Callable[[UpstreamTransport], UpstreamTransport] = _same_way
