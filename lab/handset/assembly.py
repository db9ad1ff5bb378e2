"""The parts of an emulated device, and how the agent of its image is connected to them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.pinned_keys import PinnedKeys
from agent.ports import KeySource, Modem, MonotonicCounter, Ports, SealedStore, Surroundings
from firmware_profiles.model import Profile
from lab.handset.image import Trust
from lab.handset.keystore import KeystoreOptions
from lab.handset.location import DeviceLocation
from lab.manufacturer.factory import Authority
from lab.world.clock import World
from lab.world.network import Network, UpstreamTransport
from lab.world.seed import Seed


@dataclass(frozen=True, slots=True)
class Hardware:
    """The parts of a device that its image does not choose.

    `folder` holds the metadata of verdict keys; a device whose image pins the keys themselves needs none.
    """

    imeis: tuple[str, ...]
    modem: Modem
    surroundings: Surroundings
    store: SealedStore
    counter: MonotonicCounter
    folder: Path | None = None
    keystore: KeystoreOptions | None = None


@dataclass(frozen=True, slots=True)
class ImageBinding:
    """What depends on the flashed image: whose verdicts it accepts, its server, and who certifies its keys."""

    trust: Trust
    upstream: UpstreamTransport
    authority: Authority


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """The surroundings of a device. `bind` is called with each image that is flashed; `ports` may replace ports."""

    world: World
    seed: Seed
    location: DeviceLocation
    bind: Callable[[Profile], ImageBinding]
    ports: Callable[[Ports], Ports]


def key_source(hardware: Hardware, network: Network, trust: Trust) -> KeySource:
    """The verdict keys of an image. Raises ValueError if it pins a root and the device has no folder."""
    if not trust.root:
        return PinnedKeys(trust.jwks)
    if hardware.folder is None:
        raise ValueError("an image that pins a root needs a folder for what the key repository sends")
    from agent.adapters.tuf_keys import TufKeys  # noqa: PLC0415 - the TUF client takes longer to load than a device

    return TufKeys(trust.root, hardware.folder, network)


class Jitter:
    """Implements `agent.ports.Entropy` under a seed."""

    def __init__(self, seed: Seed) -> None:
        self.fraction = seed.random("jitter").random
