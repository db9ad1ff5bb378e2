"""A scene: one world, the vendors in it with their servers, and the phones that are put into it.

Everything in a scene derives from its seed. Its servers are real ones: records in SQLite, and HTTP on a free port
unless another host is given.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent.ports import Modem
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.backend.hosts import HostMaker, HttpHost, HttpTransport, Transport
from lab.backend.managed_server import LabServer, ServerIdentity
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.handset import Handset
from lab.handset.image import Trust
from lab.handset.persistence import DevicePersistence, DeviceStorage
from lab.manufacturer.manufacturer import KeystoreLevel, Manufacturer
from lab.manufacturer.policies import LANTERN
from lab.world.clock import World
from lab.world.places import find_place
from lab.world.seed import Seed
from lab.world.sim import SimCard
from server_stub.policies import shipped
from server_stub.policy.policy import Policy
from server_stub.signing.signing_key import Algorithm

VENDOR: Final = "vendor"
"""The holder whose keys and server the official images pin."""


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """What an image pins, and the way to the server that it names."""

    trust: Trust
    transport: Transport


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What a scene is played on: see `Simulation.open`."""

    url: str | None
    policy: Policy | None
    host: HostMaker
    branch: str
    folder: Path | None
    algorithm: Algorithm
    clock: Callable[[], int]


class Simulation:
    """Made by `open`. `url` is where phones of the vendor find their server, if it is not the scene's own."""

    def __init__(self, seed: Seed, world: World, stack: ExitStack, stage: SimulationOptions) -> None:
        self.world = world
        self.vendor = Manufacturer(seed)
        self._root = seed
        self._seed = seed.child(stage.branch) if stage.branch else seed
        self._stack = stack
        self._url = stage.url
        self._policy = stage.policy
        self._host = stage.host
        self._algorithm = stage.algorithm
        self._clock = stage.clock
        self._reach: dict[str, ServerAccess] = {}
        self._servers: dict[str, LabServer] = {}
        self._made: Counter[tuple[str, str]] = Counter()
        folder = TemporaryDirectory(prefix="activation-", dir=stage.folder)
        self._folder = Path(stack.enter_context(folder))

    @classmethod
    @contextmanager
    def open(  # noqa: PLR0913 - each is a choice of its own, given by name
        cls,
        seed: str,
        *,
        url: str | None = None,
        world: World | None = None,
        policy: Policy | None = None,
        host: HostMaker = HttpHost,
        branch: str = "",
        folder: Path | None = None,
        clock: Callable[[], int] | None = None,
        algorithm: Algorithm = Algorithm.ED25519,
    ) -> Iterator["Simulation"]:
        """A scene whose servers start when the first phone needs them and stop with the block.

        `policy` is what the vendor's server decides by at first; the shipped one if it is not given. `host` makes
        the place where a server runs. Scenes of one seed share their vendors; another `branch` has other phones and
        other chances. Servers and phones keep their files in a new folder below `folder`. `clock` is what the servers
        take for the time, in seconds since the epoch, if it is not the world's; the vendor's signs by `algorithm`.
        """
        with ExitStack() as stack:
            world = world or World()
            stage = SimulationOptions(url, policy, host, branch, folder, algorithm, clock or world.now)
            yield cls(Seed.of(seed), world, stack, stage)

    @property
    def server(self) -> LabServer:
        """The vendor's own server, for its operators. Raises ValueError in a scene that uses somebody else's."""
        self._server_access(VENDOR)
        if VENDOR not in self._servers:
            raise ValueError("the server of this scene runs elsewhere")
        return self._servers[VENDOR]

    def phone(  # noqa: PLR0913 - what a phone can be put together from, given by name
        self,
        profile: str | Profile,
        place: str,
        *,
        card: SimCard | None = None,
        modem: Modem | None = None,
        persistence: DevicePersistence | None = None,
        options: DeviceOptions | None = None,
    ) -> Handset:
        """A new phone with the firmware `profile`, in `place`, switched off.

        `card` replaces the SIM that a device there carries; `modem` replaces the emulated one, and its IMEIs are used.
        `persistence` is the storage of a device that was switched on before or will be again.
        Raises what `load_named` and `find_place` raise, and ValueError for an `url` that is none.
        """
        firmware = profile if isinstance(profile, Profile) else load_named(profile)
        where, options = find_place(place), options or DeviceOptions()
        self._made[firmware.name, place] += 1
        number = f"phone {firmware.name} {place} {self._made[firmware.name, place]}"
        name = persistence.name if persistence else options.name or number
        storage = persistence or DeviceStorage(folder=self._folder / f"phone-{self._made.total()}")
        if card and not options.cards:
            options = replace(options, cards=(card, None))
        return build_device(
            firmware,
            where,
            self._seed.child(name),
            self.world,
            self._bind,
            storage=storage,
            modem=modem,
            options=options,
        )

    def _bind(self, image: Profile) -> ImageBinding:
        access = self._server_access(image.agent.trust if image.agent else VENDOR)
        authority = self.vendor.authority(KeystoreLevel(image.hardware.keystore.value))
        return ImageBinding(access.trust, access.transport, authority)

    def _server_access(self, holder: str) -> ServerAccess:
        if holder not in self._reach:
            self._reach[holder] = self._make_reach(holder)
        return self._reach[holder]

    def _make_reach(self, holder: str) -> ServerAccess:
        """The vendor's server, or the one of another holder of trust, who has keys and a policy of its own."""
        house = self._house(holder)
        elsewhere = self._url if holder == VENDOR else None
        transport = HttpTransport(elsewhere) if elsewhere else self._serve(holder, house).way()
        self._stack.callback(transport.close)
        root = house.vendor.ceremony.pinned_root
        return ServerAccess(Trust(issuer=house.issuer, audience=house.audience, root=root), transport)

    def _house(self, holder: str) -> ServerIdentity:
        if holder == VENDOR:
            policy = self._policy or shipped()
            return ServerIdentity(
                self.vendor, self.vendor.issuer, self.vendor.audience, policy, self._algorithm
            )
        policy = Policy.parse(LANTERN, "lantern-open.toml")
        vendor = Manufacturer(self._root.child(holder))
        return ServerIdentity(vendor, f"https://verdicts.{holder}.example", f"{holder}-phones", policy)

    def _serve(self, holder: str, house: ServerIdentity) -> LabServer:
        folder = self._folder / holder
        folder.mkdir()
        random = self._seed.random(f"server {holder}").randbytes
        server = LabServer(house, folder, self._clock, random, self._host())
        self._stack.callback(server.stop)
        self._servers[holder] = server
        return server
