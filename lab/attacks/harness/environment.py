"""Where attacks run: real verdict servers, and devices with a hostile network and accessible storage.

All trials of a run share the servers. Each trial gets a clock, randomness and separate devices, and the servers start
it without records, so that every byte depends only on the seed and the trial. A trial in which months pass, or in
which keys change, gets a separate server.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent.adapters.http import RequestsTransport, Timeouts
from firmware_profiles.loader import load_named
from firmware_profiles.model import KeyStorage, Profile
from lab.attacks.harness.interceptor import Interceptor
from lab.attacks.harness.key_sets import attack_keys, published_keys
from lab.attacks.harness.target_device import RecordedKeys, TargetDevice
from lab.attacks.harness.token_forge import AttackKeys, Signer
from lab.backend.hosts import Host, InProcessHost
from lab.backend.http_host import HttpHost
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.image import Trust
from lab.handset.storage import DeviceStorage, EmulatedCounter, EmulatedStore
from lab.manufacturer.factory import Authority
from lab.manufacturer.key_ceremony import Ceremony
from lab.manufacturer.manufacturer import Manufacturer
from lab.manufacturer.policies import LANTERN as OPEN_POLICY
from lab.world.addresses import LOOPBACK
from lab.world.clock import World
from lab.world.network import UpstreamTransport
from lab.world.places import find_place
from lab.world.seed import Seed
from lab.world.sim import SimCard
from server_stub.api.limits.settings import ServerLimits, read_rate
from server_stub.key_repository import InitialContents, KeyList, KeyRepository, VerdictSigner
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Policy
from server_stub.store.reading import Reading
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Transaction
from server_stub.verdicts.service import VerdictService

REVOKED_LEVEL: Final = KeyStorage.STRONGBOX
"""The batch key whose certificate the manufacturer's server lists as revoked; devices here use the other one."""

PUBLIC_LIMITS: Final = ServerLimits(
    trusted_proxies=(LOOPBACK,),
    hosts=(LOOPBACK,),
    headers_seconds=0.3,
    body_seconds=0.3,
    linger_seconds=0.3,
    rate_per_address=read_rate("30/hour"),
    rate_operations=read_rate("30/hour"),
    rate_admin=read_rate("30/hour"),
    rate_unattested=read_rate("5/hour"),
)
"""Limits of the server that strangers reach: those of a real one, but sooner."""

LANTERN: Final = "lantern"
MANUFACTURER: Final = "vendor"
"""The holders of trust roots: the manufacturer, and Lantern, a project that rebuilds its firmware."""


class ResettableStore:
    """Implements the server's `Store` in memory. Emptied before each trial: earlier records would change verdicts.

    The key repository stays.
    """

    def __init__(self) -> None:
        self._store = SqlStore()

    def begin(self) -> None:
        """Delete everything else."""
        with self._store.reading() as reading:
            files, number = reading.repository_files(), reading.publication()
        self._store.close()
        self._store = SqlStore()
        with self._store.transaction() as transaction:
            transaction.publish(files, number)

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction of the current store."""
        return self._store.transaction()

    def reading(self) -> AbstractContextManager[Reading]:
        """A read-only transaction of the current store."""
        return self._store.reading()

    def check(self) -> None:
        """Raises StoreUnavailableError if nothing could be stored now."""
        self._store.check()

    def close(self) -> None:
        """Close the current store."""
        self._store.close()


@dataclass(frozen=True, slots=True)
class ServerOwner:
    """Who runs a server: certificates and keys, what images pin of it, and its policy."""

    manufacturer: Manufacturer
    signers: tuple[Signer, ...]
    keys: KeyList
    trust: Trust
    ceremony: Ceremony
    policy: Policy


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, the transport to it, the repository that publishes its keys, and its scheme, host and port."""

    owner: ServerOwner
    service: VerdictService
    transport: UpstreamTransport
    repository: KeyRepository
    origin: str


