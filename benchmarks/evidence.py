"""Evidence to measure the server with: each piece from a phone of its own, for a nonce that is good for minutes."""

import secrets
import time

from benchmarks.phones import VENDOR, make_phone
from lab.simulation.standalone_evidence import RecordingTransport
from lab.world.clock import World
from server_stub.evidence.challenges import Challenger


def evidence_for(count: int, *, first: int = 0) -> list[bytes]:
    """What `count` phones, numbered from `first`, would send to a server of the benchmark's vendor."""
    challenger = Challenger(VENDOR.secrets.nonce_key, secrets.token_bytes)
    return [_evidence(number, challenger) for number in range(first, first + count)]


def imeis_of(count: int, *, first: int = 0) -> list[str]:
    """The first IMEI of each of these phones."""
    idle = RecordingTransport(Challenger(bytes(32), secrets.token_bytes).issue(0), [])
    return [make_phone(number, idle, World()).imeis[0] for number in range(first, first + count)]


def _evidence(number: int, challenger: Challenger) -> bytes:
    now = int(time.time())
    evidence: list[bytes] = []
    make_phone(number, RecordingTransport(challenger.issue(now), evidence), World(now)).ask()
    return evidence[0]
