"""Where attacks take place: real servers, and phones with a hostile network and open storage.

The shared servers serve all attacks of a run; each trial gets a stage with a clock, randomness and phones of its own,
so that what it does and every octet of it depends on the seed and on the trial alone; the servers remember nothing from
one stage to the next. A trial in which months pass,
or keys change, takes a server of its own.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent.adapters.http import RequestsTransport, Timeouts
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.attacks.harness.interceptor import Interceptor
from lab.attacks.harness.key_sets import lantern_keys, ring, vendor_keys
from lab.attacks.harness.target_phone import Phone
from lab.attacks.harness.token_forge import AttackKeys, Signer
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.counter import EmulatedCounter
from lab.handset.image import Trust
from lab.handset.persistence import DeviceStorage
from lab.handset.storage import EmulatedStore
from lab.manufacturer.key_ceremony import Ceremony
from lab.manufacturer.manufacturer import Authority, KeystoreLevel, Manufacturer
from lab.manufacturer.policies import LANTERN as OPEN_POLICY
from lab.world.clock import World
from lab.world.network import UpstreamTransport
from lab.world.places import find_place
from lab.world.seed import Seed
from lab.world.sim import SimCard
from server_stub.key_repository import InitialContents, KeyList, KeyRepository, VerdictSigner
from server_stub.policies import shipped
from server_stub.policy.policy import Policy
from server_stub.server import ServerThread
from server_stub.store.records import Reading, Transaction
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService

REVOKED_LEVEL: Final = KeystoreLevel.STRONGBOX
"""The batch whose certificate the vendor's server holds revoked; phones here come from the other one."""

LANTERN: Final = "lantern"
VENDOR: Final = "vendor"
"""Who runs a server and is trusted by images: the vendor, or Lantern, who rebuild its firmware."""


class ResettableStore:
    """Implements the server's `Store` in memory. Emptied before each trial: earlier records would change verdicts."""

    def __init__(self) -> None:
        self._store = SqlStore()

    def begin(self) -> None:
        """Delete everything."""
        self._store.close()
        self._store = SqlStore()

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
    """Who runs a server: certificates and keys, what images pin of it, and how it decides."""

    vendor: Manufacturer
    signers: tuple[Signer, ...]
    keys: KeyList
    trust: Trust
    ceremony: Ceremony
    policy: Policy


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `transport` leads to it, `repository` is what it publishes its keys with."""

    house: ServerOwner
    transport: RequestsTransport
    repository: KeyRepository


@dataclass(slots=True)
class TrialContext:
    """What one trial sees. `unmet` collects what an attack itself found not to be as it must."""

    theatre: "AttackEnvironment"
    stack: ExitStack
    seed: Seed
    world: World
    unmet: list[str] = field(default_factory=list)
    made: int = 0

    @property
    def ring(self) -> AttackKeys:
        """The keys."""
        return self.theatre.ring

    def require(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - the condition is what it is about
        """Note `sentence` as not met unless it holds."""
        if not holds:
            self.unmet.append(sentence)

    def server(self, policy: Policy | None = None) -> Server:
        """A server of the vendor's for this stage alone, with another policy if one is given."""
        house = self.theatre.houses[VENDOR]
        return self.theatre.serve(replace(house, policy=policy or house.policy), self.stack)

    def transport_to(self, origin: str) -> RequestsTransport:
        """The phone's own HTTP to some other server, with time-outs that suit a machine talking to itself."""
        transport = RequestsTransport(origin, Timeouts(connect=2.0, read=2.0, total=4.0))
        self.stack.callback(transport.close)
        return transport

    def phone(  # noqa: PLR0913 - each is a part of its own, and all but two are given by name
        self,
        place: str,
        profile: str = "official-global",
        *,
        server: Server | None = None,
        authority: Authority | None = None,
        onward: UpstreamTransport | None = None,
        card: SimCard | None = None,
        like: Phone | None = None,
    ) -> Phone:
        """A new phone, switched off; or the hardware of the phone `like` again, with another image or card."""
        self.made += 1
        firmware = load_named(profile)
        holder = firmware.agent.trust if firmware.agent else VENDOR
        seed = like.seed if like else self.seed.child(f"phone {self.made}")
        store, counter = (like.store, like.counter) if like else (EmulatedStore(), EmulatedCounter())
        folder = self.theatre.folder / f"phone-{seed.bytes('folder', 8).hex()}-{holder}"
        asked = server or self.theatre.shared(holder)
        wire = Interceptor(onward or asked.transport)

        def bind(image: Profile) -> ImageBinding:
            own = authority or self.theatre.authority(KeystoreLevel(image.hardware.keystore.value))
            return ImageBinding(asked.house.trust, wire, own)

        handset = build_device(
            firmware,
            find_place(place),
            seed,
            self.world,
            bind,
            storage=DeviceStorage(store, counter, folder),
            options=DeviceOptions(cards=(card, None) if card else None),
        )
        return Phone(handset, wire, store, counter, asked.house.trust, asked.house.keys, seed, folder)

    def set_up(self, phone: Phone) -> Phone:
        """The same phone, switched on and walked through its setup."""
        phone.handset.power_on()
        phone.handset.walk_setup()
        return phone

    def locked(self) -> Phone:
        """A phone that the vendor's server denied at activation."""
        return self.set_up(self.phone("havana"))

    def activated(self) -> Phone:
        """A phone that the vendor's server allowed."""
        return self.set_up(self.phone("paris"))