@dataclass(slots=True)
class TrialContext:
    """What one trial uses. `unmet` collects the requirements that the attack itself found violated."""

    environment: "AttackEnvironment"
    stack: ExitStack
    seed: Seed
    world: World
    unmet: list[str] = field(default_factory=list)
    devices: int = 0

    @property
    def keys(self) -> AttackKeys:
        """Every key that attacks use."""
        return self.environment.keys

    def require(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - the condition to check
        """Add `sentence` to `unmet` unless it holds."""
        if not holds:
            self.unmet.append(sentence)

    def server(self, policy: Policy | None = None) -> Server:
        """A manufacturer's server for this trial only, with another policy if one is given."""
        owner = self.environment.owners[MANUFACTURER]
        return self.environment.serve(replace(owner, policy=policy or owner.policy), self.stack)

    def public_server(self) -> Server:
        """A manufacturer's server for this trial only, on a port of this machine and with `PUBLIC_LIMITS`."""
        owner = self.environment.owners[MANUFACTURER]
        return self.environment.serve(owner, self.stack, HttpHost(PUBLIC_LIMITS))

    def transport_to(self, origin: str) -> RequestsTransport:
        """The agent's own HTTP to some other server, with time-outs for a server on this machine."""
        transport = RequestsTransport(origin, Timeouts(connect=2.0, read=2.0, total=4.0))
        self.stack.callback(transport.close)
        return transport

    def device(  # noqa: PLR0913 - each is a separate part, and all but two are given by name
        self,
        place: str,
        profile: str | Profile = "official-global",
        *,
        server: Server | None = None,
        authority: Authority | None = None,
        card: SimCard | None = None,
        hardware_of: TargetDevice | None = None,
    ) -> TargetDevice:
        """A new device, switched off; or the hardware of another one with this image or card."""
        self.devices += 1
        environment = self.environment
        firmware = profile if isinstance(profile, Profile) else load_named(profile)
        holder = firmware.agent.trust if firmware.agent else MANUFACTURER
        server = server or environment.shared(holder)
        trust = server.owner.trust
        interceptor = Interceptor(server.transport)
        if hardware_of:
            seed, store, counter = hardware_of.seed, hardware_of.store, hardware_of.counter
        else:
            seed, store, counter = (
                self.seed.child(f"phone {self.devices}"),
                EmulatedStore(),
                EmulatedCounter(),
            )
        folder = environment.folder / f"phone-{seed.bytes('folder', 8).hex()}-{holder}"

        def bind(image: Profile) -> ImageBinding:
            batch = authority or environment.authority(image.hardware.keystore)
            return ImageBinding(trust, interceptor, batch)

        recorded = RecordedKeys()
        handset = build_device(
            firmware,
            find_place(place),
            seed,
            self.world,
            bind,
            storage=DeviceStorage(store, counter, folder),
            options=DeviceOptions(cards=(card, None) if card else None, ports=recorded.within),
        )
        keys = server.owner.keys
        return TargetDevice(handset, interceptor, store, counter, trust, keys, recorded, seed, folder)

    def set_up(self, device: TargetDevice) -> TargetDevice:
        """The same device, switched on and walked through its setup."""
        device.handset.power_on()
        device.handset.walk_setup()
        return device

    def locked(self) -> TargetDevice:
        """A device that the manufacturer's server denied at activation."""
        return self.set_up(self.device("havana"))

    def activated(self) -> TargetDevice:
        """A device that the manufacturer's server allowed."""
        return self.set_up(self.device("paris"))


class AttackEnvironment:
    """Made by `open`. Servers start when they are first needed."""

    def __init__(self, seed: Seed, stack: ExitStack) -> None:
        self._seed = seed.child("attacks")
        self._stack = stack
        self._servers: dict[str, Server] = {}
        self._world = World()
        self._random = self._seed.random("server")
        self._stores: list[ResettableStore] = []
        self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="activation-")))
        self.keys = attack_keys(self._seed)
        self.owners = {MANUFACTURER: self._manufacturer(), LANTERN: self._lantern()}

    @classmethod
    @contextmanager
    def open(cls, seed: str) -> Iterator["AttackEnvironment"]:
        """An environment whose servers stop with the block."""
        with ExitStack() as stack:
            yield cls(Seed.of(seed), stack)

    @contextmanager
    def trial(self, name: str) -> Iterator[TrialContext]:
        """The context of a new trial, whose clock and randomness the servers use from now on."""
        seed = self._seed.child(f"stage {name}")
        self._world = World()
        self._random = seed.random("server")
        for store in self._stores:
            store.begin()
        with ExitStack() as stack:
            yield TrialContext(self, stack, seed, self._world)

    def authority(self, level: KeyStorage) -> Authority:
        """The manufacturer's batch key of `level`, never the revoked one."""
        return self.owners[MANUFACTURER].manufacturer.authority(
            KeyStorage.TEE if level is REVOKED_LEVEL else level
        )

    @property
    def revoked_authority(self) -> Authority:
        """A leaked batch key of the manufacturer, whose certificate the server lists as revoked."""
        return self.owners[MANUFACTURER].manufacturer.authority(REVOKED_LEVEL)

    def shared(self, holder: str) -> Server:
        """The server of `holder` that trials share."""
        if holder not in self._servers:
            self._servers[holder] = self.serve(self.owners[holder], self._stack)
        return self._servers[holder]

    def serve(self, owner: ServerOwner, stack: ExitStack, host: Host | None = None) -> Server:
        """A new server, in this process if there is no `host`, which stops with `stack`."""
        # A separate store: the policy in force is a record, and owners have different policies.
        store = ResettableStore()
        repository = KeyRepository.open(
            store,
            initial=InitialContents(owner.trust.root, owner.keys),
            online=owner.ceremony.online_of,
            clock=self._now,
        )
        self._stores.append(store)
        stack.callback(self._stores.remove, store)
        keys = tuple(signer.key for signer in owner.signers)
        revoked = frozenset({self.revoked_authority.certificate.serial_number})
        service = VerdictService(
            secrets=replace(owner.manufacturer.secrets, signing_keys=keys, revoked_certificates=revoked),
            policy=owner.policy,
            store=store,
            issuer=owner.trust.issuer,
            audience=owner.trust.audience,
            clock=self._now,
            random=self._randbytes,
            key=VerdictSigner(keys, repository.keys, self._now).key,
        )
        host = host or InProcessHost()
        host.start(service, repository)
        stack.callback(host.stop)
        transport = host.transport()
        stack.callback(transport.close)
        return Server(owner, service, transport, repository, host.origin)

    def _now(self) -> int:
        return self._world.now()

    def _randbytes(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def _manufacturer(self) -> ServerOwner:
        manufacturer, ceremony = Manufacturer(self._seed), Ceremony(self._seed.child("vendor"))
        trust = Trust(issuer=manufacturer.issuer, audience=manufacturer.audience, root=ceremony.pinned_root)
        signers = (self.keys.genuine, self.keys.genuine_es256)
        return ServerOwner(
            manufacturer, signers, KeyList(published_keys(self.keys)), trust, ceremony, shipped()
        )

    def _lantern(self) -> ServerOwner:
        seed = self._seed.child("lantern")
        signer, ceremony = Signer.of(seed.ed25519("verdict")), Ceremony(seed)
        trust = Trust(
            issuer="https://verdicts.lantern.example", audience="lantern-phones", root=ceremony.pinned_root
        )
        policy = Policy.parse(OPEN_POLICY, "lantern-open.toml")
        return ServerOwner(Manufacturer(seed), (signer,), KeyList((signer.jwk(),)), trust, ceremony, policy)
