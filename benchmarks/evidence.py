"""Evidence to measure the server with: each piece from a phone of its own, for a nonce that is good for minutes."""

import secrets
import time

from benchmarks.phones import VENDOR, CapturingTransport, make_phone
from lab.world.clock import World
from server_stub.evidence.challenges import Challenger


def evidence_for(count: int, *, first: int = 0) -> list[bytes]:
    """What `count` phones, numbered from `first`, would send to a server of the benchmark's vendor."""
    challenger = Challenger(VENDOR.secrets.nonce_key, secrets.token_bytes)
    return [_evidence(number, challenger) for number in range(first, first + count)]


def imeis_of(count: int, *, first: int = 0) -> list[str]:
    """The first IMEI of each of these phones."""
    idle = CapturingTransport(Challenger(bytes(32), secrets.token_bytes).issue(0))
    return [make_phone(number, idle, World()).imeis[0] for number in range(first, first + count)]


def _evidence(number: int, challenger: Challenger) -> bytes:
    now = int(time.time())
    transport = CapturingTransport(challenger.issue(now))
    make_phone(number, transport, World(now)).ask()
    return transport.evidence
