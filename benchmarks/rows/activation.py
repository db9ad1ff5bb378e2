"""One activation, phone and server in one process, against the bare operations of cryptography that it contains.

The phone is the lab's: emulated modem, keystore with attestation, sealed state. HTTP is taken out, by a transport that
calls the service, and so is the lab's diary. What the phone is made of is prepared outside of the measurement.
"""

import secrets
from collections.abc import Callable
from statistics import median
from time import process_time_ns

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.phones import VENDOR, DirectTransport, make_phone
from benchmarks.report import Row
from benchmarks.timing import interleaved, ratio
from lab.world.clock import World
from server_stub.policies import shipped
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import VerdictService

BUDGET = 2.0
ROUNDS, CALLS = 75, 4
ES256 = ec.ECDSA(SHA256())


def measure() -> Row:
    """Activate prepared phones one after the other, in turns with the bare operations."""
    world = World()
    transport = DirectTransport(_service(world))
    phones = [make_phone(number, transport, world) for number in range((ROUNDS + 1) * CALLS)]
    work = {"bare": bare_operations(), "here": lambda: phones.pop().activate()}
    timings = interleaved(work, rounds=ROUNDS, calls=CALLS, clock=process_time_ns)
    return Row(
        "one activation, phone and server in one process",
        "its bare operations: 1 P-256 key, 2 ES256 signatures, 2 verifications, 1 Ed25519 of each",
        BUDGET,
        ratio(timings, "here", "bare"),
        median(timings["bare"]),
    )


def _service(world: World) -> VerdictService:
    return VerdictService(
        secrets=VENDOR.secrets,
        policy=shipped(),
        store=SqlStore(),
        issuer=VENDOR.issuer,
        audience=VENDOR.audience,
        clock=world.now,
        random=secrets.token_bytes,
    )


def bare_operations() -> Callable[[], None]:
    """What an activation cannot do without."""
    message = b"x" * 1024
    issuer, root = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()

    def operations() -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        for signer in (key, issuer):
            signer.public_key().verify(signer.sign(message, ES256), message, ES256)
        root.public_key().verify(root.sign(message), message)

    return operations
