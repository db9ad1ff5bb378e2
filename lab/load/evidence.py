"""Evidence of many devices for a load, prepared at little cost.

The claims are those of one emulated device in Paris; each device states its own IMEI. A device has one key, which is
certified again for each nonce, by the batch key of the factory. So evidence costs the server two ES256 verifications:
of the leaf certificate and of the evidence.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from agent.evidence import ueid
from firmware_profiles.loader import load_named
from firmware_profiles.model import Profile
from lab.handset.image import boot_facts
from lab.handset.keystore import EmulatedKey, EmulatedKeystore
from lab.handset.numbered_device import device_imeis
from lab.manufacturer.factory import Factory
from lab.simulation.standalone_evidence import prepare_evidence, sign_evidence
from lab.world.jose import AttestablePrivateKey
from lab.world.places import find_place
from lab.world.seed import Seed

PROFILE: Final = "official-global"
PLACE: Final = "paris"


@dataclass(frozen=True, slots=True)
class LoadDevice:
    """A device with the IMEIs of the lab's device of the same number. Its key is the same for every nonce."""

    keystore: EmulatedKeystore
    key: AttestablePrivateKey
    ueid: str

    @classmethod
    def of(cls, seed: str, number: int, profile: Profile, factory: Factory) -> "LoadDevice":
        """Device `number` of the lab of `seed`."""
        imeis, own = device_imeis(seed, number, profile), Seed.of(seed).child(f"load device {number}")
        authority = factory.authority(profile.hardware.keystore)
        keystore = EmulatedKeystore(own, authority, boot_facts(profile, imeis))
        return cls(keystore, own.p256("key"), ueid(imeis[0]))


@dataclass
class EvidenceSource:
    """The evidence of `devices` devices of the lab of `seed` in turn. The devices are made when they are first used."""

    seed: str
    devices: int
    _made: list[LoadDevice] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._profile, self._factory = load_named(PROFILE), Factory(self.seed)
        stated = prepare_evidence(
            self.seed, self._profile, find_place(PLACE), "no-nonce", int(time.time()), number=0
        )
        if stated is None:
            raise RuntimeError(f"{PROFILE} in {PLACE} sends no evidence")
        self._claims: dict[str, Any] = stated.claims

    def next(self, nonce: str) -> bytes:
        """The evidence of the next device for `nonce`, a compact JWS."""
        turn = next(self._turns) % self.devices
        if turn == len(self._made):
            self._made.append(LoadDevice.of(self.seed, turn, self._profile, self._factory))
        device = self._made[turn]
        chain = device.keystore.certify(device.key.public_key(), nonce.encode())
        claims = self._claims | {"eat_nonce": nonce, "ueid": device.ueid}
        return sign_evidence(EmulatedKey(device.key, chain), json.dumps(claims).encode()).encode()
