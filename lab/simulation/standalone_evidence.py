"""Evidence for the reader's own client: what a device would state for a challenge, and its attested key.

The real agent makes it, in an emulated device; its request for a verdict is recorded and not sent.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from agent.ports import Answer, TransportError, TransportFault
from firmware_profiles.model import Profile
from lab.handset.assembly import ImageBinding
from lab.handset.builder import DeviceOptions, build_device
from lab.handset.image import Trust
from lab.handset.keystore import EmulatedKey, KeystoreOptions
from lab.handset.numbered_device import NumberedDevice
from lab.handset.storage import DeviceStorage
from lab.manufacturer.factory import Factory
from lab.world.clock import World
from lab.world.jose import AttestablePrivateKey, b64, unb64
from lab.world.network import ForwardingTransport, Request
from lab.world.places import Place
from lab.world.seed import Seed
from wire import media
from wire.challenge import Challenge
from wire.limits import NONCE_LIFETIME


@dataclass(frozen=True, slots=True)
class EvidenceBuilder:
    """The claims of one device, and a key of its keystore that is attested for the challenge."""

    claims: dict[str, Any]
    key: EmulatedKey

    def token(self, claims: dict[str, Any] | None = None) -> str:
        """Evidence over `claims`, or over what the device itself states: a compact JWS."""
        stated = self.claims if claims is None else claims
        return sign_evidence(self.key, json.dumps(stated).encode())


def sign_evidence(key: EmulatedKey, payload: bytes, **header: object) -> str:
    """A compact JWS over `payload` with the certificate chain of `key`; `header` adds or replaces members."""
    members = {
        "alg": key.algorithm,
        "typ": media.EVIDENCE_TYP,
        "x5c": [base64.b64encode(certificate).decode() for certificate in key.chain],
    }
    signed = b64(json.dumps(members | header).encode()) + b"." + b64(payload)
    return (signed + b"." + b64(key.sign(signed))).decode()


def prepare_evidence(  # noqa: PLR0913 - which device states what
    seed: str,
    profile: Profile,
    place: Place,
    nonce: str,
    now: int,
    *,
    number: int | None = None,
    keystore: KeystoreOptions | None = None,
    key: AttestablePrivateKey | None = None,
    modem_dialect: str | None = None,
) -> EvidenceBuilder | None:
    """What a device states for `nonce` at the time `now`. None if it would never ask. Raises ValueError.

    `number` selects a device of the lab; None is the one of `activation device` with this profile and place. `key` is
    to be attested instead of a new one, and is of the algorithm of `keystore`. It needs no server: the image pins a key
    that verifies nothing.
    """
    own = Seed.of(seed).child(f"phone {profile.name} {place.name} 1")
    # These words are part of the seed: others would give another key for the same nonce.
    keys = Seed.of(" ".join(("by", "hand", nonce)))
    authority = Factory(seed).authority(profile.hardware.keystore)
    storage = DeviceStorage()
    if number is not None:
        numbered = NumberedDevice.of(seed, number, profile)
        own, authority, storage = numbered.seed, numbered.authority, DeviceStorage(imeis=numbered.imeis)
        keys = own
    transport = RecordingTransport(Challenge(nonce=nonce, expires_in=NONCE_LIFETIME), [])
    device = build_device(
        profile,
        place,
        own,
        World(now),
        lambda _: ImageBinding(Trust("", "", _PINNED), transport, authority),
        storage=storage,
        options=DeviceOptions(keystore=keystore, modem_dialect=modem_dialect),
    )
    device.power_on()
    device.walk_setup()
    if not transport.evidence:
        return None
    claims = json.loads(unb64(transport.evidence[0].split(b".")[1]))
    maker, challenge = device.keystore(keys), nonce.encode()
    attested = maker.attest(challenge) if key is None else maker.attest_key(key, challenge)
    return EvidenceBuilder(claims, attested)


_PINNED: Final[dict[str, object]] = {
    # Public key of RFC 8037 appendix A.1.
    "keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "none"}
    ]
}


@dataclass(frozen=True)
class RecordingTransport(ForwardingTransport):
    """Gives the device `challenge`, appends what it sends for a verdict to `evidence`, and sends nothing on."""

    challenge: Challenge
    evidence: list[bytes]

    def _carry(self, request: Request) -> Answer:
        if request.path == media.CHALLENGES_PATH:
            return Answer(200, media.JSON, self.challenge.model_dump_json().encode())
        if request.path == media.VERDICTS_PATH:
            self.evidence.append(request.body)
        raise TransportError(TransportFault.UNREACHABLE, "there is no server")
