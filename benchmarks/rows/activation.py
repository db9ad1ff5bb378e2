"""One activation, device and server in one process, compared with the cryptographic operations that it needs.

The device is the lab's: emulated modem, keystore with attestation, sealed state. A transport that calls the service
replaces HTTP, and the timeline of the lab is off. Devices are prepared before the measurement.
"""

from collections.abc import Callable
from time import process_time_ns

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.phones import DirectTransport, activate, make_phone
from benchmarks.report import BudgetRow
from benchmarks.servers import verdict_service
from benchmarks.timing import interleaved
from lab.world.clock import World
from server_stub.store.sql import SqlStore

ROW = BudgetRow(
    "one activation in one process",
    "1 P-256 key, 2 ES256 signatures and verifications, 1 Ed25519 of each",
    8.5,
)
ROUNDS, CALLS = 75, 4
ES256 = ec.ECDSA(SHA256())


def measure() -> BudgetRow:
    """Activate prepared devices, in turns with the bare operations."""
    world = World()
    transport = DirectTransport(verdict_service(SqlStore(), world.now))
    agents = [make_phone(number, transport, world) for number in range((ROUNDS + 1) * CALLS)]
    work = {"bare": bare_operations(), "here": lambda: activate(agents.pop())}
    timings = interleaved(work, rounds=ROUNDS, calls=CALLS, clock=process_time_ns)
    return ROW.measured(timings, "here", "bare")


def bare_operations() -> Callable[[], None]:
    """The cryptographic operations of an activation."""
    message = b"x" * 1024
    issuer, root = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()

    def operations() -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        for signer in (key, issuer):
            signer.public_key().verify(signer.sign(message, ES256), message, ES256)
        root.public_key().verify(root.sign(message), message)

    return operations
