"""A simulation: one virtual world, the manufacturers in it with their servers, and emulated devices.

Everything derives from its seed. The servers are real ones: records in SQLite, and HTTP on a free port unless another
host is given.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from agent.ports import Modem
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.backend.forwarded_addresses import ForwardedForTransport
from lab.backend.hosts import Host, ServerTransport
from lab.backend.managed_server import LabServer, ServerIdentity
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.handset import Handset
from lab.handset.image import Trust
from lab.handset.storage import DevicePersistence, DeviceStorage
from lab.manufacturer.manufacturer import Manufacturer
from lab.manufacturer.policies import LANTERN
from lab.world.clock import MachineClock, World
from lab.world.places import Place, find_place
from lab.world.seed import Seed
from lab.world.sim import SimCard
from lab.world.temporary import folder_prefix
from server_stub.clock import ServerClock
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Policy
from server_stub.signing import Algorithm

MANUFACTURER: Final = "vendor"
"""The holder whose keys and server the official images pin."""


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """What an image pins of a server, and the transport to it."""

    trust: Trust
    transport: ServerTransport


class Simulation:
    """A simulation inside its block, at whose end the servers stop. They start when the first device needs them.

    `url` is the manufacturer's server if the simulation does not run it itself; `headers` returns headers of each
    request to it. `policy` is the first policy of that server, the shipped one by default, and `algorithm` the one that
    it signs with. `host` runs the servers. Simulations of one seed share their manufacturers; another `branch` has
    other devices and other random draws. Servers and devices keep their files in a new folder below `folder`. `clock`
    is the clock of the servers' machines, by default that of the world; `skew` returns seconds that servers add to it
    without noticing. `modem_dialect` is that of devices without one of their own.
    """

    def __init__(  # noqa: PLR0913 - each is a separate option, given by name
        self,
        seed: str,
        *,
        host: type[Host],
        url: str | None = None,
        headers: Callable[[], Mapping[str, str]] = dict,
        world: World | None = None,
        policy: Policy | None = None,
        branch: str = "",
        folder: Path | None = None,
        clock: ServerClock | None = None,
        skew: Callable[[], int] = lambda: 0,
        algorithm: Algorithm = Algorithm.ED25519,
        modem_dialect: str | None = None,
    ) -> None:
        self.world = world or World()
        self._root = Seed.of(seed)
        self.manufacturer = Manufacturer.of(self._root)
        self._seed = self._root.child(branch) if branch else self._root
        self._host, self._url, self._headers = host, url, headers
        self._policy, self._algorithm = policy, algorithm
        self._clock, self._skew = clock or MachineClock(self.world), skew
        self._modem_dialect = modem_dialect
        self._stack = ExitStack()
        self._access: dict[str, ServerAccess] = {}
        self._servers: dict[str, LabServer] = {}
        self._made: Counter[tuple[str, str]] = Counter()
        self._below = folder

    def __enter__(self) -> Self:
        folder = TemporaryDirectory(prefix=folder_prefix(), dir=self._below)
        self._folder = Path(self._stack.enter_context(folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def server(self) -> LabServer:
        """The manufacturer's server. Raises ValueError if it runs elsewhere."""
        self._server_access(MANUFACTURER)
        if MANUFACTURER not in self._servers:
            raise ValueError("the server of this simulation runs elsewhere")
        return self._servers[MANUFACTURER]

    def phone(  # noqa: PLR0913 - each is a separate part, given by name
        self,
        profile: str | Profile,
        place: str | Place,
        *,
        card: SimCard | None = None,
        modem: Modem | None = None,
        persistence: DevicePersistence | None = None,
        options: DeviceOptions | None = None,
    ) -> Handset:
        """A new device with the firmware `profile` in `place`, switched off.

        `card` replaces the SIM that a device there carries; `modem` replaces the emulated one, and its IMEIs are used.
        `persistence` is the storage of a device that was switched on before or will be again.
        Raises what `load_named`, `find_place` and `find_dialect` raise, and ValueError for an invalid `url`.
        """
        firmware = profile if isinstance(profile, Profile) else load_named(profile)
        where = place if isinstance(place, Place) else find_place(place)
        options = options or DeviceOptions()
        self._made[firmware.name, where.name] += 1
        number = f"phone {firmware.name} {where.name} {self._made[firmware.name, where.name]}"
        name = persistence.name if persistence else options.name or number
        storage = persistence or DeviceStorage(folder=self._folder / f"phone-{self._made.total()}")
        if options.modem_dialect is None:
            options = replace(options, modem_dialect=self._modem_dialect)
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
        access = self._server_access(image.agent.trust if image.agent else MANUFACTURER)
        authority = self.manufacturer.authority(image.hardware.keystore)
        return ImageBinding(access.trust, access.transport, authority)

    def _server_access(self, holder: str) -> ServerAccess:
        """The server of the holder of a trust root, which is started when it is first needed."""
        if holder not in self._access:
            identity, url = self._identity(holder), self._url
            transport: ServerTransport
            if url and holder == MANUFACTURER:
                transport = ForwardedForTransport(url, headers=self._headers)
            else:
                transport = self._start_server(holder, identity).transport()
            self._stack.callback(transport.close)
            root = identity.manufacturer.ceremony.pinned_root
            trust = Trust(issuer=identity.issuer, audience=identity.audience, root=root)
            self._access[holder] = ServerAccess(trust, transport)
        return self._access[holder]

    def _identity(self, holder: str) -> ServerIdentity:
        """The manufacturer, or another holder with its own keys and policy."""
        manufacturer = self.manufacturer
        if holder == MANUFACTURER:
            policy = self._policy or shipped()
            return ServerIdentity(
                manufacturer, manufacturer.issuer, manufacturer.audience, policy, self._algorithm
            )
        policy = Policy.parse(LANTERN, "lantern-open.toml")
        manufacturer = Manufacturer.of(self._root.child(holder))
        return ServerIdentity(manufacturer, f"https://verdicts.{holder}.example", f"{holder}-phones", policy)

    def _start_server(self, holder: str, identity: ServerIdentity) -> LabServer:
        folder = self._folder / holder
        folder.mkdir()
        random = self._seed.random(f"server {holder}").randbytes
        server = LabServer(identity, folder, self._clock, random, self._host(), skew=self._skew)
        self._stack.callback(server.stop)
        self._servers[holder] = server
        return server
