"""A scene: one world, the vendors in it with their servers, and the phones that are put into it.

Everything in a scene derives from its seed. Its servers are real ones: HTTP on a free port, records in SQLite.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent.adapters.http import RequestsTransport
from agent.ports import Modem
from agent.telephony.reader import read_telephony
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.clock import World
from lab.handset.handset import Circumstances, Handset, Hardware, blank_storage, over
from lab.handset.image import Trust, imeis
from lab.handset.sim import SimCard
from lab.handset.surroundings import Radio, cards_at, falsify, hear
from lab.places import Place, find_place
from lab.policies import LANTERN
from lab.seed import Seed
from lab.vendor import KeystoreLevel, Vendor
from server_stub.domain.policy import Policy
from server_stub.key_repository import VerdictSigner
from server_stub.policies import shipped
from server_stub.server import ServerThread
from server_stub.service import VerdictService
from server_stub.store.sql import SqlStore

VENDOR: Final = "vendor"
"""The holder whose keys and server the official images pin."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an image pins, and the way to the server that it names."""

    trust: Trust
    transport: RequestsTransport


class Scene:
    """Made by `open`. `url` is where phones of the vendor find their server, if it is not the scene's own."""

    def __init__(self, seed: Seed, world: World, stack: ExitStack, url: str | None) -> None:
        self.world = world
        self.vendor = Vendor(seed)
        self._seed = seed
        self._stack = stack
        self._url = url
        self._reach: dict[str, Reach] = {}
        self._made: Counter[tuple[str, str]] = Counter()
        self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="activation-")))

    @classmethod
    @contextmanager
    def open(cls, seed: str, *, url: str | None = None, world: World | None = None) -> Iterator["Scene"]:
        """A scene whose servers start when the first phone needs them and stop with the block."""
        with ExitStack() as stack:
            yield cls(Seed.of(seed), world or World(), stack, url)

    def phone(
        self, profile: str, place: str, *, card: SimCard | None = None, modem: Modem | None = None
    ) -> Handset:
        """A new phone with the firmware `profile`, in `place`, switched off.

        `card` takes the place of the SIM that a phone there carries; `modem`, with what it hears, that of the
        emulated one. Raises what `load_named` and `find_place` raise, and ValueError for an `url` that is none.
        """
        firmware, where = load_named(profile), find_place(place)
        self._made[profile, place] += 1
        seed = self._seed.child(f"phone {profile} {place} {self._made[profile, place]}")
        radio = hear(firmware, where, (card, None) if card else cards_at(where, seed))
        told = _told(firmware, radio, seed)
        numbers = imeis(firmware, seed) if modem is None else read_telephony(modem).imeis
        store, counter = blank_storage()
        hardware = Hardware(
            imeis=numbers,
            modem=modem or told.modem(numbers),
            surroundings=told.surroundings,
            authority=self.vendor.authority(KeystoreLevel(firmware.hardware.keystore.value)),
            store=store,
            counter=counter,
            folder=self._folder / f"phone-{self._made.total()}",
        )
        reach = self._reach_of(firmware)
        network = over(reach.transport, data_path=_has_data_path(where, radio, modem))
        return Handset(firmware, hardware, Circumstances(self.world, network, reach.trust, seed))

    def _reach_of(self, firmware: Profile) -> Reach:
        holder = firmware.agent.trust if firmware.agent else VENDOR
        if holder not in self._reach:
            self._reach[holder] = self._make_reach(holder)
        return self._reach[holder]

    def _make_reach(self, holder: str) -> Reach:
        """The vendor's server, or the one of another holder of trust, who has keys and a policy of its own."""
        official = holder == VENDOR
        vendor = self.vendor if official else Vendor(self._seed.child(holder))
        issuer = vendor.issuer if official else f"https://verdicts.{holder}.example"
        audience = vendor.audience if official else f"{holder}-phones"
        policy = shipped() if official else Policy.parse(LANTERN, "lantern-open.toml")
        url = self._url if official and self._url else self._serve(holder, vendor, policy, issuer, audience)
        transport = RequestsTransport(url)
        self._stack.callback(transport.close)
        return Reach(Trust(issuer=issuer, audience=audience, root=vendor.ceremony.pinned_root), transport)

    def _serve(self, holder: str, vendor: Vendor, policy: Policy, issuer: str, audience: str) -> str:
        folder = self._folder / holder
        folder.mkdir()
        store = SqlStore(folder / "records.sqlite")
        self._stack.callback(store.close)
        keys = vendor.secrets.signing_keys
        repository = self._stack.enter_context(vendor.ceremony.open(folder / "keys", keys, self.world.now))
        service = VerdictService(
            secrets=vendor.secrets,
            policy=policy,
            store=store,
            issuer=issuer,
            audience=audience,
            clock=self.world.now,
            random=self._seed.random(f"server {holder}").randbytes,
            signer=VerdictSigner(keys, lambda: repository.keys, self.world.now),
        )
        return self._stack.enter_context(ServerThread(service, repository=repository)).origin


def _told(firmware: Profile, radio: Radio, seed: Seed) -> Radio:
    """What the agent hears: the truth, unless the image falsifies it."""
    falsified = firmware.hooks.falsified if firmware.hooks else None
    return falsify(falsified, seed) if falsified else radio


def _has_data_path(place: Place, radio: Radio, modem: Modem | None) -> bool:
    """A real modem brings its own network; an emulated phone reaches the server by what it hears."""
    return modem is not None or place.has_data_path(radio.serving)