class AttackEnvironment:
    """Made by `open`."""

    def __init__(self, seed: Seed, stack: ExitStack) -> None:
        self._seed = seed.child("attacks")
        self._stack = stack
        self._servers: dict[str, Server] = {}
        self._clock = World()
        self._random = self._seed.random("server")
        self._records: list[ResettableStore] = []
        self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="activation-")))
        self.ring = ring(self._seed)
        self.houses = {VENDOR: self._vendor(), LANTERN: self._lantern()}

    @classmethod
    @contextmanager
    def open(cls, seed: str) -> Iterator["AttackEnvironment"]:
        """A theatre whose servers start when they are first needed and stop with the block."""
        with ExitStack() as stack:
            yield cls(Seed.of(seed), stack)

    @contextmanager
    def stage(self, name: str) -> Iterator[TrialContext]:
        """A fresh stage, whose clock and randomness the servers follow from now on."""
        seed = self._seed.child(f"stage {name}")
        self._clock = World()
        self._random = seed.random("server")
        for records in self._records:
            records.begin()
        with ExitStack() as stack:
            yield TrialContext(self, stack, seed, self._clock)

    def authority(self, level: KeystoreLevel) -> Authority:
        """The vendor's batch key of `level`. Nobody's phone is from the revoked batch unless an attack says so."""
        return self.houses[VENDOR].vendor.authority(KeystoreLevel.TEE if level is REVOKED_LEVEL else level)

    @property
    def revoked_authority(self) -> Authority:
        """A batch key of the vendor's that leaked, and whose certificate the server holds revoked."""
        return self.houses[VENDOR].vendor.authority(REVOKED_LEVEL)

    def shared(self, holder: str) -> Server:
        """The server that trials share."""
        if holder not in self._servers:
            self._servers[holder] = self.serve(self.houses[holder], self._stack)
        return self._servers[holder]

    def serve(self, house: ServerOwner, stack: ExitStack) -> Server:
        """A new server, which stops with `stack`."""
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="activation-")))
        repository = stack.enter_context(
            KeyRepository.open(
                folder / "keys",
                initial=InitialContents(house.trust.root, house.keys),
                online=house.ceremony.online(),
                clock=self._now,
            )
        )
        # Records of its own: what is in force in those of another house, or of another policy, would decide here too.
        records = ResettableStore()
        self._records.append(records)
        stack.callback(self._records.remove, records)
        service = self._service(house, repository, records)
        transport = RequestsTransport(
            stack.enter_context(ServerThread(service, repository=repository)).origin
        )
        stack.callback(transport.close)
        return Server(house, transport, repository)

    def _service(
        self, house: ServerOwner, repository: KeyRepository, records: ResettableStore
    ) -> VerdictService:
        keys = tuple(signer.key for signer in house.signers)
        revoked = frozenset({self.revoked_authority.certificate.serial_number})
        return VerdictService(
            secrets=replace(house.vendor.secrets, signing_keys=keys, revoked_certificates=revoked),
            policy=house.policy,
            store=records,
            issuer=house.trust.issuer,
            audience=house.trust.audience,
            clock=self._now,
            random=self._octets,
            signer=VerdictSigner(keys, lambda: repository.keys, self._now),
        )

    def _now(self) -> int:
        return self._clock.now()

    def _octets(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def _vendor(self) -> ServerOwner:
        vendor, ceremony = Manufacturer(self._seed), Ceremony(self._seed.child("vendor"))
        trust = Trust(issuer=vendor.issuer, audience=vendor.audience, root=ceremony.pinned_root)
        signers = (self.ring.vendor, self.ring.vendor_es256)
        return ServerOwner(vendor, signers, KeyList(vendor_keys(self.ring)), trust, ceremony, shipped())

    def _lantern(self) -> ServerOwner:
        seed = self._seed.child("lantern")
        signer, ceremony = Signer.of(seed.ed25519("verdict")), Ceremony(seed)
        trust = Trust(
            issuer="https://verdicts.lantern.example", audience="lantern-phones", root=ceremony.pinned_root
        )
        policy = Policy.parse(OPEN_POLICY, "lantern-open.toml")
        return ServerOwner(
            Manufacturer(seed), (signer,), KeyList(lantern_keys(signer)), trust, ceremony, policy
        )
