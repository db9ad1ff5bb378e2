"""The parts of an emulated phone, and how an image's agent is wired to them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.pinned_keys import PinnedKeys
from agent.adapters.tuf_keys import TufKeys
from agent.ports import (
    Alarm,
    Clock,
    Display,
    Journal,
    KeySource,
    Modem,
    MonotonicCounter,
    Ports,
    SealedStore,
    Surroundings,
)
from firmware_profiles.model import Profile
from lab.handset.counter import EmulatedCounter
from lab.handset.image import Trust, boot_facts
from lab.handset.keystore import EmulatedKeystore
from lab.handset.location import DeviceLocation
from lab.handset.storage import EmulatedStore
from lab.handset.timeline import Timeline
from lab.manufacturer.manufacturer import Authority
from lab.world.addresses import LOOPBACK
from lab.world.clock import World
from lab.world.network import Network, UpstreamTransport
from lab.world.seed import Seed


@dataclass(frozen=True, slots=True)
class Hardware:
    """The parts of a phone that its image does not choose.

    `folder` is where it keeps the metadata of verdict keys; a phone whose image pins the keys themselves needs none.
    """

    imeis: tuple[str, ...]
    modem: Modem
    surroundings: Surroundings
    authority: Authority
    store: SealedStore
    counter: MonotonicCounter
    folder: Path | None = None


def blank_storage() -> tuple[EmulatedStore, EmulatedCounter]:
    """State partition and counter as they leave the factory."""
    return EmulatedStore(), EmulatedCounter()


NetworkMaker = Callable[[Timeline], Network]
"""Makes the data connection of a phone, which tells the phone's timeline what it carries."""


def over(transport: UpstreamTransport, *, data_path: bool, address: str = LOOPBACK) -> NetworkMaker:
    """A network that leads to `transport` from `address`, if the place has a data path."""
    return lambda timeline: Network(transport, data_path, timeline.carried, address=address)


@dataclass(frozen=True, slots=True)
class ImageBinding:
    """What changes on a phone with the image that is flashed: whose verdicts it takes, the way there, its keystore."""

    trust: Trust
    onward: UpstreamTransport
    authority: Authority


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """Where a phone finds itself: the world, its data connection, whose verdicts its image takes, and its seed.

    A phone with `whereabouts` can be carried and given other cards, one with `refit` can be flashed.
    """

    world: World
    network: NetworkMaker
    trust: Trust
    seed: Seed
    whereabouts: DeviceLocation | None = None
    refit: Callable[[Profile], ImageBinding] | None = None


@dataclass(frozen=True, slots=True)
class DevicePorts:
    """The parts that the handset itself brings."""

    clock: Clock
    network: Network
    display: Display
    alarm: Alarm
    journal: Journal


def assemble(profile: Profile, hardware: Hardware, fittings: DevicePorts, trust: Trust, seed: Seed) -> Ports:
    """The ports of the agent in the image of `profile`."""
    return Ports(
        clock=fittings.clock,
        transport=fittings.network,
        modem=hardware.modem,
        keystore=EmulatedKeystore(seed, hardware.authority, boot_facts(profile, hardware.imeis)),
        store=hardware.store,
        counter=hardware.counter,
        keys=_key_source(hardware, fittings.network, trust),
        surroundings=hardware.surroundings,
        display=fittings.display,
        alarm=fittings.alarm,
        entropy=_Jitter(seed),
        journal=fittings.journal,
    )


def _key_source(hardware: Hardware, network: Network, trust: Trust) -> KeySource:
    if not trust.root:
        return PinnedKeys(trust.jwks)
    if hardware.folder is None:
        raise ValueError("an image that pins a root needs a folder for what the key repository sends")
    return TufKeys(trust.root, hardware.folder, network)


class _Jitter:
    """Implements `agent.ports.Entropy` under a seed."""

    def __init__(self, seed: Seed) -> None:
        self.fraction = seed.random("jitter").random
