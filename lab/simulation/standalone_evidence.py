"""Evidence for the reader's own client: what a device would state for a challenge, and its attested key.

The real agent makes it, in a device of a simulation; its request for a verdict is recorded and not sent.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

from agent.ports import Answer, TransportError, TransportFault
from lab.handset.builder import DeviceOptions
from lab.handset.keystore import EmulatedKey, KeystoreOptions
from lab.simulation.simulation import Simulation
from lab.world.network import UpstreamTransport
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
    signed = f"{base64url(json.dumps(members | header).encode())}.{base64url(payload)}"
    return f"{signed}.{base64url(key.sign(signed.encode()))}"


def base64url(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def prepare_evidence(
    simulation: Simulation, profile: str, place: str, nonce: str, keystore: KeystoreOptions | None = None
) -> EvidenceBuilder | None:
    """What a device with the firmware `profile` in `place` states for `nonce`. None if it would never ask.

    `keystore` says what its keystore has and writes.

    Raises what `Simulation.phone` raises, and ValueError for an invalid nonce.
    """
    evidence: list[bytes] = []
    challenge = Challenge(nonce=nonce, expires_in=NONCE_LIFETIME)
    options = DeviceOptions(
        name=f"phone {profile} {place} 1",  # the first of its kind, so that a second call gives the same device
        keystore=keystore,
        transport=lambda upstream: RecordingTransport(challenge, evidence, upstream),
    )
    device = simulation.phone(profile, place, options=options)
    device.power_on()
    device.walk_setup()
    if not evidence:
        return None
    payload = evidence[0].split(b".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    # These words are part of the seed: others would give another key for the same nonce.
    seed = Seed.of(" ".join(("by", "hand", nonce)))
    key = device.keystore(seed).attest(nonce.encode())
    return EvidenceBuilder(claims, key)


@dataclass(frozen=True, slots=True)
class RecordingTransport:
    """Gives the device `challenge`, appends what it sends for a verdict to `evidence`, and sends nothing on.

    Downloads go to `upstream`; without one they fail.
    """

    challenge: Challenge
    evidence: list[bytes]
    upstream: UpstreamTransport | None = None

    def get(self, path: str, *, accept: str) -> Answer:
        """Fetch `path` from upstream. Raises TransportError."""
        if self.upstream is None:
            raise TransportError(TransportFault.UNREACHABLE, "there is no server")
        return self.upstream.get(path, accept=accept)

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:  # noqa: ARG002 - the port's
        """Answer a request for a challenge. Raises TransportError for a request for a verdict."""
        if path == media.CHALLENGES_PATH:
            return Answer(200, media.JSON, self.challenge.model_dump_json().encode())
        self.evidence.append(body)
        raise TransportError(TransportFault.UNREACHABLE, "the request was recorded, not sent")
