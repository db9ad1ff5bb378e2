"""One activation, phone and server in one process, against the bare operations of cryptography that it contains.

The phone is the lab's: emulated modem, keystore with attestation, sealed state. Only HTTP is taken out, by a transport
that calls the service. What the phone is made of is prepared outside of the measurement.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from agent.core.states import Lock
from agent.ports import Answer
from benchmarks.report import Row
from benchmarks.timing import interleaved, ratio
from lab.handset.handset import Handset
from lab.scene import Scene
from server_stub.policies import shipped
from server_stub.service import VerdictService
from server_stub.store.memory import MemoryStore
from wire import media

BUDGET = 2.0
ROUNDS, CALLS = 25, 4
ES256 = ec.ECDSA(SHA256())


@dataclass(frozen=True)
class DirectTransport:
    """Implements `agent.ports.Transport` by calling the service in this process."""

    service: VerdictService

    def post(self, path: str, body: bytes, *, content_type: str, accept: str) -> Answer:
        """Answer as the routes would."""
        if path == media.CHALLENGES_PATH:
            return Answer(200, accept, self.service.challenge().to_wire())
        if content_type != media.EVIDENCE:
            return Answer(415, media.PROBLEM, b"")
        return Answer(200, accept, self.service.answer(body).encode())


def measure() -> Row:
    """Activate prepared phones one after the other, in turns with the bare operations."""
    with Scene.open("benchmark") as scene:
        service = VerdictService(
            secrets=scene.vendor.secrets,
            policy=shipped(),
            store=MemoryStore(),
            issuer=scene.vendor.issuer,
            audience=scene.vendor.audience,
            clock=scene.world.now,
            random=secrets.token_bytes,
        )
        phones = [_phone(scene, service) for _ in range((ROUNDS + 1) * CALLS)]
        timings = interleaved(
            {"bare": _bare_operations(), "here": lambda: _activate(phones.pop())}, rounds=ROUNDS, calls=CALLS
        )
    return Row(
        "one activation, phone and server in one process",
        "its bare operations: 1 P-256 key, 2 ES256 signatures, 2 verifications, 1 Ed25519 of each",
        BUDGET,
        ratio(timings, "here", "bare"),
        median(timings["bare"]),
    )


def _phone(scene: Scene, service: VerdictService) -> Handset:
    phone = scene.phone("official-global", "paris")
    phone.network.onward = DirectTransport(service)
    return phone


def _activate(phone: Handset) -> None:
    phone.power_on()
    phone.walk_setup("en")
    if phone.agent is None or phone.agent.state.lock is not Lock.ACTIVATED:
        raise RuntimeError("the phone was not activated, so nothing was measured")


def _bare_operations() -> Callable[[], None]:
    message = b"x" * 1024
    issuer, root = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()

    def operations() -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        for signer in (key, issuer):
            signer.public_key().verify(signer.sign(message, ES256), message, ES256)
        root.public_key().verify(root.sign(message), message)

    return operations
