"""Evidence for a client that is written by hand: what a phone of the lab would state for a challenge, and its key.

The real agent makes it, in a phone of a scene; its request for a verdict is kept back instead of being sent.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from agent.ports import Answer, TransportError, TransportFault
from firmware_profiles.loader import load_named
from lab.handset.image import boot_facts
from lab.handset.keystore import EmulatedKey, EmulatedKeystore
from lab.handset.options import DeviceOptions
from lab.manufacturer.manufacturer import KeystoreLevel
from lab.simulation.simulation import Simulation
from lab.world.network import UpstreamTransport
from lab.world.seed import Seed
from wire import media
from wire.challenge import Challenge
from wire.limits import NONCE_LIFETIME


@dataclass(frozen=True, slots=True)
class EvidenceBuilder:
    """The claims of one phone, and a key of its keystore that is attested for the challenge."""

    claims: dict[str, Any]
    key: EmulatedKey

    def token(self, claims: dict[str, Any] | None = None) -> str:
        """Evidence over `claims`, or over what the phone itself states: a compact JWS."""
        head = {
            "alg": self.key.algorithm,
            "typ": media.EVIDENCE_TYP,
            "x5c": [base64.b64encode(certificate).decode() for certificate in self.key.chain],
        }
        stated = self.claims if claims is None else claims
        signed = ".".join(_segment(json.dumps(part).encode()) for part in (head, stated))
        return f"{signed}.{_segment(self.key.sign(signed.encode()))}"


def by_hand(simulation: Simulation, profile: str, place: str, nonce: str) -> EvidenceBuilder | None:
    """What a phone with the firmware `profile` in `place` states for `nonce`. None where it would never ask.

    Raises what `Simulation.phone` raises, and ValueError for a nonce that no phone would take.
    """
    clerks: list[_RecordingTransport] = []

    def way(onward: UpstreamTransport) -> UpstreamTransport:
        clerks.append(_RecordingTransport(onward, nonce))
        return clerks[-1]

    # The first of its kind in a scene of that seed, however often it is asked for.
    phone = simulation.phone(
        profile, place, options=DeviceOptions(name=f"phone {profile} {place} 1", way=way)
    )
    phone.power_on()
    phone.walk_setup()
    kept = [token for clerk in clerks for token in clerk.kept]
    if not kept:
        return None
    firmware = load_named(profile)
    authority = simulation.vendor.authority(KeystoreLevel(firmware.hardware.keystore.value))
    keystore = EmulatedKeystore(Seed.of(f"by hand {nonce}"), authority, boot_facts(firmware, phone.imeis))
    return EvidenceBuilder(_claims(kept[0]), keystore.attest(nonce.encode()))


@dataclass
class _RecordingTransport:
    """The way to a server that gives `nonce` for a challenge, and keeps what is sent for a verdict."""

    onward: UpstreamTransport
    nonce: str
    kept: list[bytes] = field(default_factory=list)

    def get(self, path: str, *, accept: str) -> Answer:
        return self.onward.get(path, accept=accept)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        if path == media.CHALLENGES_PATH:
            challenge = Challenge(nonce=self.nonce, expires_in=NONCE_LIFETIME)
            return Answer(200, media.JSON, challenge.model_dump_json().encode())
        if path == media.VERDICTS_PATH:
            self.kept.append(body)
            raise TransportError(TransportFault.UNREACHABLE, "kept back")
        return self.onward.post(path, body, content_type=content_type, accept=accept)


def _claims(token: bytes) -> dict[str, Any]:
    payload = token.split(b".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return claims


def _segment(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
