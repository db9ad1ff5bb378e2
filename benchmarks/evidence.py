"""Evidence for measurements of the server, each piece from another device, with a nonce that is valid for minutes."""

import secrets
import time

from benchmarks.phones import MANUFACTURER, make_phone
from lab.simulation.standalone_evidence import RecordingTransport
from lab.world.clock import World
from server_stub.evidence.challenges import Challenger


def evidence_for(count: int) -> list[bytes]:
    """The evidence of `count` devices for a server of the benchmark's manufacturer."""
    challenger = Challenger(MANUFACTURER.secrets.nonce_key, secrets.token_bytes)
    evidence: list[bytes] = []
    for number in range(count):
        now = int(time.time())
        make_phone(number, RecordingTransport(challenger.issue(now), evidence), World(now)).ask()
    return evidence


def imeis_of(count: int) -> list[str]:
    """The first IMEI of each of these devices."""
    idle = RecordingTransport(Challenger(bytes(32), secrets.token_bytes).issue(0), [])
    return [make_phone(number, idle, World()).imeis[0] for number in range(count)]
